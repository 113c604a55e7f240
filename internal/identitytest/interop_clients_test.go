package identitytest_test

import (
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

type signed struct {
	Signature string `json:"signature"`
	Refused   string `json:"refused"`
}

// What jwcrypto signs with a client's key is accepted once, and only for this
// client.
func TestAssertionsOfJWCrypto(t *testing.T) {
	if !assertionSigner.here(t) {
		return
	}
	s := identitytest.New(t)
	type line struct {
		Key       string         `json:"key"`
		Algorithm jose.Algorithm `json:"algorithm"`
		ClientID  string         `json:"client_id"`
		Issuer    string         `json:"issuer"`
	}
	var lines []line
	rsa := s.Key(jose.RS256)
	for algorithm, key := range map[jose.Algorithm]jose.PrivateKey{
		jose.RS256: rsa, jose.PS256: rsa,
		jose.ES256: s.Key(jose.ES256), jose.ES384: s.Key(jose.ES384), jose.EdDSA: s.Key(jose.EdDSA),
	} {
		id := "robot-" + string(algorithm)
		s.AddClient(admin.NewClient{ID: id, PublicKey: key.Public().PEM()})
		lines = append(lines,
			line{privatePEM(key), algorithm, id, s.Issuer},
			line{privatePEM(s.Key(algorithm)), algorithm, id, s.Issuer}, // not the registered key
			line{privatePEM(key), algorithm, id, "https://other.test"},
		)
	}
	list, _ := answers[line, signed](t, assertionSigner, lines)
	for i := 0; i < len(lines); i += 3 {
		id := lines[i].ClientID
		wantToken(t, s, id, list[i].Signature)
		wantRefused(t, s, "used twice", id, list[i].Signature)
		wantRefused(t, s, "signed with another key", id, list[i+1].Signature)
		wantRefused(t, s, "made for another service", id, list[i+2].Signature)
	}
}

// What a script makes of openssl alone is accepted as well.
func TestAssertionsOfOpenSSL(t *testing.T) {
	if !installed(t, "openssl", "openssl", "version") {
		return
	}
	s := identitytest.New(t)
	key := s.Key(jose.RS256)
	file := keyFile(t, key)
	for _, id := range []string{"robot", "other"} {
		s.AddClient(admin.NewClient{ID: id, PublicKey: key.Public().PEM()})
	}
	for _, algorithm := range []string{"RS256", "PS256"} {
		assertion := script(t, "shell/assertion.sh", file, "robot", s.Issuer, algorithm)
		wantRefused(t, s, "another client's", "other", assertion)
		wantToken(t, s, "robot", assertion)
		wantRefused(t, s, "used twice", "robot", assertion)
	}
}

// The static signature of the original service, made by the library that its
// clients used and by openssl, serves those clients that may use it.
func TestStaticSignaturesOfOthers(t *testing.T) {
	s := identitytest.New(t)
	key := s.Key(jose.RS256)
	for _, id := range []string{"robot", "other"} {
		s.AddClient(admin.NewClient{ID: id, PublicKey: key.Public().PEM(), StaticSignature: true})
	}
	s.AddClient(admin.NewClient{ID: "strict", PublicKey: key.Public().PEM()})
	check := func(t *testing.T, sign func(id string) string) {
		t.Helper()
		signature := sign("robot")
		wantToken(t, s, "robot", signature)
		wantToken(t, s, "robot", signature) // it is static
		wantRefused(t, s, "another client's", "other", signature)
		wantRefused(t, s, "not for this client", "strict", sign("strict"))
	}
	t.Run("cryptography", func(t *testing.T) {
		if !staticSigner.here(t) {
			return
		}
		type line struct {
			Key      string `json:"key"`
			ClientID string `json:"client_id"`
			Salt     string `json:"salt"`
		}
		for _, salt := range []string{"max", "digest"} {
			check(t, func(id string) string {
				list, _ := answers[line, signed](t, staticSigner, []line{{privatePEM(key), id, salt}})
				return list[0].Signature
			})
		}
	})
	t.Run("openssl", func(t *testing.T) {
		if !installed(t, "openssl", "openssl", "version") {
			return
		}
		file := keyFile(t, key)
		for _, salt := range []string{"max", "digest"} {
			check(t, func(id string) string { return script(t, "shell/static_signature.sh", file, id, salt) })
		}
	})
}

func wantToken(t *testing.T, s *identitytest.Service, id, signature string) {
	t.Helper()
	token := s.Token(demoAPI, map[string]string{"client_id": id, "signature": signature})
	if claims := payload(t, token); claims["sub"] != id || claims["aud"] != demoAPI {
		t.Errorf("%s: the token is for %v and %v", id, claims["sub"], claims["aud"])
	}
}

func wantRefused(t *testing.T, s *identitytest.Service, what, id, signature string) {
	t.Helper()
	if signature == "" {
		t.Fatalf("%s: there is no signature", what)
	}
	r := s.Post("/auth/token", map[string]string{"client_id": id, "signature": signature, "audience": demoAPI})
	if r.Status != http.StatusUnauthorized {
		t.Errorf("%s, %s: status %d", id, what, r.Status)
	}
}

func privatePEM(key jose.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))
}

func keyFile(t *testing.T, key jose.PrivateKey) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(file, []byte(privatePEM(key)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
