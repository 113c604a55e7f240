package rest_test

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// atOnce is how long after it was stored a key signs at the earliest.
const atOnce = 1250 * time.Millisecond

// signingKeys lists the signing keys.
func (d *desk) signingKeys() []api.SigningKey {
	d.Helper()
	r := d.asAdmin("GET", "/api/keys", "")
	d.wantStatus("the keys", r, 200)
	var page api.Page[api.SigningKey]
	d.must(json.Unmarshal(r.Body, &page))
	return page.Data
}

// signingKey returns one of them; the test fails if there is none.
func (d *desk) signingKey(kid string) api.SigningKey {
	d.Helper()
	keys := d.signingKeys()
	i := slices.IndexFunc(keys, func(k api.SigningKey) bool { return k.KID == kid })
	if i < 0 {
		d.Fatalf("there is no key %s", kid)
	}
	return keys[i]
}

// makeKey makes a signing key.
func (d *desk) makeKey(algorithm jose.Algorithm) api.SigningKey {
	d.Helper()
	return d.keyIn(d.asAdmin("POST", "/api/keys", object(map[string]any{"algorithm": algorithm})), 201)
}

// activate activates one, as the body says.
func (d *desk) activate(kid, body string) api.SigningKey {
	d.Helper()
	return d.keyIn(d.asAdmin("POST", "/api/keys/"+kid+"/activate", body), 200)
}

func (d *desk) keyIn(r identitytest.Response, status int) (k api.SigningKey) {
	d.Helper()
	if r.Status != status {
		d.Fatalf("status %d, want %d: %s", r.Status, status, r.Body)
	}
	d.must(json.Unmarshal(r.Body, &k))
	return k
}

// pass lets time pass. The administrator logs in again: their token may have expired.
func (d *desk) pass(duration time.Duration) {
	d.Helper()
	d.Clock.Move(duration)
	d.bearer = d.AdminToken()
}

// signs is the key that signs for an audience; empty is this service.
func (d *desk) signs(audience string) string {
	d.Helper()
	return kidOf(d.T, d.Login(d.AdminUsername, d.AdminPassword.Reveal(), audience))
}

func (d *desk) wantSigns(when, kid string) {
	d.Helper()
	if got := d.signs(""); got != kid {
		d.Errorf("%s: %s signs, want %s", when, got, kid)
	}
}

func (d *desk) wantState(when, kid string, state identity.KeyState, byDefault bool) {
	d.Helper()
	if k := d.signingKey(kid); k.State != string(state) || k.Default != byDefault {
		d.Errorf("%s: %s is %s, default %v; want %s, %v", when, kid, k.State, k.Default, state, byDefault)
	}
}

func (d *desk) wantPublished(when string, kids ...string) {
	d.Helper()
	var set api.JWKS
	d.must(json.Unmarshal(d.JWKS(), &set))
	got := []string{}
	for _, k := range set.Keys {
		got = append(got, k.KID)
	}
	slices.Sort(kids)
	slices.Sort(got)
	if diff := cmp.Diff(kids, got); diff != "" {
		d.Errorf("%s: published (-want +got)\n%s", when, diff)
	}
}

// keyEvents lists what happened to the keys, oldest first.
func (d *desk) keyEvents() (list []string) {
	d.Helper()
	for _, e := range slices.Backward(d.events("")) {
		if strings.HasPrefix(e.Event, "key.") {
			list = append(list, e.Event+" "+e.Target)
		}
	}
	return list
}

