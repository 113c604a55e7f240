package rest_test

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// wantGenerated expects a generated secret, by the contract's own words.
func (d *desk) wantGenerated(what, secret, id string) {
	d.Helper()
	parts := regexp.MustCompile(`^(ids_([a-z0-9]{8})_[A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})$`).FindStringSubmatch(secret)
	if parts == nil {
		d.Fatalf("%s: %q is no generated secret", what, secret)
	}
	check := base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(parts[1]))))
	if parts[3] != check || parts[2] != id {
		d.Errorf("%s: secret of id %s with check %s, want %s with %s", what, parts[2], parts[3], id, check)
	}
}

func TestSecretIsShownOnce(t *testing.T) {
	d := newDesk(t)
	r := d.asAdmin("POST", "/api/clients", `{"client_id":"m","name":"machine"}`)
	d.wantStatus("making", r, 201)
	made := d.Object(r)
	secret, _ := made["client_secret"].(string)
	d.wantGenerated("first", secret, first(made["secrets"]))
	r2 := d.asAdmin("POST", "/api/clients/m/secrets", `{"label":"next"}`)
	d.wantStatus("another", r2, 201)
	another, _ := d.Object(r2)["client_secret"].(string)
	id, _ := d.Object(r2)["id"].(string)
	d.wantGenerated("another", another, id)
	if r.Header.Get("Cache-Control") != "no-store" || r2.Header.Get("Cache-Control") != "no-store" {
		t.Error("a secret may be kept by caches")
	}
	d.wantStatus("chosen", d.asAdmin("POST", "/api/clients/m/secrets", object(map[string]any{"client_secret": canary})), 201)
	if secret == another {
		t.Error("one secret twice")
	}
	for _, s := range []string{secret, another, canary} {
		d.Token("orders", map[string]string{"client_id": "m", "client_secret": s})
		for _, path := range []string{"/api/clients", "/api/clients/m", "/api/clients/m/secrets", "/api/audit"} {
			d.WantNoCanary(s, d.asAdmin("GET", path, ""))
		}
		d.WantNoCanary(s, d.asAdmin("PATCH", "/api/clients/m", "{}"), d.asAdmin("POST", "/api/clients/m/secrets", `{"label":1}`))
	}
	for _, path := range []string{"/api/clients", "/api/clients/m", "/api/clients/m/secrets", "/api/audit"} {
		if body := string(d.asAdmin("GET", path, "").Body); strings.Contains(body, "client_secret\"") || strings.Contains(body, "$argon2") {
			t.Errorf("%s shows a secret or a hash: %s", path, body)
		}
	}
}

