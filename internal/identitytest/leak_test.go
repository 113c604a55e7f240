package identitytest_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Everything that the service makes is recognised, in whatever file it was, and nothing that
// is like it.
func TestLeaksAreRecognised(t *testing.T) {
	d := newLeakDesk(t, store.Config{})
	generatedID, _ := identity.ClientSecretID(identity.NewSecret(d.generated))
	session := d.Session("ann", annsPassword, "orders")
	access := d.Login("ann", annsPassword, "orders")
	machine := d.Token("orders", map[string]string{"client_id": "generated", "client_secret": d.generated})
	for name, text := range map[string]string{
		"as it stands": d.generated, "a line": d.generated + "\r\n", "a setting": "export CLIENT_SECRET='" + d.generated + "'\n", "JSON": `client_secret: "` + d.generated + `",`,
	} {
		d.wantKind("a secret, "+name, d.find(text), "client_secret", generatedID, true, "client generated")
	}
	d.wantKind("a secret that opens nothing alone", d.find(d.both), "client_secret", "", true, "client both")
	d.wantKind("a header", d.find("Authorization: Bearer "+machine), "access_token", "", true, "client generated")
	d.wantKind("a token of a person", d.find(access), "access_token", "", true, "user "+d.ann.ID)
	d.wantKind("a refresh token", d.find(" "+session+" "), "refresh_token", "", true, "user "+d.ann.ID)
	kid := d.key.Public().KID()
	d.wantKind("a private key", d.find(pemOf(d.key)), "client_key", kid, true, "client both", "client signing")
	d.wantKind("a private key in one line", d.find(`KEY="`+strings.ReplaceAll(pemOf(d.key), "\n", `\n`)+`"`), "client_key", kid, true, "client both", "client signing")
	d.wantKind("a public key", d.find(d.key.Public().PEM()), "client_key", kid, true, "client both", "client signing")
	d.wantKind("a private JWK", d.find(strings.Replace(d.key.Public().JWK(), "{", `{"d":"`+strings.Repeat("A", 43)+`",`, 1)), "client_key", kid, true, "client both", "client signing")
	active, err := d.Installation.Ring.Active(t.Context())
	d.must(err)
	d.wantKind("a key that signs", d.find(active.Public.JWK()), "signing_key", active.KID, true)
	signer, err := d.Installation.Ring.AuditSigner(t.Context())
	d.must(err)
	d.wantKind("the key of the audit", d.find(signer.Public().PEM()), "audit_key", signer.Public().KID(), true)
	d.wantKind("an encryption key", d.find("ENCRYPTION_KEY="+d.EncryptionKey.Reveal()), "encryption_key", "", true)
	d.wantKind("a password", d.asked(api.LeakRequest{Found: annsPassword + "\n", Username: "Ann"}), "password", d.ann.ID, true, "user "+d.ann.ID)
	d.wantKind("a chosen secret", d.asked(api.LeakRequest{Found: d.chosen, ClientID: "chosen"}), "client_secret", "", true, "client chosen")

	for name, r := range map[string]api.LeakRequest{
		"a secret": {Found: oneOff(d.generated)}, "a token": {Found: oneOff(machine)}, "a refresh token": {Found: oneOff(session)}, "a key": {Found: d.Key(jose.ES256).Public().PEM()},
		"an encryption key": {Found: seal.GenerateKey().Reveal()}, "a password without a name": {Found: annsPassword}, "another password": {Found: oneOff(annsPassword), Username: "ann"},
		"a chosen secret without a name": {Found: d.chosen}, "another client's": {Found: d.chosen, ClientID: "generated"}, "noise": {Found: "\u2028{[-----BEGIN"},
		"a password of another": {Found: annsPassword, Username: d.AdminUsername},
	} {
		r.Revoke = true
		l := d.asked(r)
		d.wantKind(name+" that is none", l, "unknown", "", false)
		if len(l.Ends) > 0 {
			t.Errorf("%s ends %v", name, l.Ends)
		}
	}
	if n := len(d.recorded("leak.revoked")); n != 0 {
		t.Errorf("%d are recorded as revoked", n)
	}
	if n := len(d.recorded("leak.examined")); n < 20 {
		t.Errorf("%d are recorded as looked at", n)
	}
	d.wantStatus("the client still gets a token", d.status(map[string]string{"client_id": "generated", "client_secret": d.generated}), 200)
}

