package oauth_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// hashOf is the hash of an entry, computed as the documentation says.
func hashOf(value any) string {
	sum := sha256.Sum256([]byte(value.(string)))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// RFC 7009: a client revokes a token of its own. It is refused here at once, on other nodes
// too, and it is on the list.
func TestRevocation(t *testing.T) {
	r := newResources(t)
	elsewhere := resources{Service: r.Another(), server: r.server}
	token, other := r.token(t, "orders"), r.token(t, "orders")
	_, claims := verifiedToken(t, r.Service, token)
	if len(r.entries(t)) != 0 {
		t.Error("the list begins with entries")
	}
	for range 2 { // the second time there is nothing to do
		answer := postForm(r.Service, revokePath, form("token", token), r.machine...)
		wantStatus(t, answer, 200)
		if len(answer.Body) != 0 || answer.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("answered %q, %v", answer.Body, answer.Header)
		}
		for _, node := range []resources{r, elsewhere} {
			if diff := cmp.Diff(inactive, node.introspect(t, r.server, token)); diff != "" {
				t.Errorf("a revoked token: %s", diff)
			}
			if node.introspect(t, r.server, other)["active"] != true {
				t.Error("another token was revoked with it")
			}
		}
		want := []any{map[string]any{"kind": "jti", "hash": hashOf(claims["jti"]), "before": claims["iat"].(float64) + 1}}
		if diff := cmp.Diff(want, r.entries(t)); diff != "" {
			t.Errorf("the list: %s", diff)
		}
	}
	// As long as the token lives, and no longer.
	r.Clock.Move(899 * time.Second)
	r.prune(t)
	if len(r.entries(t)) != 1 {
		t.Error("the entry went before the token")
	}
	r.Clock.Move(5*time.Minute + time.Second) // a list may be as old
	r.prune(t)
	if len(r.entries(t)) != 0 || r.Rows("revocations") != 0 {
		t.Error("the entry stays longer than the token")
	}
}