func TestFiveLiveSecrets(t *testing.T) {
	d := newDesk(t)
	d.client("m", map[string]any{"client_secret": "the one that was chosen"})
	at := func(after time.Duration) string { return d.Clock.Now().Add(after).Format(time.RFC3339Nano) }
	add := func(members map[string]any) string {
		t.Helper()
		r := d.asAdmin("POST", "/api/clients/m/secrets", object(members))
		d.wantStatus("adding", r, 201)
		secret, _ := d.Object(r)["client_secret"].(string)
		return secret
	}
	d.wantUnchanged("refused", func() {
		d.wantProblem("a second chosen one", d.asAdmin("POST", "/api/clients/m/secrets", object(map[string]any{"client_secret": "another that was chosen"})), 409, "conflict")
		for _, bad := range []map[string]any{
			{"expires_at": at(0)}, {"expires_at": at(-time.Second)}, {"expires_at": at(500 * time.Microsecond)}, {"expires_at": "tomorrow"}, {"expires_at": ""}, {"expires_at": "2099-01-01"},
			{"expires_at": "0001-01-01T00:00:00Z"}, {"expires_at": "1970-01-01T00:00:00Z"}, {"expires_at": "9999-12-31T23:59:59-01:00"},
		} {
			d.wantProblem(object(bad), d.asAdmin("POST", "/api/clients/m/secrets", object(bad)), 422, "invalid_request", fault{"expires_at", "invalid_value"})
		}
		d.wantProblem("a long label", d.asAdmin("POST", "/api/clients/m/secrets", object(map[string]any{"label": strings.Repeat("é", 256)})), 422, "invalid_request", fault{"label", "invalid_value"})
		for _, bad := range []string{"", "fifteen letters", strings.Repeat("x", 513), "ids_looks_like_ours", "ids_aaaaaaaa_" + strings.Repeat("A", 49)} {
			d.wantProblem(bad, d.asAdmin("POST", "/api/clients/m/secrets", object(map[string]any{"client_secret": bad})), 422, "invalid_request", fault{"client_secret", "invalid_value"})
		}
	})
	short := add(map[string]any{"expires_at": at(time.Minute), "label": strings.Repeat("é", 255)})
	other := d.Object(d.asAdmin("POST", "/api/clients/m/secrets", `{"expires_at":"2099-06-01T12:00:00.123456789+02:00"}`))
	if other["expires_at"] != "2099-06-01T10:00:00.123Z" {
		t.Errorf("expires_at %v, want UTC", other["expires_at"])
	}
	add(map[string]any{})
	add(map[string]any{})
	d.wantUnchanged("six", func() {
		d.wantProblem("a sixth", d.asAdmin("POST", "/api/clients/m/secrets", "{}"), 409, "conflict")
	})
	login := func(secret string) int {
		return d.Post("/auth/token", map[string]string{"client_id": "m", "client_secret": secret, "audience": "a"}).Status
	}
	if login(short) != 200 {
		t.Error("a secret that has not expired is refused")
	}
	d.Clock.Move(time.Minute)
	if login(short) != 401 {
		t.Error("a secret that has expired is taken")
	}
	add(map[string]any{}) // the expired one does not count
	d.wantProblem("one more", d.asAdmin("POST", "/api/clients/m/secrets", "{}"), 409, "conflict")
	got := d.together(6, func(int) identitytest.Response {
		return d.asAdmin("DELETE", "/api/clients/m/secrets/"+fmt.Sprint(other["id"]), "")
	})
	if got[204] != 1 || got[404] != 5 {
		t.Errorf("deleting one six times: %v", got)
	}
	if got := d.together(6, func(int) identitytest.Response { return d.asAdmin("POST", "/api/clients/m/secrets", "{}") }); got[201] != 1 || got[409] != 5 {
		t.Errorf("adding six where one has room: %v", got)
	}
}

// Expired secrets show for a while when they were last used, and then make room.
func TestExpiredSecretsMakeRoom(t *testing.T) {
	d := newDesk(t)
	d.client("m", map[string]any{"client_secret": "the one that was chosen"})
	var last string
	for i := range 15 {
		label := fmt.Sprint("number ", i)
		at := d.Clock.Now().Add(time.Second).Format(time.RFC3339Nano)
		d.wantStatus(label, d.asAdmin("POST", "/api/clients/m/secrets", object(map[string]any{"label": label, "expires_at": at})), 201)
		d.Clock.Move(2 * time.Second)
		last = label
	}
	list, _ := d.Object(d.asAdmin("GET", "/api/clients/m/secrets", ""))["data"].([]any)
	if len(list) != 10 || list[0].(map[string]any)["label"] != last || list[9].(map[string]any)["label"] != "" {
		t.Errorf("there are %d secrets: %v", len(list), list)
	}
	if gone := d.events("event=client.secret.deleted&target=m"); len(gone) != 6 { // of 16 in all
		t.Errorf("%d are recorded as gone", len(gone))
	}
	r := d.Post("/auth/token", map[string]string{"client_id": "m", "client_secret": "the one that was chosen", "audience": "a"})
	d.wantStatus("the one that lives", r, 200)
}

func TestLastCredentialStays(t *testing.T) {
	d := newDesk(t)
	key := func() string { return d.Key(jose.ES256).Public().PEM() }
	path := d.client("m", map[string]any{"client_secret": "a secret that was chosen", "public_key": key()})
	c := d.get(path)
	secret, firstKey := path+"/secrets/"+first(c["secrets"]), path+"/keys/"+first(c["keys"])
	refused := func(what, path string) {
		t.Helper()
		d.wantUnchanged(what, func() { d.wantProblem(what, d.asAdmin("DELETE", path, ""), 409, "conflict") })
	}
	refused("the only secret", secret)
	refused("the only key", firstKey)
	// An expired one is no credential.
	r := d.asAdmin("POST", path+"/secrets", object(map[string]any{"expires_at": d.Clock.Now().Add(time.Second).Format(time.RFC3339Nano)}))
	expired, _ := d.Object(r)["id"].(string)
	d.Clock.Move(time.Second)
	refused("the only live secret", secret)
	d.wantStatus("the expired one", d.asAdmin("DELETE", path+"/secrets/"+expired, ""), 204)
	d.wantUnchanged("unsatisfiable", func() {
		d.wantProblem("none", d.asAdmin("PATCH", path, `{"require":[]}`), 422, "invalid_request", fault{"require", "invalid_value"})
		d.wantProblem("unknown", d.asAdmin("PATCH", path, `{"require":["secret","password"]}`), 422, "invalid_request", fault{"require", "invalid_value"})
		d.wantProblem("static without RSA", d.asAdmin("PATCH", path, `{"static_signature":true}`), 422, "invalid_request", fault{"static_signature", "invalid_value"})
	})
	d.wantStatus("signature alone", d.asAdmin("PATCH", path, `{"require":["signature"]}`), 200)
	d.wantStatus("then the secret may go", d.asAdmin("DELETE", secret, ""), 204)
	refused("the only key", firstKey)
	d.wantStatus("another key", d.asAdmin("POST", path+"/keys", object(map[string]any{"public_key": key()})), 201)
	d.wantStatus("then it may go", d.asAdmin("DELETE", firstKey, ""), 204)
	d.wantUnchanged("unsatisfiable", func() {
		d.wantProblem("no secret", d.asAdmin("PATCH", path, `{"require":["secret"]}`), 422, "invalid_request", fault{"require", "invalid_value"})
	})
}