func (d *leakDesk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// What is revoked opens nothing any more, on any node, and neither does what was made with
// it; and revoking it again changes nothing.
func TestLeaksAreEnded(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		if database.Driver == "" && database.Path == "" {
			database.Path = filepath.Join(t.TempDir(), "identity.db")
		}
		d := newLeakDesk(t, database)
		t.Run("secret", func(t *testing.T) { d.T = t; d.endsSecret() })
		t.Run("client key", func(t *testing.T) { d.T = t; d.endsClientKey() })
		t.Run("session", func(t *testing.T) { d.T = t; d.endsSession() })
		t.Run("token", func(t *testing.T) { d.T = t; d.endsTokens() })
		t.Run("password", func(t *testing.T) { d.T = t; d.endsPassword() })
		t.Run("signing key", func(t *testing.T) { d.T = t; d.endsSigningKey() })
	})
}

// ended revokes twice: the second time there is nothing left.
func (d *leakDesk) ended(r api.LeakRequest) api.Leak {
	d.Helper()
	r.Revoke = true
	l := d.asked(r)
	if !l.Revoked || l.Good || len(l.Ends) == 0 || len(l.Remains) == 0 {
		d.Errorf("revoked: %+v", l)
	}
	before := d.Tables("audit_events", "revision", "changes", "sessions", "throttles")
	if again := d.asked(r); again.Good {
		d.Errorf("again: %+v", again)
	}
	for table, digest := range d.Tables("audit_events", "revision", "changes", "sessions", "throttles") {
		if before[table] != digest && table != "clients" && table != "users" {
			d.Errorf("revoking again changes %s", table)
		}
	}
	return l
}

func (d *leakDesk) endsSecret() {
	proof := map[string]string{"client_id": "generated", "client_secret": d.generated}
	d.wantStatus("before", d.status(proof), 200)
	d.must(d.StoreEvents(d.Context()))
	l := d.ended(api.LeakRequest{Found: d.generated})
	if len(l.Uses) != 1 || l.Uses[0].Event != "token.issued" || l.Uses[0].IP != "127.0.0.1" || l.Uses[0].Events < 1 {
		d.Errorf("uses: %+v", l.Uses)
	}
	if last := d.asked(api.LeakRequest{Found: d.both, Since: new(d.Clock.Now().Add(time.Hour))}); len(last.Uses) != 0 {
		d.Errorf("uses in the future: %+v", last.Uses)
	}
	d.wantStatus("the secret, though it was the last one", d.status(proof), 401)
	d.wantStatus("another client", d.status(map[string]string{"client_id": "both", "client_secret": d.both, "signature": d.Assertion(d.key, "both")}), 200)
	if e := d.recorded("leak.revoked"); len(e) == 0 || !strings.Contains(string(e[0].Detail), `"client_secret"`) {
		d.Errorf("recorded: %+v", e)
	}
	if n := len(d.recorded("client.secret.deleted")); n != 1 {
		d.Errorf("%d secrets are recorded as deleted", n)
	}
}

func (d *leakDesk) endsClientKey() {
	sign := func(client string) int {
		return d.status(map[string]string{"client_id": client, "signature": d.Assertion(d.key, client), "client_secret": d.both})
	}
	d.wantStatus("before", sign("signing"), 200)
	d.wantStatus("before, of both", sign("both"), 200)
	d.ended(api.LeakRequest{Found: pemOf(d.key)})
	d.wantStatus("the key", sign("signing"), 401)
	d.wantStatus("the key at another client", sign("both"), 401)
}

func (d *leakDesk) endsSession() {
	first := d.Session("ann", annsPassword, "orders")
	other := d.Session("ann", annsPassword, "orders")
	next := d.Refresh(first)
	d.ended(api.LeakRequest{Found: first}) // an old one of the session is as good
	d.wantStatus("the next token of the session", d.Post("/auth/refresh", map[string]string{"refresh_token": next}).Status, 401)
	d.wantStatus("another session", d.Post("/auth/refresh", map[string]string{"refresh_token": other}).Status, 200)
}

