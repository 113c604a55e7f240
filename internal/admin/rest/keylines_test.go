package rest_test

import (
	"encoding/json"
	"testing"
	"time"

	gojose "github.com/go-jose/go-jose/v4"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

const machineSecret = "a secret that was chosen"

// tokenOf returns a token of a machine, signed as it is for the audience, which a library
// that is not ours verifies by the JWKS.
func (d *desk) tokenOf(id, audience string, want jose.Algorithm) string {
	d.Helper()
	token := d.Token(audience, map[string]string{"client_id": id, "client_secret": machineSecret})
	var set gojose.JSONWebKeySet
	d.must(json.Unmarshal(d.JWKS(), &set))
	signed, err := gojose.ParseSignedCompact(token, []gojose.SignatureAlgorithm{gojose.RS256, gojose.PS256, gojose.ES256, gojose.ES384, gojose.EdDSA})
	d.must(err)
	if _, err := signed.Verify(&set); err != nil {
		d.Errorf("a token of %s for %s does not verify: %v", id, audience, err)
	}
	if got := signed.Signatures[0].Header.Algorithm; got != string(want) {
		d.Errorf("a token of %s for %s is signed with %s, want %s", id, audience, got, want)
	}
	return token
}

// Several algorithms sign side by side: what the audience can verify comes first, then
// what the client asks for, then the default.
func TestAlgorithmsSideBySide(t *testing.T) {
	d := newDesk(t)
	d.client("plain", map[string]any{"client_secret": machineSecret})
	d.client("eddsa", map[string]any{"client_secret": machineSecret, "token_algorithm": "EdDSA"})
	rs256 := d.client("rs256", map[string]any{"client_secret": machineSecret, "token_algorithm": nil})
	d.made("/api/audiences", map[string]any{"audience": "old", "name": "old", "algorithm": "RS256"})
	d.wantStatus("asking", d.asAdmin("PATCH", rs256, `{"token_algorithm":"RS256"}`), 200)
	if got := len(d.signingKeys()); got != 3 {
		t.Errorf("%d keys for 3 algorithms", got)
	}
	for _, id := range []string{"plain", "eddsa", "rs256"} {
		d.tokenOf(id, "old", jose.ES256)
		d.tokenOf(id, "other", jose.ES256)
	}
	d.pass(keyring.Lead)
	wants := func(when string, byDefault jose.Algorithm) {
		t.Helper()
		for id, own := range map[string]jose.Algorithm{"plain": byDefault, "eddsa": jose.EdDSA, "rs256": jose.RS256} {
			d.tokenOf(id, "old", jose.RS256)
			d.tokenOf(id, "other", own)
		}
		if t.Failed() {
			t.Fatalf("%s: see above", when)
		}
	}
	wants("once they are known", jose.ES256)

	// The default goes over to another algorithm, and each line on by itself.
	eddsa := d.makeKey(jose.ES384)
	d.activate(eddsa.KID, `{"default":true}`)
	former := kidOf(t, d.tokenOf("rs256", "other", jose.RS256))
	next := d.makeKey(jose.RS256)
	d.activate(next.KID, "")
	d.pass(keyring.Lead)
	wants("another default", jose.ES384)
	if got := kidOf(t, d.tokenOf("rs256", "other", jose.RS256)); got != next.KID {
		t.Errorf("RS256 is signed by %s, want %s", got, next.KID)
	}
	d.wantState("the line goes on", former, identity.KeyRetired, false)

	d.wantStatus("asking no more", d.asAdmin("PATCH", rs256, `{"token_algorithm":null}`), 200)
	if got := d.get(rs256)["token_algorithm"]; got != nil {
		t.Errorf("token_algorithm is %v", got)
	}
	d.tokenOf("rs256", "other", jose.ES384)
	for name, tc := range map[string]string{"empty": `""`, "none": `"none"`, "HMAC": `"HS256"`} {
		r := d.asAdmin("PATCH", rs256, `{"token_algorithm":`+tc+`}`)
		d.wantProblem(name, r, 422, "invalid_request", fault{"token_algorithm", "invalid_value"})
	}
}

// Whoever may change clients decides nothing of keys.
func TestAlgorithmOfClientNeedsAdmin(t *testing.T) {
	d := newDesk(t)
	clerk := d.machine("clerk", identity.PermissionClientsWrite, "identity:audiences:write")
	d.client("c", map[string]any{"client_secret": machineSecret})
	asking := func(what string, status int) {
		t.Helper()
		d.wantStatus("creating, "+what, d.call(clerk, "POST", "/api/clients", `{"name":"x","token_algorithm":"EdDSA"}`), status)
		d.wantStatus("changing, "+what, d.call(clerk, "PATCH", "/api/clients/c", `{"token_algorithm":"EdDSA"}`), map[int]int{201: 200, 403: 403}[status])
	}
	keys := len(d.signingKeys())
	asking("there is no such key", 403)
	k := d.makeKey(jose.EdDSA)
	asking("one waits", 403)
	if got := len(d.signingKeys()); got != keys+1 || d.signingKey(k.KID).ActivatesAt != nil {
		t.Errorf("what was refused has changed the keys")
	}
	d.activate(k.KID, "")
	asking("there is one", 201)
}

// A quarantined key is shown, and another one of its algorithm cures it: the default, and
// one that only an audience asks for.
func TestQuarantinedSigningKey(t *testing.T) {
	for _, algorithm := range []jose.Algorithm{jose.ES256, jose.RS256} {
		d := newDesk(t)
		d.client("m", map[string]any{"client_secret": machineSecret})
		d.made("/api/audiences", map[string]any{"audience": "a", "name": "a", "algorithm": algorithm})
		d.pass(keyring.Lead)
		bad := kidOf(t, d.tokenOf("m", "a", algorithm))
		d.Change(store.KindSigningKeys, "", `UPDATE signing_keys SET private_ciphertext = ? WHERE kid = ?`, []byte{0}, bad)
		if k := d.signingKey(bad); !k.Quarantined || k.State != "active" {
			t.Errorf("%s: damaged: %+v", algorithm, k)
		}
		body := map[string]string{"client_id": "m", "client_secret": machineSecret, "audience": "a"}
		d.wantProblem("a token of a damaged key", d.Post("/auth/token", body), 503, "unavailable")
		d.wantProblem("activating it again", d.asAdmin("POST", "/api/keys/"+bad+"/activate", ""), 409, "conflict")
		k := d.makeKey(algorithm)
		d.activate(k.KID, `{"now":true}`)
		d.Clock.Move(atOnce)
		if got := kidOf(t, d.tokenOf("m", "a", algorithm)); got != k.KID {
			t.Errorf("%s: cured by %s, want %s", algorithm, got, k.KID)
		}
		d.wantStatus("deleting the damaged", d.asAdmin("DELETE", "/api/keys/"+bad, ""), 204)
	}
}

// A damaged key is not taken where one is needed, though it waits.
func TestQuarantinedWaitingKey(t *testing.T) {
	d := newDesk(t)
	bad := d.makeKey(jose.EdDSA)
	d.Change(store.KindSigningKeys, "", `UPDATE signing_keys SET private_ciphertext = ? WHERE kid = ?`, []byte{0}, bad.KID)
	d.wantProblem("activating it", d.asAdmin("POST", "/api/keys/"+bad.KID+"/activate", ""), 409, "conflict")
	d.client("m", map[string]any{"client_secret": machineSecret, "token_algorithm": "EdDSA"})
	d.pass(keyring.Lead)
	if got := kidOf(t, d.tokenOf("m", "a", jose.EdDSA)); got == bad.KID {
		t.Error("the damaged key signs")
	}
}

// POST /api/configuration with a private key keeps its promise whatever is planned.
func TestImportWhileRotationIsScheduled(t *testing.T) {
	d := newDesk(t)
	former := d.signs("")
	planned := d.makeKey(jose.ES256)
	d.activate(planned.KID, "")
	d.Clock.Move(keyring.Lead - time.Second) // it would sign in a second
	imported := d.Key(jose.RS256)
	r := d.send("POST", object(map[string]any{"private_key": pemOf("PRIVATE KEY", imported.PKCS8())}))
	d.wantStatus("importing", r, 201)
	kid := imported.Public().KID()
	if got := d.Object(r)["kid"]; got != kid {
		t.Errorf("the configuration shows %v", got)
	}
	d.wantPublished("imported", former, planned.KID, kid)
	old := d.AdminToken()
	for range 8 {
		d.Clock.Move(250 * time.Millisecond)
		d.wantStatus("whoever signs", d.call(d.AdminToken(), "GET", "/api/keys", ""), 200)
	}
	d.wantSigns("after two seconds", kid)
	d.Clock.Move(895 * time.Second)
	d.wantStatus("a token from before", d.call(old, "GET", "/api/keys", ""), 200)
	d.pass(time.Hour)
	d.wantPublished("in the end", kid)
	d.wantSigns("in the end", kid)
}

// Importing a key changes nothing for an algorithm that is to be signed later, whose key
// verifiers do not know yet; least of all does a damaged key come sooner.
func TestImportLeavesOtherLines(t *testing.T) {
	d := newDesk(t)
	d.client("m", map[string]any{"client_secret": machineSecret})
	d.made("/api/audiences", map[string]any{"audience": "old", "name": "old", "algorithm": "RS256"})
	waiting := d.signingKeys()[1]
	imports := func(algorithm jose.Algorithm) {
		t.Helper()
		d.wantStatus("importing", d.send("POST", object(map[string]any{"private_key": pemOf("PRIVATE KEY", d.Key(algorithm).PKCS8())})), 201)
		d.Clock.Move(2 * time.Second)
	}
	imports(jose.ES256)
	if now := d.signingKey(waiting.KID); !now.ActivatesAt.Equal(*waiting.ActivatesAt) {
		t.Errorf("the key for RS256 signs from %s, want %s", now.ActivatesAt, waiting.ActivatesAt)
	}
	d.tokenOf("m", "old", jose.ES256)
	d.Change(store.KindSigningKeys, "", `UPDATE signing_keys SET private_ciphertext = ? WHERE kid = ?`, []byte{0}, waiting.KID)
	imports(jose.ES256)
	d.tokenOf("m", "old", jose.ES256)

	// Where the import ends the key that signs for the algorithm, another one goes on.
	imports(jose.RS256)
	ended := kidOf(t, d.tokenOf("m", "old", jose.RS256))
	imports(jose.ES256)
	if kidOf(t, d.tokenOf("m", "old", jose.RS256)) == ended {
		t.Error("the key that was replaced signs on")
	}
}

// The configuration shows the key that signs, not one that is to take over.
func TestConfigurationShowsTheKeyThatSigns(t *testing.T) {
	d := newDesk(t)
	former, next := d.signs(""), d.makeKey(jose.ES256)
	d.activate(next.KID, "")
	shown := func() any { return d.Object(d.asAdmin("GET", "/api/configuration", ""))["kid"] }
	if got := shown(); got != former {
		t.Errorf("%v is shown, and %s signs", got, former)
	}
	d.pass(keyring.Lead)
	if got := shown(); got != next.KID || d.signs("") != next.KID {
		t.Errorf("%v is shown, want %s", got, next.KID)
	}
}

// A change of keys holds on every other node within a second, and at once on this one.
func TestSigningKeysOnEveryNode(t *testing.T) {
	d := newDesk(t)
	other := identitytest.New(t, identitytest.Options{Database: d.Database, EncryptionKey: d.EncryptionKey})
	tags := func(s *identitytest.Service) string { return s.Get("/.well-known/jwks.json").Header.Get("ETag") }
	for _, change := range []func(){
		func() { d.makeKey(jose.ES256) },
		func() { d.makeKey(jose.EdDSA) },
		func() {
			keys := d.signingKeys()
			d.wantStatus("deleting", d.asAdmin("DELETE", "/api/keys/"+keys[len(keys)-1].KID, ""), 204)
		},
	} {
		before := tags(d.Service)
		change()
		since, after := time.Now(), tags(d.Service)
		if after == before {
			t.Error("this node publishes what it did")
		}
		for {
			begun := time.Now()
			if tags(other) == after {
				break
			}
			if begun.Sub(since) > time.Second {
				t.Fatal("the other node publishes what it did")
			}
		}
	}
}