// What belongs to one client cannot be reached through another's path.
func TestCredentialsOfOthers(t *testing.T) {
	d := newDesk(t)
	for _, id := range []string{"mine", "theirs"} {
		d.client(id, map[string]any{"client_secret": "a secret that was chosen", "public_key": d.Key(jose.ES256).Public().PEM()})
		d.wantStatus("another", d.asAdmin("POST", "/api/clients/"+id+"/secrets", "{}"), 201)
		d.wantStatus("another", d.asAdmin("POST", "/api/clients/"+id+"/keys", object(map[string]any{"public_key": d.Key(jose.ES256).Public().PEM()})), 201)
	}
	theirs := d.get("/api/clients/theirs")
	secrets, _ := theirs["secrets"].([]any)
	keys, _ := theirs["keys"].([]any)
	d.wantUnchanged("through another's path", func() {
		for _, kind := range []struct {
			below string
			items []any
		}{{"secrets", secrets}, {"keys", keys}} {
			for _, item := range kind.items {
				o, _ := item.(map[string]any)
				for _, client := range []string{"mine", "nobody"} {
					path := fmt.Sprintf("/api/clients/%s/%s/%s", client, kind.below, o["id"])
					d.wantProblem(path, d.asAdmin("DELETE", path, ""), 404, "not_found")
				}
			}
		}
		d.wantProblem("a secret as a key", d.asAdmin("DELETE", "/api/clients/theirs/keys/"+first(theirs["secrets"]), ""), 404, "not_found")
	})
	d.wantStatus("through its own", d.asAdmin("DELETE", "/api/clients/theirs/keys/"+first(theirs["keys"]), ""), 204)
}