func (d *leakDesk) endsTokens() {
	d.AddUser("administrator", annsPassword, identity.PermissionAdmin)
	person := d.Login("administrator", annsPassword, "")
	d.wantStatus("a person's token before", d.bearer(person), 200)
	other := d.Login("administrator", annsPassword, "")
	d.ended(api.LeakRequest{Found: person})
	d.wantStatus("a person's token", d.bearer(person), 401)
	d.wantStatus("a token of another session", d.bearer(other), 200)
	d.wantListed(person, "jti", "sid")
	_, secret := d.AddClient(admin.NewClient{ID: "reader", Name: "Reader", Permissions: []string{identity.PermissionUsersRead}})
	proof := map[string]string{"client_id": "reader", "client_secret": secret}
	machine := d.Token(d.Issuer, proof)
	d.wantStatus("a machine's token before", d.bearer(machine), 200)
	d.Clock.Move(2 * time.Second) // tokens tell whole seconds
	sibling := d.Token(d.Issuer, proof)
	l := d.ended(api.LeakRequest{Found: machine})
	d.wantStatus("a machine's token", d.bearer(machine), 401)
	d.wantStatus("another token of the machine", d.bearer(sibling), 200)
	d.wantListed(machine, "jti")
	if events := d.recorded("token.revoked"); len(events) != 2 || l.ID == "" || events[0].Target != l.ID {
		d.Errorf("the token %s is recorded as %+v", l.ID, events)
	}
	d.wantStatus("the machine proves itself again", d.status(proof), 200)

	expired := d.Token(d.Issuer, proof)
	d.Clock.Move(901 * time.Second)
	d.admin = d.AdminToken()
	rows := d.Rows("revocations")
	if l := d.end(expired); l.Good || l.Revoked || len(l.Ends) > 0 || l.Kind != "access_token" || d.Rows("revocations") != rows {
		d.Errorf("a token that has expired: %+v", l)
	}

	d.change(`{"jwt_max_refreshes":0}`)
	alone := d.Login("administrator", annsPassword, "")
	d.wantStatus("a token without a session before", d.bearer(alone), 200)
	d.Clock.Move(2 * time.Second)
	another := d.Login("administrator", annsPassword, "")
	d.ended(api.LeakRequest{Found: alone})
	d.wantStatus("a token without a session", d.bearer(alone), 401)
	d.wantStatus("another token without a session", d.bearer(another), 200)
	d.wantListed(alone, "jti")
	d.change(`{"jwt_max_refreshes":100}`)
}

// wantListed wants the token to be revoked by just these kinds of entries.
func (d *leakDesk) wantListed(compact string, kinds ...string) {
	d.Helper()
	claims := payloadOf(d, compact)
	var list struct {
		Entries []struct{ Kind, Hash string }
	}
	d.must(json.Unmarshal(payloadOf(d, string(d.Get("/.well-known/revocation-list").Body)), &list))
	var values map[string]any
	d.must(json.Unmarshal(claims, &values))
	var by []string
	for _, kind := range []string{"jti", "sid", "sub"} {
		value, _ := values[kind].(string)
		sum := sha256.Sum256([]byte(value))
		for _, e := range list.Entries {
			if e.Kind == kind && e.Hash == base64.RawURLEncoding.EncodeToString(sum[:16]) {
				by = append(by, kind)
			}
		}
	}
	if !slices.Equal(by, kinds) {
		d.Errorf("the token is on the list by %v, want %v", by, kinds)
	}
}

// payloadOf is what is signed in a JWS.
func payloadOf(d *leakDesk, compact string) []byte {
	d.Helper()
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(compact, ".")[1])
	d.must(err)
	return payload
}

func (d *leakDesk) change(patch string) {
	d.Helper()
	d.wantStatus("the configuration", d.Do("PATCH", "/api/configuration", patch, "Authorization", "Bearer "+d.admin, "Content-Type", "application/merge-patch+json").Status, 200)
}

func (d *leakDesk) endsPassword() {
	login := func() int {
		d.ForgetAttempts()
		return d.Post("/auth/login", map[string]string{"username": "ann", "password": annsPassword, "audience": "orders"}).Status
	}
	session := d.Session("ann", annsPassword, "orders")
	d.must(d.StoreEvents(d.Context()))
	l := d.asked(api.LeakRequest{Found: annsPassword, Username: "ann", Revoke: true})
	if !l.Revoked || l.Good {
		d.Errorf("revoked: %+v", l)
	}
	if !slices.ContainsFunc(l.Uses, func(u api.LeakUse) bool { return u.Event == "login.succeeded" && u.IP == "127.0.0.1" }) {
		d.Errorf("the logins with the password: %+v", l.Uses)
	}
	d.wantStatus("the password", login(), 401)
	d.wantStatus("a session that began with it", d.Post("/auth/refresh", map[string]string{"refresh_token": session}).Status, 401)
	d.wantKind("the password again", d.asked(api.LeakRequest{Found: annsPassword, Username: "ann", Revoke: true}), "unknown", "", false)
	// A last administrator is no exception: the database lets in whoever has it.
	own := d.asked(api.LeakRequest{Found: d.AdminPassword.Reveal(), Username: d.AdminUsername, Revoke: true})
	if !own.Revoked {
		d.Errorf("an administrator's password: %+v", own)
	}
	d.wantStatus("who has just lost their password", d.ask(api.LeakRequest{Found: "x"}).Status, 401)
	d.admin = d.Login("administrator", annsPassword, "")
}

