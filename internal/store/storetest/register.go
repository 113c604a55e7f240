package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func testClientChanges(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	robot, other := h.client("robot"), h.client("other")
	h.change(db, func(tx *store.DB) error { return errorsOf(tx.CreateClient(ctx, robot), tx.CreateClient(ctx, other)) })
	get := func() identity.Client {
		t.Helper()
		c, err := db.Client(ctx, "robot")
		check(t, err)
		return c
	}
	h.clock.Move(time.Minute)
	next := robot
	next.Name, next.Enabled, next.Require, next.StaticSignature = "Another name", false, identity.ProofSecret, false
	next.AuthMethod, next.AssertionAlgorithm, next.AssertionAudience, next.JWKSURI = "", "", identity.AssertionForIssuer, ""
	next.Permissions, next.Audiences, next.TokenExpiration, next.TokenAlgorithm, next.Metadata = []string{"q"}, []string{}, 0, "RS256", `{"a":1}`
	h.change(db, func(tx *store.DB) error { return tx.UpdateClient(ctx, next) })
	next.Version, next.UpdatedAt = 2, h.clock.Now()
	wantEqual(t, get(), next)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.UpdateClient(ctx, h.client("nobody")) })
	algorithms, err := db.AskedAlgorithms(ctx)
	check(t, err)
	wantEqual(t, algorithms, []string{"RS256"})

	// Credentials are part of the client, the newest first.
	secret := identity.ClientSecret{ID: "newsecr1", Hash: "another", Label: "second", CreatedAt: h.clock.Now()}
	key := identity.ClientKey{ID: identity.NewID(h.clock.Now()), KID: "second", JWK: `{}`, CreatedAt: h.clock.Now()}
	h.change(db, func(tx *store.DB) error { return tx.AddClientSecret(ctx, "robot", secret) })
	h.change(db, func(tx *store.DB) error { return tx.AddClientKey(ctx, "robot", key) })
	next.Version = 4
	next.Secrets, next.Keys = append([]identity.ClientSecret{secret}, next.Secrets...), append([]identity.ClientKey{key}, next.Keys...)
	wantEqual(t, get(), next)
	key.ID = identity.NewID(h.clock.Now())
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.AddClientKey(ctx, "robot", key) })

	// Nobody reaches a credential by way of another client.
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteClientSecret(ctx, "other", secret.ID) })
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteClientKey(ctx, "other", next.Keys[0].ID) })
	wantEqual(t, get(), next)
	h.change(db, func(tx *store.DB) error {
		return errorsOf(tx.DeleteClientSecret(ctx, "robot", secret.ID), tx.DeleteClientKey(ctx, "robot", next.Keys[0].ID))
	})
	next.Version, next.Secrets, next.Keys = 6, next.Secrets[1:], next.Keys[1:]
	wantEqual(t, get(), next)

	h.change(db, func(tx *store.DB) error { return tx.DeleteClient(ctx, "robot") })
	_, err = db.Client(ctx, "robot")
	wantKind(t, err, identity.NotFound)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteClient(ctx, "robot") })
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.CreateClient(ctx, robot) })
	// Its secret went with it: the id of it can be used again.
	again := h.client("again")
	again.Secrets = robot.Secrets
	h.change(db, func(tx *store.DB) error { return tx.CreateClient(ctx, again) })
}