func (r resources) prune(t *testing.T) {
	t.Helper()
	if _, err := r.Installation.DB.PruneRevocations(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	if err := r.Installation.Follower.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// RFC 7009 section 2.1: a client revokes nothing that was issued to another one; what is no
// token of ours is no error (section 2.2).
func TestRevocationOfOthers(t *testing.T) {
	r := newResources(t)
	machine, person, session := r.token(t, "orders"), r.Login("alice", password, "orders"), r.Session("alice", password, "orders")
	r.introspect(t, r.server, machine)
	postForm(r.Service, revokePath, form("token", "x"), r.other...)
	before := r.Tables()
	for _, token := range []string{machine, person} {
		wantOAuthError(t, postForm(r.Service, revokePath, form("token", token), r.server...), 400, "unauthorized_client")
	}
	wantOAuthError(t, postForm(r.Service, revokePath, form("token", session), r.server...), 400, "unsupported_token_type")
	for _, nothing := range []string{canary, machine[:len(machine)-1], "idr_x"} {
		wantStatus(t, postForm(r.Service, revokePath, form("token", nothing), r.server...), 200)
	}
	if diff := cmp.Diff(before, r.Tables()); diff != "" {
		t.Errorf("what was not revoked has stored something: %s", diff)
	}
	for _, token := range []string{machine, person} {
		if r.introspect(t, r.server, token)["active"] != true {
			t.Error("somebody else's token was revoked")
		}
	}
	r.Clock.Move(901 * time.Second)
	wantStatus(t, postForm(r.Service, revokePath, form("token", machine), r.machine...), 200)
	if len(r.entries(t)) != 0 {
		t.Error("a token that has expired is on the list")
	}
}

// The list is for everybody: one client cannot fill it.
func TestRevocationIsLimited(t *testing.T) {
	r := newResources(t)
	token := r.token(t, "orders")
	db := r.Installation.DB
	now := r.Clock.Now()
	err := db.Change(t.Context(), func(tx *store.DB) error {
		for i := range 1000 {
			if err := tx.Revoke(t.Context(), identity.Revocation{
				ID: identity.NewID(now), Kind: identity.RevokedToken, Value: fmt.Sprint(i), Before: now, ExpiresAt: now.Add(time.Minute), CreatedAt: now, ClientID: "machine",
			}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	answer := postForm(r.Service, revokePath, form("token", token), r.machine...)
	wantOAuthError(t, answer, 429, "temporarily_unavailable")
	if got := answer.Header.Get("Retry-After"); got != "60" {
		t.Errorf("Retry-After is %s, want the time of the first that goes", got)
	}
	own := postForm(r.Service, standardPath, grant("audience", "orders"), r.other...)
	wantStatus(t, postForm(r.Service, revokePath, form("token", r.Object(own)["access_token"].(string)), r.other...), 200)
	if err := r.Installation.Follower.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(r.entries(t)); n != 1001 {
		t.Errorf("the list has %d entries, want 1001: a large one is a list too", n)
	}
	r.Clock.Move(61 * time.Second)
	wantStatus(t, postForm(r.Service, revokePath, form("token", token), r.machine...), 200)
}

// Whatever takes tokens away here tells verifiers elsewhere.
func TestWhatIsListed(t *testing.T) {
	type change struct {
		kind  identity.RevocationKind
		value string
	}
	caller := identity.LocalAdministrator("test")
	for name, do := range map[string]func(context.Context, resources, *admin.Service) (change, error){
		"a user is disabled": func(ctx context.Context, r resources, a *admin.Service) (change, error) {
			off := false
			_, err := a.UpdateUser(ctx, caller, r.userID, admin.UserPatch{Enabled: &off}, nil)
			return change{identity.RevokedPrincipal, r.userID}, err
		},
		"a user is deleted": func(ctx context.Context, r resources, a *admin.Service) (change, error) {
			return change{identity.RevokedPrincipal, r.userID}, a.DeleteUser(ctx, caller, r.userID, nil)
		},
		"a password is set": func(ctx context.Context, r resources, a *admin.Service) (change, error) {
			next := identity.NewSecret("another " + password)
			_, err := a.UpdateUser(ctx, caller, r.userID, admin.UserPatch{Password: &next}, nil)
			return change{identity.RevokedPrincipal, r.userID}, err
		},
		"the sessions of a user are ended": func(ctx context.Context, r resources, a *admin.Service) (change, error) {
			r.Session("alice", password, "orders")
			sessions, err := a.Sessions(ctx, caller, store.SessionFilter{UserID: r.userID, Limit: 1})
			if err != nil {
				return change{}, err
			}
			return change{identity.RevokedSession, sessions[0].ID}, a.EndSessionsOf(ctx, caller, r.userID)
		},
		"a client is disabled": func(ctx context.Context, _ resources, a *admin.Service) (change, error) {
			off := false
			_, err := a.UpdateClient(ctx, caller, "machine", admin.ClientPatch{Enabled: &off}, nil)
			return change{identity.RevokedPrincipal, "machine"}, err
		},
		"a client is deleted": func(ctx context.Context, _ resources, a *admin.Service) (change, error) {
			return change{identity.RevokedPrincipal, "machine"}, a.DeleteClient(ctx, caller, "machine", nil)
		},
		"a session is ended": func(ctx context.Context, r resources, a *admin.Service) (change, error) {
			r.Session("alice", password, "orders")
			sessions, err := a.Sessions(ctx, caller, store.SessionFilter{UserID: r.userID, Limit: 1})
			if err != nil {
				return change{}, err
			}
			return change{identity.RevokedSession, sessions[0].ID}, a.EndSession(ctx, caller, sessions[0].ID)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newResources(t)
			c, err := do(t.Context(), r, r.Installation.Admin)
			if err != nil {
				t.Fatal(err)
			}
			want := []any{map[string]any{"kind": string(c.kind), "hash": hashOf(c.value), "before": float64(identity.IssuedBy(r.Clock.Now()).Unix())}}
			if diff := cmp.Diff(want, r.entries(t)); diff != "" {
				t.Errorf("the list: %s", diff)
			}
		})
	}
}

// A second use of a refresh token ends its session, and the access tokens with it.
func TestReuseIsListed(t *testing.T) {
	r := newResources(t)
	first := r.Session("alice", password, "orders")
	second := r.Refresh(first)
	r.Refresh(second)
	r.Clock.Move(time.Minute)
	wantStatus(t, r.Post("/auth/refresh", map[string]string{"refresh_token": first}), 401)
	if list := r.entries(t); len(list) != 1 || list[0].(map[string]any)["kind"] != "sid" {
		t.Errorf("the list: %v", list)
	}
}

// A logout lists nothing: its tokens are with whoever has logged out.
func TestLogoutIsNotListed(t *testing.T) {
	r := newResources(t)
	session := r.Session("alice", password, "orders")
	wantStatus(t, r.Post("/auth/logout", map[string]string{"refresh_token": session}), 204)
	if list := r.entries(t); len(list) != 0 {
		t.Errorf("the list: %v", list)
	}
}

// Who proves itself again right after a revocation gets a token that counts, though a token
// says no more than the second in which it was issued.
func TestTokenRightAfterRevocation(t *testing.T) {
	r := newResources(t)
	before := r.Login("alice", password, "orders")
	next := identity.NewSecret("another " + password)
	if _, err := r.Installation.Admin.UpdateUser(t.Context(), identity.LocalAdministrator("test"), r.userID, admin.UserPatch{Password: &next}, nil); err != nil {
		t.Fatal(err)
	}
	after := r.Login("alice", next.Reveal(), "orders")
	if r.introspect(t, r.server, before)["active"] != false || r.introspect(t, r.server, after)["active"] != true {
		t.Error("a token from before counts, or one from after does not")
	}
	_, claims := verifiedToken(t, r.Service, after)
	for _, entry := range r.entries(t) {
		if claims["iat"].(float64) < entry.(map[string]any)["before"].(float64) {
			t.Errorf("verifiers would refuse it: iat %v, %v", claims["iat"], entry)
		}
	}
}

// The list is signed once for many, anew while it can still be believed, and another one at
// each change.
func TestRevocationListIsCached(t *testing.T) {
	r := newResources(t)
	r.Clock.Move(r.Clock.Now().Truncate(5 * time.Minute).Add(5 * time.Minute).Sub(r.Clock.Now()))
	first := r.Get(listPath)
	etag := first.Header.Get("ETag")
	for range 3 {
		if again := r.Get(listPath); string(again.Body) != string(first.Body) || again.Header.Get("ETag") != etag {
			t.Error("the list was signed again")
		}
	}
	wantStatus(t, r.Get(listPath, "If-None-Match", etag), 304)
	wantStatus(t, r.Get(listPath, "If-None-Match", `"x"`), 200)
	r.Clock.Move(299 * time.Second)
	wantStatus(t, r.Get(listPath, "If-None-Match", etag), 304)
	r.Clock.Move(2 * time.Second)
	wantStatus(t, r.Get(listPath, "If-None-Match", etag), 200)
	etag = r.Get(listPath).Header.Get("ETag")
	r.DisableUser(r.userID)
	if err := r.Installation.DB.Change(t.Context(), func(tx *store.DB) error {
		return tx.RevokeIssued(t.Context(), identity.RevokedPrincipal, "x")
	}); err != nil {
		t.Fatal(err)
	}
	if err := r.Installation.Follower.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, r.Get(listPath, "If-None-Match", etag), 200)
	r.Clock.Move(-2 * time.Minute) // back to before all of that: nobody would believe a list from the future
	if list := r.entries(t); len(list) != 1 {
		t.Errorf("the list: %v", list)
	}
	_, claims := verifiedToken(t, r.Service, string(r.Get(listPath).Body))
	if ahead := claims["iat"].(float64) - float64(r.Clock.Now().Unix()); ahead > 0 {
		t.Errorf("the list is %v s from the future", ahead)
	}
	wantProblem(t, r.Do("POST", listPath, "{}"), "POST", 405, "method_not_allowed", nil)
	wantProblem(t, r.Get(listPath+"?x=1"), "GET", 422, "invalid_request", []string{"query.x unknown"})
}

// Verifiers take no list that is older than the one they have, so all nodes say the same of
// the same revocations: who is sent to another one learns at once what that one knows.
func TestAllNodesHaveOneList(t *testing.T) {
	s := identitytest.New(t)
	s.Clock.Move(s.Clock.Now().Truncate(5 * time.Minute).Add(5*time.Minute + 7*time.Second).Sub(s.Clock.Now()))
	other := s.Another()
	said := func(node *identitytest.Service) (map[string]any, string) {
		answer := node.Get(listPath)
		wantStatus(t, answer, 200)
		_, claims := verifiedToken(t, node, string(answer.Body))
		return claims, answer.Header.Get("ETag")
	}
	latest := float64(0)
	for range 4 {
		first, etag := said(s)
		s.Clock.Move(100 * time.Second)
		second, _ := said(other)
		if second["iat"].(float64) < first["iat"].(float64) || first["iat"].(float64) < latest {
			t.Errorf("lists from %v, %v, %v", latest, first["iat"], second["iat"])
		}
		if first["iat"] == second["iat"] {
			wantStatus(t, other.Get(listPath, "If-None-Match", etag), 304)
		}
		latest = second["iat"].(float64)
		if err := s.Installation.DB.Change(t.Context(), func(tx *store.DB) error {
			return tx.RevokeIssued(t.Context(), identity.RevokedToken, identity.NewID(s.Clock.Now()))
		}); err != nil {
			t.Fatal(err)
		}
		for _, node := range []*identitytest.Service{s, other} {
			if err := node.Installation.Follower.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.Clock.Move(time.Second)
		if now, _ := said(s); now["iat"].(float64) <= latest {
			t.Errorf("a change made no newer list: %v after %v", now["iat"], latest)
		}
	}
}

// Our own interface honours every kind at once, on all nodes.
func TestRevocationHoldsHere(t *testing.T) {
	s := identitytest.New(t)
	other := s.Another()
	for _, kind := range identity.RevocationKinds() {
		t.Run(string(kind), func(t *testing.T) {
			token := s.AdminToken()
			header, claims := verifiedToken(t, s, token)
			value := map[identity.RevocationKind]any{
				identity.RevokedToken: claims["jti"], identity.RevokedSession: claims["sid"], identity.RevokedPrincipal: claims["sub"],
				identity.RevokedKey: header["kid"], identity.RevokedAll: "",
			}[kind].(string)
			wantStatus(t, other.Get("/api/users", "Authorization", "Bearer "+token), 200)
			if err := s.Installation.DB.Change(t.Context(), func(tx *store.DB) error { return tx.RevokeIssued(t.Context(), kind, value) }); err != nil {
				t.Fatal(err)
			}
			for _, node := range []*identitytest.Service{s, other} {
				wantStatus(t, node.Get("/api/users", "Authorization", "Bearer "+token), 401)
			}
			s.Change("revocations", "", `DELETE FROM revocations`)
			s.Clock.Move(2 * time.Second)
		})
	}
}