// A key from its making to its end, with what is shown of it all the while.
func TestSigningKeyFromBeginningToEnd(t *testing.T) {
	d := newDesk(t)
	former := d.signs("")
	tag := d.Get("/.well-known/jwks.json").Header.Get("ETag")
	d.wantState("at first", former, identity.KeyActive, true)

	k := d.makeKey(jose.ES256)
	if k.State != "next" || k.ActivatesAt != nil || k.RetiresAt != nil || k.Algorithm != "ES256" || k.Default || k.Quarantined {
		t.Errorf("made: %+v", k)
	}
	d.wantPublished("made", former, k.KID)
	if got := d.Get("/.well-known/jwks.json").Header.Get("ETag"); got == tag {
		t.Error("the JWKS has the ETag that it had")
	}
	d.pass(time.Hour)
	d.wantSigns("not activated", former)

	for _, body := range []string{"", "{}", `{"now":false,"default":false}`} { // the second time nothing changes
		before := d.keyEvents()
		activated := d.activate(k.KID, body)
		if want := d.Clock.Now().Add(atOnce); activated.ActivatesAt == nil || !activated.ActivatesAt.Equal(want) || activated.State != "next" || !activated.Default {
			t.Fatalf("activated with %q: %+v, want it to sign at %v", body, activated, want)
		}
		if body != "" && !slices.Equal(before, d.keyEvents()) {
			t.Errorf("activated again with %q: an event", body)
		}
	}
	d.Clock.Move(atOnce - time.Millisecond)
	d.wantSigns("a millisecond before", former)
	last := d.AdminToken()
	d.Clock.Move(time.Millisecond)
	d.wantSigns("on time", k.KID)
	d.wantState("taken over", k.KID, identity.KeyActive, true)
	d.wantState("taken over", former, identity.KeyRetired, false)
	if f := d.signingKey(former); f.SupersededAt == nil || !f.SupersededAt.Equal(d.Clock.Now()) || f.RetiresAt == nil || !f.RetiresAt.Equal(f.SupersededAt.Add(900*time.Second+store.KeyMargin)) {
		t.Errorf("retired: %+v", f)
	}
	d.Clock.Move(898 * time.Second)
	d.bearer = d.AdminToken()
	d.wantStatus("the last token of the former key", d.call(last, "GET", "/api/keys", ""), 200)
	d.pass(2*time.Second + store.KeyMargin)
	d.wantPublished("the former key has expired", k.KID)
	if got := d.signingKeys(); len(got) != 1 {
		t.Errorf("%d keys are shown after one has expired", len(got))
	}
	if diff := cmp.Diff([]string{"key.created " + k.KID, "key.activated " + k.KID}, d.keyEvents()); diff != "" {
		t.Errorf("events (-want +got)\n%s", diff)
	}
}

func TestNewKeyWaitsForVerifiers(t *testing.T) {
	d := newDesk(t)
	former := d.signs("")
	k := d.makeKey(jose.ES256)
	d.Clock.Move(time.Minute)
	d.activate(k.KID, "")
	d.Clock.Move(keyring.Lead - time.Minute - time.Millisecond)
	d.wantSigns("a millisecond before every verifier must know it", former)
	d.Clock.Move(time.Millisecond)
	d.wantSigns("every verifier can know it", k.KID)
}

// One may be tempted to activate a key again that is about to sign. The one before it
// does end, so it must not be put off.
func TestActivatingAgainPutsNothingOff(t *testing.T) {
	d := newDesk(t)
	k := d.makeKey(jose.ES256)
	planned := d.activate(k.KID, "").ActivatesAt
	d.Clock.Move(keyring.Lead - time.Millisecond)
	if got := d.activate(k.KID, "").ActivatesAt; !got.Equal(*planned) {
		t.Errorf("put off from %v to %v", planned, got)
	}
	imported := d.Key(jose.ES256)
	d.wantStatus("imported", d.send("POST", object(map[string]any{"private_key": pemOf("PRIVATE KEY", imported.PKCS8())})), 201)
	if got := d.activate(imported.Public().KID(), "").ActivatesAt; got.After(d.Clock.Now().Add(atOnce)) {
		t.Errorf("an imported key is put off to %v", got)
	}
	d.Clock.Move(2 * time.Second)
	d.wantSigns("imported", imported.Public().KID())
}

func TestDeletedSigningKeys(t *testing.T) {
	d := newDesk(t)
	first := d.signs("")
	remove := func(what, kid string, status int) {
		t.Helper()
		r := d.asAdmin("DELETE", "/api/keys/"+kid, "")
		d.wantStatus(what, r, status)
		if status == 204 {
			if got := d.keyEvents(); got[len(got)-1] != "key.deleted "+kid {
				t.Errorf("%s: the last event is %s", what, got[len(got)-1])
			}
		}
	}
	waiting := d.makeKey(jose.ES256)
	remove("a waiting key", waiting.KID, 204)
	d.wantPublished("a waiting key deleted", first)
	remove("the key that signs", first, 409)
	d.wantProblem("the key that signs", d.asAdmin("DELETE", "/api/keys/"+first, ""), 409, "conflict")

	next := d.makeKey(jose.ES256)
	d.activate(next.KID, "")
	remove("the key that signs, which another is to follow", first, 409)
	remove("a key that is to follow", next.KID, 204)
	d.pass(time.Hour)
	d.wantSigns("after its successor was deleted", first)
	if k := d.signingKey(first); k.SupersededAt != nil || k.RetiresAt != nil || k.State != "active" || !k.Default {
		t.Errorf("after its successor was deleted: %+v", k)
	}

	next = d.makeKey(jose.ES256)
	d.pass(keyring.Lead)
	old := d.bearer
	d.activate(next.KID, "")
	d.pass(atOnce)
	d.wantStatus("a token of a retired key", d.call(old, "GET", "/api/keys", ""), 200)
	remove("a retired key", first, 204)
	d.wantProblem("a token of a deleted key", d.call(old, "GET", "/api/keys", ""), 401, "invalid_token")
	d.wantPublished("a retired key deleted", next.KID)
	d.wantProblem("deleted again", d.asAdmin("DELETE", "/api/keys/"+first, ""), 404, "not_found")
	d.wantProblem("activated after its end", d.asAdmin("POST", "/api/keys/"+first+"/activate", ""), 404, "not_found")
}

