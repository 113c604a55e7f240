package authn_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Every set of required proofs, with every combination of presented ones: those
// get in who prove every member of the set, whatever else they present.
func TestEveryRequiredProofAndNoOther(t *testing.T) {
	b := newBench(t)
	_, key := original(t)
	foreign := b.Key(jose.ES256)
	_, foreignSecret := b.AddClient(admin.NewClient{ID: "foreign"})
	for _, require := range [][]string{{"secret"}, {"signature"}, {"secret", "signature"}} {
		for _, static := range []bool{false, true} {
			needsSecret, needsSignature := require[0] == "secret", require[len(require)-1] == "signature"
			if static && !needsSignature {
				continue // cannot be registered
			}
			id := fmt.Sprintf("%s-%v", require, static)
			id = "client-" + base64.RawURLEncoding.EncodeToString([]byte(id))
			// Both are registered, so that what is not required could be right.
			_, secret := b.AddClient(admin.NewClient{
				ID: id, GenerateSecret: true, PublicKey: key.Public().PEM(), Require: require, StaticSignature: static,
			})
			secrets := map[string]*string{"none": nil, "right": &secret, "another's": &foreignSecret, "empty": ptr("")}
			signatures := map[string]func() *string{
				"none":             func() *string { return nil },
				"right":            func() *string { return ptr(b.Assertion(key, id)) },
				"right, static":    func() *string { return ptr(pss(t, key, id)) },
				"foreign key":      func() *string { return ptr(b.Assertion(foreign, id)) },
				"another's name":   func() *string { return ptr(b.Assertion(key, "foreign")) },
				"another's static": func() *string { return ptr(pss(t, key, "foreign")) },
				"garbage":          func() *string { return ptr("garbage") },
				"empty":            func() *string { return ptr("") },
			}
			for secretName, presented := range secrets {
				for signatureName, signature := range signatures {
					want := (!needsSecret || secretName == "right") &&
						(!needsSignature || signatureName == "right" || static && signatureName == "right, static")
					err := b.present(id, presented, signature())
					if (err == nil) != want || err != nil && identity.KindOf(err) != identity.InvalidCredentials {
						t.Errorf("requires %s (static allowed: %v), presents secret %s and signature %s: %v", require, static, secretName, signatureName, err)
					}
				}
			}
		}
	}
}

// pss makes the static signature of the original service.
func pss(t *testing.T, key jose.PrivateKey, message string) string {
	t.Helper()
	private, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(message))
	signature, err := rsa.SignPSS(rand.Reader, private.(*rsa.PrivateKey), crypto.SHA256, sum[:], nil)
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// The signatures that the original service's clients made are good, as often as
// they are sent.
func TestStaticSignatureOfTheOriginal(t *testing.T) {
	b := newBench(t)
	client, _ := original(t)
	b.keyClient(client.ClientID, client.SPKI, func(n *admin.NewClient) { n.StaticSignature = true })
	for range 2 {
		for _, s := range client.Signatures {
			accepted(t, b.present(client.ClientID, nil, &s.Signature))
		}
	}
}

func TestStaticSignatureIsOptIn(t *testing.T) {
	b := newBench(t)
	client, key := original(t)
	good := client.Signatures[0].Signature
	b.keyClient(client.ClientID, client.SPKI)
	refused(t, b.present(client.ClientID, nil, &good), "may not use the static signature")

	// A client with the mark and without an RSA key, as nobody can register it.
	b.keyClient("elliptic", b.Key(jose.ES256).Public().PEM())
	b.Change("client", "elliptic", `UPDATE clients SET static_signature = 1 WHERE id = ?`, "elliptic")
	refused(t, b.present("elliptic", nil, ptr(pss(t, key, "elliptic"))), "wrong static signature")

	// A key that is bound to another algorithm makes no static signature.
	bound, err := key.Public().Bind(jose.RS256)
	if err != nil {
		t.Fatal(err)
	}
	b.keyClient("bound", bound.JWK())
	b.Change("client", "bound", `UPDATE clients SET static_signature = 1 WHERE id = ?`, "bound")
	refused(t, b.present("bound", nil, ptr(pss(t, key, "bound"))), "wrong static signature")
}

func TestStaticSignatureForm(t *testing.T) {
	b := newBench(t)
	_, key := original(t)
	const id = "client"
	b.keyClient(id, key.Public().PEM(), func(n *admin.NewClient) { n.StaticSignature = true })
	good := pss(t, key, id)
	accepted(t, b.present(id, nil, &good))
	accepted(t, b.present(id, nil, ptr(good[:64]+"\n"+good[64:]+"\n"))) // as openssl base64 writes it
	raw, err := base64.StdEncoding.DecodeString(good)
	if err != nil {
		t.Fatal(err)
	}
	flipped := append([]byte{}, raw...)
	flipped[100] ^= 1
	for name, text := range map[string]string{
		"one bit changed":  base64.StdEncoding.EncodeToString(flipped),
		"shorter":          base64.StdEncoding.EncodeToString(raw[1:]),
		"longer":           base64.StdEncoding.EncodeToString(append([]byte{0}, raw...)),
		"of 8192 bits":     base64.StdEncoding.EncodeToString(make([]byte, 1024)),
		"without padding":  base64.RawStdEncoding.EncodeToString(raw),
		"url alphabet":     base64.URLEncoding.EncodeToString(append([]byte{0xff, 0xff}, raw...)),
		"space behind":     good + " ",
		"other client_id":  pss(t, key, "Client"),
		"of nothing":       pss(t, key, ""),
		"one dot":          good + ".",
		"hex":              fmt.Sprintf("%x", raw),
		"of the assertion": pss(t, key, b.Assertion(key, id)),
	} {
		t.Run(name, func(t *testing.T) { refused(t, b.present(id, nil, &text), "signature") })
	}
}