func testAudiences(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	now := h.clock.Now()
	policy := func(audience string) identity.AudiencePolicy {
		return identity.AudiencePolicy{ID: identity.NewID(now), Audience: audience, Name: "The " + audience, Version: 1, CreatedAt: now, UpdatedAt: now}
	}
	open, closed := policy("https://b.test"), policy("a")
	closed.Permissions, closed.Expiration, closed.Algorithm = []string{}, time.Minute, "RS256"
	h.change(db, func(tx *store.DB) error {
		return errorsOf(tx.CreateAudience(ctx, open), tx.CreateAudience(ctx, closed))
	})
	for _, want := range []identity.AudiencePolicy{open, closed} { // nil and empty permissions stay apart
		got, err := db.AudiencePolicy(ctx, want.ID)
		check(t, err)
		wantEqual(t, got, want)
		got, err = db.AudienceNamed(ctx, want.Audience)
		check(t, err)
		wantEqual(t, got, want)
	}
	got, err := db.AudienceNamed(ctx, "A")
	check(t, err)
	wantEqual(t, got, identity.AudiencePolicy{})
	list, err := db.Audiences(ctx, "", 1)
	check(t, err)
	wantEqual(t, list, []identity.AudiencePolicy{closed})
	list, err = db.Audiences(ctx, "a", 5)
	check(t, err)
	wantEqual(t, list, []identity.AudiencePolicy{open})
	algorithms, err := db.AskedAlgorithms(ctx)
	check(t, err)
	wantEqual(t, algorithms, []string{"RS256"})
	h.refuse(db, identity.Conflict, func(tx *store.DB) error { return tx.CreateAudience(ctx, policy("a")) })

	h.clock.Move(time.Minute)
	open.Name, open.Permissions, open.Expiration, open.Algorithm = "x", []string{"p"}, time.Hour, "ES256"
	h.change(db, func(tx *store.DB) error { return tx.UpdateAudience(ctx, open) })
	open.Version, open.UpdatedAt = 2, h.clock.Now()
	got, err = db.AudiencePolicy(ctx, open.ID)
	check(t, err)
	wantEqual(t, got, open)
	h.change(db, func(tx *store.DB) error { return tx.DeleteAudience(ctx, open.ID) })
	_, err = db.AudiencePolicy(ctx, open.ID)
	wantKind(t, err, identity.NotFound)
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.DeleteAudience(ctx, open.ID) })
	h.refuse(db, identity.NotFound, func(tx *store.DB) error { return tx.UpdateAudience(ctx, open) })
}

// A key stays published for as long as any client or audience had tokens under it.
func testKeysCoverOwnLifetimes(t *testing.T, h *harness) {
	const long = 24 * time.Hour
	now := h.clock.Now()
	policy := identity.AudiencePolicy{ID: identity.NewID(now), Audience: "a", Name: "a", Expiration: long, CreatedAt: now, UpdatedAt: now}
	client := func(h *harness) identity.Client {
		c := h.client("c")
		c.TokenExpiration = long
		return c
	}
	for name, change := range map[string]func(h *harness, ctx context.Context, tx *store.DB) error{
		"a client has it": func(h *harness, ctx context.Context, tx *store.DB) error { return tx.CreateClient(ctx, client(h)) },
		"a client had it": func(h *harness, ctx context.Context, tx *store.DB) error {
			return errorsOf(tx.CreateClient(ctx, client(h)), tx.UpdateClient(ctx, h.client("c")))
		},
		"a client that is gone had it": func(h *harness, ctx context.Context, tx *store.DB) error {
			return errorsOf(tx.CreateClient(ctx, client(h)), tx.DeleteClient(ctx, "c"))
		},
		"an audience has it": func(_ *harness, ctx context.Context, tx *store.DB) error { return tx.CreateAudience(ctx, policy) },
		"an audience had it": func(_ *harness, ctx context.Context, tx *store.DB) error {
			short := policy
			short.Expiration = time.Minute
			return errorsOf(tx.CreateAudience(ctx, policy), tx.UpdateAudience(ctx, short))
		},
		"an audience that is gone had it": func(_ *harness, ctx context.Context, tx *store.DB) error {
			return errorsOf(tx.CreateAudience(ctx, policy), tx.DeleteAudience(ctx, policy.ID))
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHarness(t, h.another(t))
			db, ctx := h.migrated(), t.Context()
			h.change(db, func(tx *store.DB) error { return tx.PutSigningKey(ctx, h.key("first", h.clock.Now())) })
			h.change(db, func(tx *store.DB) error { return change(h, ctx, tx) })
			keys, err := db.SigningKeys(ctx)
			check(t, err)
			longest, err := db.LongestLifetime(ctx)
			check(t, err)
			if len(keys) != 1 || longest < long && keys[0].TokensUntil.Before(h.clock.Now().Add(long)) {
				t.Errorf("a key that ends now covers tokens of %v, and until %v", longest, keys[0].TokensUntil)
			}
		})
	}
}