// What docs/signing-keys.md tells to do about a key that has leaked, and what that costs.
func TestLeakedSigningKey(t *testing.T) {
	d := newDesk(t)
	other := identitytest.New(t, identitytest.Options{Database: d.Database, EncryptionKey: d.EncryptionKey})
	abreast := func() { other.Clock.Move(d.Clock.Now().Sub(other.Clock.Now())) }
	abreast()
	leaked := d.signs("")
	login := d.Object(d.Post("/auth/login", map[string]string{"username": d.AdminUsername, "password": d.AdminPassword.Reveal()}))
	d.bearer, _ = login["token"].(string)
	k := d.makeKey(jose.ES256)
	if at := d.activate(k.KID, `{"now":true}`).ActivatesAt; !at.Equal(k.CreatedAt.Add(atOnce)) {
		t.Errorf("made at %v it signs at %v", k.CreatedAt, at)
	}
	d.wantStatus("deleting it before another signs", d.asAdmin("DELETE", "/api/keys/"+leaked, ""), 409)
	d.Clock.Move(atOnce)
	abreast()
	d.wantSigns("at once", k.KID)
	d.wantStatus("until it is deleted, its tokens are good", d.asAdmin("GET", "/api/keys", ""), 200)
	stolen := d.bearer
	d.wantStatus("deleting it", d.asAdmin("DELETE", "/api/keys/"+leaked, ""), 204)
	since := time.Now()
	d.wantStatus("its tokens here", d.call(stolen, "GET", "/api/keys", ""), 401)
	for good := true; good; {
		begun := time.Now()
		good = other.Get("/api/keys", "Authorization", "Bearer "+stolen).Status != 401
		if good && begun.Sub(since) > time.Second {
			t.Fatal("the other node takes its tokens for longer than a second")
		}
	}
	if strings.Contains(string(other.JWKS()), leaked) {
		t.Error("the other node publishes it")
	}
	// Whoever has a session goes on.
	refreshed := d.Post("/auth/refresh", map[string]any{"refresh_token": login["refresh_token"]})
	d.wantStatus("refreshing", refreshed, 200)
	d.bearer, _ = d.Object(refreshed)["token"].(string)
	if got := kidOf(t, d.bearer); got != k.KID {
		t.Errorf("the new token is signed with %s", got)
	}
	d.wantStatus("the new token", d.asAdmin("GET", "/api/keys", ""), 200)
}