func (d *leakDesk) endsSigningKey() {
	d.admin = d.Login("administrator", annsPassword, "")
	former, err := d.Installation.Ring.Active(d.Context())
	d.must(err)
	other := d.Another()
	l := d.end(former.Public.PEM())
	if !l.Revoked || !l.Good || l.RepeatAt == nil {
		d.Fatalf("a key that signs: %+v", l)
	}
	d.wantKind("while it still signs", d.find(former.Public.PEM()), "signing_key", former.KID, true)
	d.soon()
	if l = d.end(former.Public.PEM()); !l.Revoked || l.Good || l.RepeatAt != nil {
		d.Errorf("once another one signs: %+v", l)
	}
	d.wantStatus("a token under the former key", d.bearer(d.admin), 401)
	for i, node := range []*identitytest.Service{d.Service, other} {
		if strings.Contains(string(node.JWKS()), former.KID) {
			d.Errorf("node %d still publishes the key", i)
		}
	}
	d.admin = d.Login("administrator", annsPassword, "")
	d.wantStatus("a token under the next one", d.bearer(d.admin), 200)
	d.wantKind("the former key", d.find(former.Public.PEM()), "unknown", "", false)
}

// Nobody but an administrator may ask, and nothing of what they ask with is anywhere.
func TestLeaksAreForAdministrators(t *testing.T) {
	d := newLeakDesk(t, store.Config{})
	every := []string{
		identity.PermissionUsersRead, identity.PermissionUsersWrite, identity.PermissionClientsRead, identity.PermissionClientsWrite, identity.PermissionAuditRead,
		identity.PermissionSessionsRead, identity.PermissionSessionsWrite, identity.PermissionKeysRead, identity.PermissionKeysWrite,
	}
	d.AddUser("bob", annsPassword, every...)
	d.admin = d.Login("bob", annsPassword, "")
	d.wantStatus("all but identity:admin", d.ask(api.LeakRequest{Found: d.generated, Revoke: true}).Status, 403)
	d.wantStatus("nobody", d.Do("POST", "/api/leak", `{"found":"x","revoke":true}`).Status, 401)
	d.admin = d.AdminToken()
	for body, field := range map[string]string{
		`{}`: "found", `{"found":""}`: "found", `{"found":7}`: "found", `{"found":"x","since":"yesterday"}`: "since", `{"found":"x","revoke":"yes"}`: "revoke",
		`{"found":"x","username":""}`: "username", `{"found":"x","client_id":""}`: "client_id",
		fmt.Sprintf(`{"found":%q}`, strings.Repeat("x", 16<<10+1)): "found", `{"found":"x","more":1}`: "more",
	} {
		r := d.Do("POST", "/api/leak", body, "Authorization", "Bearer "+d.admin)
		if r.Status != http.StatusUnprocessableEntity || !strings.Contains(string(r.Body), `"`+field+`"`) {
			t.Errorf("%.40s: %d %s", body, r.Status, r.Body)
		}
	}
	d.wantStatus("no such user", d.ask(api.LeakRequest{Found: "x", Username: "nobody"}).Status, 404)
	d.wantStatus("no such client", d.ask(api.LeakRequest{Found: "x", ClientID: "nobody"}).Status, 404)

	const canary = "c4nArY0fWhatWasFound"
	var answers strings.Builder
	for _, r := range []api.LeakRequest{{Found: canary}, {Found: "PASSWORD=" + canary}, {Found: canary, Username: "ann"}, {Found: canary, ClientID: "chosen"}, {Found: canary + "." + canary + "." + canary}, {Found: "idr_" + canary}, {Found: "ids_" + canary}} {
		answers.Write(d.ask(r).Body)
	}
	d.must(d.StoreEvents(t.Context()))
	var f identitytest.Finder
	f.Add("what was found", canary)
	for place, text := range map[string]string{"the answers": answers.String(), "the log": d.Log.String() + d.TextLog.String(), "the tables": string(d.Dump())} {
		for _, found := range f.Find([]byte(text)) {
			t.Errorf("%s: %s", place, found)
		}
	}
}
