package rest_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// form is a private key in one of the forms in which it may come.
type form struct{ name, text string }

// forms returns the key in every form that it has.
func forms(t *testing.T, key jose.PrivateKey) []form {
	t.Helper()
	list := []form{{"PKCS#8", pemOf("PRIVATE KEY", key.PKCS8())}}
	parsed, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	if err != nil {
		t.Fatal(err)
	}
	switch parsed := parsed.(type) {
	case *rsa.PrivateKey:
		list = append(list, form{"PKCS#1", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(parsed))})
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(parsed)
		if err != nil {
			t.Fatal(err)
		}
		sec1 := pemOf("EC PRIVATE KEY", der)
		// As "openssl ecparam -genkey" writes it, and with line ends of DOS.
		curve := pemOf("EC PARAMETERS", []byte{0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07})
		list = append(list, form{"SEC 1", sec1}, form{"SEC 1 of openssl", curve + strings.ReplaceAll(sec1, "\n", "\r\n")})
	}
	return list
}

func TestPrivateKeyOfEveryKind(t *testing.T) {
	d := newDesk(t)
	for _, algorithm := range []jose.Algorithm{jose.RS256, jose.ES256, jose.ES384, jose.EdDSA} {
		for i := range forms(t, d.Key(algorithm)) {
			key := d.Key(algorithm)
			f := forms(t, key)[i]
			name := string(algorithm) + " " + f.name
			former := kidOf(t, d.bearer)
			members := map[string]any{"private_key": f.text}
			if i%2 == 0 {
				members["public_key"] = key.Public().PEM()
			}
			d.Log.Reset()
			r := d.send("POST", object(members))
			d.wantStatus(name, r, 201)
			answer := d.Object(r)
			if answer["kid"] != key.Public().KID() || answer["algorithm"] != string(algorithm) || answer["public_key"] != key.Public().PEM() {
				t.Errorf("%s: answered %s", name, r.Body)
			}
			d.wantNoKeyMaterial(name, f.text, key.Public(), r)

			jwks := d.JWKS()
			if !bytes.Contains(jwks, []byte(former)) || !bytes.Contains(jwks, []byte(key.Public().KID())) {
				t.Errorf("%s: the JWKS lacks one of the two keys", name)
			}
			if got := kidOf(t, d.AdminToken()); got != former {
				t.Errorf("%s: it signs before every node can have published it", name)
			}
			d.Clock.Move(2 * time.Second)
			d.bearer = d.AdminToken()
			if got := kidOf(t, d.bearer); got != key.Public().KID() {
				t.Errorf("%s: after two seconds %s signs", name, got)
			}
			d.wantStatus(name+": its token", d.send("GET", ""), 200)
		}
	}
}

// wantNoKeyMaterial expects no line of the PEM in what was answered and logged,
// but for what the public half, which is in there, looks like.
func (d *desk) wantNoKeyMaterial(name, text string, public jose.PublicKey, r identitytest.Response) {
	d.Helper()
	shown := strings.ReplaceAll(public.PEM(), "\n", "")
	seen := strings.ReplaceAll(string(r.Body), `\n`, "") + d.Log.String()
	checked := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if len(line) < 16 || strings.HasPrefix(line, "-----") || strings.Contains(shown, line[:16]) {
			continue
		}
		checked++
		if strings.Contains(seen, line[:16]) {
			d.Errorf("%s: a piece of the private key is in the answer or the log", name)
		}
	}
	if checked == 0 && len(text) > 100 {
		d.Errorf("%s: there was nothing to look for", name)
	}
}