func TestRefusedClientKeys(t *testing.T) {
	d := newDesk(t)
	path := d.client("m", nil)
	b64 := base64.RawURLEncoding.EncodeToString
	spki := func(key any) string {
		der, err := x509.MarshalPKIXPublicKey(key)
		d.must(err)
		return pemOf("PUBLIC KEY", der)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	d.must(err)
	strong, err := rsa.GenerateKey(rand.Reader, 2048)
	d.must(err)
	p224, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	d.must(err)
	private := d.Key(jose.ES256)
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	d.must(err)
	n := b64(strong.N.Bytes())
	one := big.NewInt(1).FillBytes(make([]byte, 32))
	for name, key := range map[string]any{
		"RSA 1024":             spki(&weak.PublicKey),
		"RSA e=1":              spki(&rsa.PublicKey{N: strong.N, E: 1}),
		"RSA e=2":              spki(&rsa.PublicKey{N: strong.N, E: 2}),
		"RSA e=1 as JWK":       map[string]any{"kty": "RSA", "n": n, "e": "AQ"},
		"RSA e=0 as JWK":       map[string]any{"kty": "RSA", "n": n, "e": ""},
		"RSA huge e":           map[string]any{"kty": "RSA", "n": n, "e": b64(make([]byte, 300))},
		"RSA even modulus":     map[string]any{"kty": "RSA", "n": b64(new(big.Int).Add(strong.N, big.NewInt(1)).Bytes()), "e": "AQAB"},
		"off the curve":        map[string]any{"kty": "EC", "crv": "P-256", "x": b64(one), "y": b64(one)},
		"at infinity":          map[string]any{"kty": "EC", "crv": "P-256", "x": b64(make([]byte, 32)), "y": b64(make([]byte, 32))},
		"P-224":                spki(&p224.PublicKey),
		"unknown curve":        map[string]any{"kty": "EC", "crv": "secp256k1", "x": b64(one), "y": b64(one)},
		"symmetric":            map[string]any{"kty": "oct", "k": b64([]byte(canary))},
		"symmetric, called EC": map[string]any{"kty": "EC", "crv": "P-256", "k": b64([]byte(canary))},
		"private PEM":          pemOf("PRIVATE KEY", private.PKCS8()),
		"private PKCS#1":       pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(strong)),
		"private JWK":          map[string]any{"kty": "OKP", "crv": "Ed25519", "x": b64(ed.Public().(ed25519.PublicKey)), "d": b64(ed.Seed())},
		"private RSA JWK":      map[string]any{"kty": "RSA", "n": n, "e": "AQAB", "d": b64(strong.D.Bytes())},
		"for encryption":       map[string]any{"kty": "RSA", "n": n, "e": "AQAB", "use": "enc"},
		"alg none":             map[string]any{"kty": "RSA", "n": n, "e": "AQAB", "alg": "none"},
		"alg HS256":            map[string]any{"kty": "RSA", "n": n, "e": "AQAB", "alg": "HS256"},
		"a set":                map[string]any{"keys": []any{}},
		"empty object":         map[string]any{},
		"empty":                "",
		"text":                 canary,
		"an address":           "https://evil.test/key.pem",
	} {
		d.wantUnchanged(name, func() {
			for _, a := range []attempt{
				{"registering", "POST", path + "/keys", object(map[string]any{"public_key": key})},
				{"making", "POST", "/api/clients", object(map[string]any{"client_id": "new", "name": "new", "public_key": key})},
			} {
				r := d.asAdmin(a.method, a.path, a.body)
				d.wantProblem(a.name+" "+name, r, 422, "invalid_request", fault{"public_key", "invalid_value"})
				d.WantNoCanary(canary, r)
			}
		})
	}
	good := map[string]any{"kty": "RSA", "n": n, "e": "AQAB"}
	d.wantStatus("a good one", d.asAdmin("POST", path+"/keys", object(map[string]any{"public_key": good, "label": "x"})), 201)
	d.wantUnchanged("twice", func() {
		d.wantProblem("twice", d.asAdmin("POST", path+"/keys", object(map[string]any{"public_key": spki(&strong.PublicKey)})), 409, "conflict")
	})
	for range 4 {
		d.wantStatus("up to five", d.asAdmin("POST", path+"/keys", object(map[string]any{"public_key": d.Key(jose.EdDSA).Public().PEM()})), 201)
	}
	d.wantProblem("a sixth", d.asAdmin("POST", path+"/keys", object(map[string]any{"public_key": d.Key(jose.EdDSA).Public().PEM()})), 409, "conflict")
}

func TestRefusedClients(t *testing.T) {
	d := newDesk(t)
	d.wantUnchanged("refused", func() {
		for _, id := range []string{"", ".", "..", "a/b", "a b", "a:b", "é", "identity", "a\u0000", strings.Repeat("a", 129), "%41"} {
			r := d.asAdmin("POST", "/api/clients", strings.ReplaceAll(object(map[string]any{"client_id": id, "name": "x"}), `\u0000`, "!"))
			d.wantProblem("client_id "+id, r, 422, "invalid_request", fault{"client_id", "invalid_value"})
		}
		for member, values := range map[string][]any{
			"name":             {"", strings.Repeat("é", 256), "a\nb"},
			"token_expiration": {0, -1, 29, 2592001, int64(1) << 62},
			"audiences":        {list("a b"), list("*", "a"), list(""), list(strings.Repeat("a", 256)), list("é")},
			"permissions":      {list(""), list("a b"), list(`a"b`), list("identity:"), list("identity:unknown:read"), list("identity:users:delete"), list(strings.Repeat("a", 129))},
			"roles":            {list("nobody"), list("")},
			"require":          {list(), list("signature"), list("secret", "signature"), list("Secret"), list("none")},
		} {
			for _, value := range values {
				r := d.asAdmin("POST", "/api/clients", object(over(map[string]any{"client_id": "c", "name": "c"}, map[string]any{member: value})))
				d.wantProblem(fmt.Sprintf("%s %v", member, value), r, 422, "invalid_request", fault{member, "invalid_value"})
			}
		}
	})
}