// A secret proves the client that it belongs to, in its own form, while it lives.
func TestSecrets(t *testing.T) {
	b := newBench(t)
	_, generated := b.AddClient(admin.NewClient{ID: "generated"})
	_, other := b.AddClient(admin.NewClient{ID: "other"})
	chosen := "a secret that was chosen"
	chose := identity.NewSecret(chosen)
	b.AddClient(admin.NewClient{ID: "chosen", Secret: &chose})
	same := identity.NewSecret(chosen)
	b.AddClient(admin.NewClient{ID: "chose-the-same", Secret: &same})
	for _, c := range []struct {
		name, id, secret, reason string
	}{
		{"generated", "generated", generated, ""},
		{"chosen", "chosen", chosen, ""},
		{"chosen by another too", "chose-the-same", chosen, ""},
		{"another client's", "generated", other, "no live secret"},
		{"mistyped", "generated", generated[:20] + "~" + generated[21:], "no live secret"},
		{"right id, other text", "generated", swapBody(generated, other), "no live secret"},
		{"cut off", "generated", generated[:len(generated)-1], "no live secret"},
		{"more", "generated", generated + "x", "no live secret"},
		{"chosen for a client with a generated one", "generated", chosen, "no live secret"},
		{"generated for a client with a chosen one", "chosen", generated, "no live secret"},
		{"other case", "chosen", "A secret that was chosen", "wrong secret"},
		{"space behind", "chosen", chosen + " ", "wrong secret"},
		{"empty", "chosen", "", "wrong secret"},
		{"unknown client", "nobody", chosen, "unknown client"},
		{"client_id in other case", "Chosen", chosen, "unknown client"},
		{"no client_id", "", chosen, "unknown client"},
		{"long", "chosen", string(make([]byte, 60_000)), "wrong secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 2 { // the second time memory may answer
				if err := b.present(c.id, &c.secret, nil); c.reason == "" {
					accepted(t, err)
				} else {
					refused(t, err, c.reason)
				}
			}
		})
	}
}

// swapBody puts the text of one generated secret behind the id of another.
func swapBody(a, b string) string { return a[:13] + b[13:] }

func TestKidChoosesAmongOwnKeys(t *testing.T) {
	b := newBench(t)
	first, second, foreign := b.Key(jose.ES256), b.Key(jose.ES256), b.Key(jose.ES256)
	b.keyClient("two", first.Public().PEM())
	b.keyClient("other", foreign.Public().PEM())
	b.Change("client", "two", `INSERT INTO client_keys (id, client_id, kid, public_jwk, label, created_at) VALUES ('k2', 'two', ?, ?, '', ?)`,
		second.Public().KID(), second.Public().JWK(), b.Clock.Now().UnixMilli()+1)
	accepted(t, b.present("two", nil, ptr(b.Assertion(first, "two"))))
	accepted(t, b.present("two", nil, ptr(b.Assertion(second, "two"))))
	claims := b.claims("two", nil)
	for name, c := range map[string]struct{ kid, key jose.PrivateKey }{
		"kid of the one, key of the other": {first, second},
		"another client's key and kid":     {foreign, foreign},
		"another client's key, own kid":    {first, foreign},
		"own key, kid of another client's": {foreign, first},
		"own key, kid of nobody's":         {b.Key(jose.ES256), first},
	} {
		header := fmt.Sprintf(`{"alg":"ES256","kid":%q}`, c.kid.Public().KID())
		t.Run(name, func(t *testing.T) {
			refused(t, b.present("two", nil, ptr(forge(t, c.key, header, claims))), "not signed by a key of its own")
		})
	}
	// Without a kid one key is tried, the newest.
	accepted(t, b.present("two", nil, ptr(forge(t, second, `{"alg":"ES256"}`, claims))))
	refused(t, b.present("two", nil, ptr(forge(t, first, `{"alg":"ES256"}`, b.claims("two", nil)))), "not signed by a key of its own")
}

func TestNewRefusesWhatIsMissing(t *testing.T) {
	s := identitytest.New(t)
	in := s.Installation
	whole := authn.Config{DB: in.DB, Follower: in.Follower, Pool: in.Pool, Configuration: in.DB.Configuration, Logger: s.Logger, ClientKeys: in.ClientKeys}
	for name, cut := range map[string]func(*authn.Config){
		"database":      func(c *authn.Config) { c.DB = nil },
		"follower":      func(c *authn.Config) { c.Follower = nil },
		"pool":          func(c *authn.Config) { c.Pool = nil },
		"configuration": func(c *authn.Config) { c.Configuration = nil },
		"logger":        func(c *authn.Config) { c.Logger = nil },
		"client keys":   func(c *authn.Config) { c.ClientKeys = nil },
	} {
		c := whole
		cut(&c)
		if _, err := authn.New(c); err == nil {
			t.Errorf("made without %s", name)
		}
	}
}