// refused are keys that must not sign tokens, and what is none.
func refused(t *testing.T) []form {
	t.Helper()
	const canary = "canary-do-not-show-me"
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	pkcs8 := func(key any) string {
		der, err := x509.MarshalPKCS8PrivateKey(key)
		must(err)
		return pemOf("PRIVATE KEY", der)
	}
	curve := func(c elliptic.Curve) string {
		key, err := ecdsa.GenerateKey(c, rand.Reader)
		must(err)
		return pkcs8(key)
	}
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	must(err)
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	must(err)
	good, err := jose.GeneratePrivateKey(jose.ES256)
	must(err)
	text := pemOf("PRIVATE KEY", good.PKCS8())
	encrypted := pem.EncodeToMemory(&pem.Block{
		Type: "RSA PRIVATE KEY", Bytes: good.PKCS8(),
		Headers: map[string]string{"Proc-Type": "4,ENCRYPTED", "DEK-Info": "AES-256-CBC," + canary},
	})
	return []form{
		{"RSA-1024", pkcs8(weak)},
		{"RSA-1024 as PKCS#1", pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(weak))},
		{"P-224", curve(elliptic.P224())},
		{"P-521", curve(elliptic.P521())},
		{"X25519", pkcs8(x25519)},
		{"a public key", good.Public().PEM()},
		{"a JWK", good.Public().JWK()},
		{"a private JWK", `{"kty":"EC","crv":"P-256","x":"` + canary + `","y":"` + canary + `","d":"` + canary + `"}`},
		{"encrypted", string(encrypted)},
		{"encrypted PKCS#8", pemOf("ENCRYPTED PRIVATE KEY", good.PKCS8())},
		{"OpenSSH", pemOf("OPENSSH PRIVATE KEY", []byte(canary))},
		{"a certificate", pemOf("CERTIFICATE", good.PKCS8())},
		{"an unknown label", pemOf("SECRET KEY", good.PKCS8())},
		{"under the label of another form", pemOf("RSA PRIVATE KEY", good.PKCS8())},
		{"two keys", text + text},
		{"text before it", canary + "\n" + text},
		{"text behind it", text + canary},
		{"more in the block", pemOf("PRIVATE KEY", append(good.PKCS8(), canary...))},
		{"cut", text[:len(text)/2]},
		{"cut inside", pemOf("PRIVATE KEY", good.PKCS8()[:40])},
		{"garbage in the block", "-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n"},
		{"garbage", canary + strings.Repeat("x", 100)},
		{"DER", strings.ReplaceAll(string(bytes.ToValidUTF8(good.PKCS8(), []byte("?"))), "\x00", "?")},
		{"too much", text + strings.Repeat("\n", 16<<10)},
		{"a secret", canary},
	}
}

func TestRefusedPrivateKeys(t *testing.T) {
	d := newDesk(t)
	jwks := d.JWKS()
	for _, f := range refused(t) {
		d.Log.Reset()
		for _, method := range []string{"POST", "PATCH"} {
			d.wantUnchanged(f.name, func() {
				// The good member beside it is not taken either.
				r := d.send(method, object(map[string]any{"private_key": f.text, "jwt_expiration": 60}))
				d.wantProblem(f.name, r, 422, "invalid_request", fault{"private_key", "invalid_value"})
				d.wantNoKeyMaterial(f.name, f.text, jose.PublicKey{}, r)
				d.WantNoCanary("canary-do-not-show-me", r)
			})
		}
	}
	if !bytes.Equal(jwks, d.JWKS()) {
		t.Error("the JWKS has changed")
	}
}

func TestPublicKeyMustBelong(t *testing.T) {
	d := newDesk(t)
	key, other := d.Key(jose.RS256), d.Key(jose.RS256)
	private := pemOf("PRIVATE KEY", key.PKCS8())
	for name, members := range map[string]map[string]any{
		"of another key":    {"private_key": private, "public_key": other.Public().PEM()},
		"of another kind":   {"private_key": private, "public_key": d.Key(jose.ES256).Public().PEM()},
		"alone":             {"public_key": key.Public().PEM()},
		"with other things": {"public_key": key.Public().PEM(), "jwt_expiration": 60},
		"the private key":   {"private_key": private, "public_key": private},
		"garbage":           {"private_key": private, "public_key": "x"},
	} {
		d.wantUnchanged(name, func() {
			r := d.send("PATCH", object(members))
			d.wantProblem(name, r, 422, "invalid_request", fault{"public_key", "invalid_value"})
			d.wantNoKeyMaterial(name, private, jose.PublicKey{}, r)
		})
	}
	d.wantStatus("its own", d.send("PATCH", object(map[string]any{"private_key": private, "public_key": key.Public().PEM()})), 200)
	before := d.Tables()
	d.wantStatus("the same again", d.send("PATCH", object(map[string]any{"private_key": private, "refresh_grace": 10})), 200)
	for _, table := range []string{"signing_keys", "configuration"} {
		if after := d.Tables(); after[table] != before[table] {
			t.Errorf("the same again changes %s", table)
		}
	}
}