func testAudit(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	start := h.clock.Now()
	var all []identity.Event
	for i := range 9 {
		e := identity.Event{
			ID: identity.NewID(h.clock.Now()), At: h.clock.Now(), Name: []string{"user.created", "user.deleted"}[i%2],
			Outcome: []string{identity.OutcomeSuccess, identity.OutcomeFailure}[i%2], Actor: fmt.Sprint("actor ", i%3), Target: fmt.Sprint("target ", i/2),
			IP: []string{"", "192.0.2.1"}[i%2], RequestID: fmt.Sprint("r", i), Detail: []byte(`{"after":{}}`),
		}
		h.change(db, func(tx *store.DB) error { return tx.AppendEvent(ctx, e) })
		e.Seq = int64(i + 1)
		all = append([]identity.Event{e}, all...)      // newest first
		h.clock.Move(time.Duration(i%3) * time.Second) // some at the same time
	}
	want := func(f store.EventFilter, keep func(e identity.Event) bool) {
		t.Helper()
		var expected, found []identity.Event
		for _, e := range all {
			if keep(e) {
				expected = append(expected, e)
			}
		}
		f.Limit = 2
		for {
			page, err := db.Events(ctx, f)
			check(t, err)
			found = append(found, page...)
			if len(page) < f.Limit {
				break
			}
			f.Before = page[len(page)-1].Seq
		}
		wantEqual(t, found, expected)
	}
	want(store.EventFilter{}, func(identity.Event) bool { return true })
	want(store.EventFilter{Name: "user.deleted"}, func(e identity.Event) bool { return e.Name == "user.deleted" })
	want(store.EventFilter{Outcome: identity.OutcomeFailure}, func(e identity.Event) bool { return e.Outcome == identity.OutcomeFailure })
	want(store.EventFilter{Actor: "actor 1"}, func(e identity.Event) bool { return e.Actor == "actor 1" })
	want(store.EventFilter{Actor: "actor"}, func(identity.Event) bool { return false })
	want(store.EventFilter{Target: "target 2"}, func(e identity.Event) bool { return e.Target == "target 2" })
	want(store.EventFilter{IP: "192.0.2.1"}, func(e identity.Event) bool { return e.IP == "192.0.2.1" })
	want(store.EventFilter{RequestID: "r3"}, func(e identity.Event) bool { return e.RequestID == "r3" })
	if err := db.Tx(ctx, func(tx *store.DB) error { return tx.AppendEvent(ctx, all[0]) }); identity.KindOf(err) != identity.Conflict {
		t.Errorf("an event was added twice: %v", err)
	}
	from, to := start.Add(2*time.Second), start.Add(5*time.Second)
	want(store.EventFilter{From: from, To: to}, func(e identity.Event) bool { return !e.At.Before(from) && e.At.Before(to) })
	want(store.EventFilter{From: from, Actor: "actor 0", Name: "user.created"},
		func(e identity.Event) bool {
			return !e.At.Before(from) && e.Actor == "actor 0" && e.Name == "user.created"
		})

	// There is no event without its change.
	failed := errors.New("failed")
	err := db.Change(ctx, func(tx *store.DB) error {
		e := all[0]
		e.ID = identity.NewID(h.clock.Now())
		return errorsOf(tx.CreateUser(ctx, h.user("ann")), tx.AppendEvent(ctx, e), failed)
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	want(store.EventFilter{}, func(identity.Event) bool { return true })
}