func TestRefusedOperationsOnSigningKeys(t *testing.T) {
	d := newDesk(t)
	first := d.signs("")
	retired := d.makeKey(jose.ES256)
	d.activate(retired.KID, `{"now":true}`)
	d.pass(atOnce)
	next := d.makeKey(jose.ES256)
	d.activate(next.KID, `{"now":true}`)
	d.pass(atOnce)
	waiting := d.makeKey(jose.EdDSA)
	at := func(kid string) string { return "/api/keys/" + kid + "/activate" }
	d.wantUnchanged("refused", func() {
		for name, tc := range map[string]struct {
			method, path, body string
			status             int
			code               string
			faults             []fault
		}{
			"no algorithm":         {"POST", "/api/keys", `{}`, 422, "invalid_request", []fault{{"algorithm", "missing"}}},
			"no body":              {"POST", "/api/keys", ``, 415, "unsupported_media_type", nil},
			"an empty algorithm":   {"POST", "/api/keys", `{"algorithm":""}`, 422, "invalid_request", []fault{{"algorithm", "invalid_value"}}},
			"none":                 {"POST", "/api/keys", `{"algorithm":"none"}`, 422, "invalid_request", []fault{{"algorithm", "invalid_value"}}},
			"HMAC":                 {"POST", "/api/keys", `{"algorithm":"HS256"}`, 422, "invalid_request", []fault{{"algorithm", "invalid_value"}}},
			"another case":         {"POST", "/api/keys", `{"algorithm":"es256"}`, 422, "invalid_request", []fault{{"algorithm", "invalid_value"}}},
			"null":                 {"POST", "/api/keys", `{"algorithm":null}`, 422, "invalid_request", []fault{{"algorithm", "wrong_type"}}},
			"an unknown member":    {"POST", "/api/keys", `{"algorithm":"ES256","now":true}`, 422, "invalid_request", []fault{{"now", "unknown"}}},
			"activate with more":   {"POST", at(waiting.KID), `{"at":1}`, 422, "invalid_request", []fault{{"at", "unknown"}}},
			"activate with text":   {"POST", at(waiting.KID), `{"now":"yes"}`, 422, "invalid_request", []fault{{"now", "wrong_type"}}},
			"activate with null":   {"POST", at(waiting.KID), `{"default":null}`, 422, "invalid_request", []fault{{"default", "wrong_type"}}},
			"activate with a list": {"POST", at(waiting.KID), `[]`, 400, "invalid_json", nil},
			"activate by query":    {"POST", at(waiting.KID) + "?now=true", ``, 422, "invalid_request", []fault{{"now", "unknown"}}},
			"activate nothing":     {"POST", at("x"), ``, 404, "not_found", nil},
			"activate a retired":   {"POST", at(retired.KID), ``, 409, "conflict", nil},
			"the same at once":     {"POST", at(first), `{"now":true,"default":true}`, 409, "conflict", nil},
			"delete nothing":       {"DELETE", "/api/keys/x", ``, 404, "not_found", nil},
			"delete with a body":   {"DELETE", "/api/keys/" + waiting.KID, `{}`, 422, "invalid_request", nil},
			"delete the active":    {"DELETE", "/api/keys/" + next.KID, ``, 409, "conflict", nil},
			"a cursor of nobody's": {"GET", "/api/keys?cursor=x", ``, 422, "invalid_request", []fault{{"cursor", "invalid_value"}}},
		} {
			r := d.asAdmin(tc.method, tc.path, tc.body)
			if name == "delete with a body" {
				d.wantStatus(name, r, tc.status) // of the body as a whole
				continue
			}
			d.wantProblem(name, r, tc.status, tc.code, tc.faults...)
		}
	})
}

func TestPermissionsOverSigningKeys(t *testing.T) {
	d := newDesk(t)
	waiting := d.makeKey(jose.ES256)
	for _, permission := range []string{identity.PermissionKeysRead, identity.PermissionKeysWrite} {
		d.AddUser(permission[len("identity:"):], goodPassword, permission)
		token := d.Login(permission[len("identity:"):], goodPassword, "")
		for method, path := range map[string]string{"POST": "/api/keys", "DELETE": "/api/keys/" + waiting.KID} {
			d.wantProblem(method+" with "+permission, d.call(token, method, path, ""), 403, "insufficient_permission")
		}
		d.wantProblem("activate with "+permission, d.call(token, "POST", "/api/keys/"+waiting.KID+"/activate", ""), 403, "insufficient_permission")
		reads := map[string]int{identity.PermissionKeysRead: 200, identity.PermissionKeysWrite: 403}[permission]
		d.wantStatus("list with "+permission, d.call(token, "GET", "/api/keys", ""), reads)
	}
	d.wantState("refused", waiting.KID, identity.KeyNext, false)
}

// Every verifier fetches what is published, so there is a limit.
func TestWaitingKeysAreFew(t *testing.T) {
	d := newDesk(t)
	var last api.SigningKey
	for range 20 {
		last = d.makeKey(jose.EdDSA)
	}
	d.wantProblem("one more", d.asAdmin("POST", "/api/keys", `{"algorithm":"EdDSA"}`), 409, "conflict")
	d.activate(last.KID, "")
	d.makeKey(jose.EdDSA) // in its place
	d.wantProblem("one more again", d.asAdmin("POST", "/api/keys", `{"algorithm":"EdDSA"}`), 409, "conflict")
	seen := map[string]bool{}
	for _, kid := range d.walk("/api/keys", 7, func() {}) {
		seen[kid] = true
	}
	if len(seen) != 22 {
		t.Errorf("page by page %d keys are listed, want 22: %v", len(seen), slices.Collect(maps.Keys(seen)))
	}
}
