package authn_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// bench is an authenticator of its own over the database of a real service, so
// that its work can be counted.
type bench struct {
	*identitytest.Service
	authn *authn.Authenticator
	t     *testing.T
}

func newBench(t *testing.T, options ...identitytest.Options) *bench {
	t.Helper()
	b := &bench{Service: identitytest.New(t, options...), t: t}
	b.authn = b.another()
	return b
}

// another makes another authenticator: its memory is empty.
func (b *bench) another() *authn.Authenticator {
	b.t.Helper()
	in := b.Installation
	a, err := authn.New(authn.Config{
		DB: in.DB, Follower: in.Follower, Pool: in.Pool, Configuration: in.DB.Configuration, Logger: b.Logger, ClientKeys: in.ClientKeys,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return a
}

// present presents proofs as a client, as if it were the first attempt to be that one.
// Nil is a proof that is not presented.
func (b *bench) present(id string, secret, signature *string) error {
	b.ForgetAttempts()
	credentials := authn.ClientCredentials{ID: id, Signature: signature}
	if secret != nil {
		s := identity.NewSecret(*secret)
		credentials.Secret = &s
	}
	principal, err := b.authn.Client(b.t.Context(), credentials)
	if err == nil && principal.ID != id {
		b.t.Errorf("client %q got to be %q", id, principal.ID)
	}
	return err
}

// login is present for a user.
func (b *bench) login(username, password string) error {
	b.ForgetAttempts()
	principal, err := b.authn.User(b.t.Context(), username, identity.NewSecret(password))
	if err == nil && !principal.User {
		b.t.Errorf("user %q got to be a client", username)
	}
	return err
}

// work counts the Argon2id hashes and the verifications of signatures that f
// causes.
func (b *bench) work(f func()) (hashes, verifications uint64) {
	hashes, verifications = b.Installation.Pool.Stats().Hashes, authn.Verifications(b.authn)
	f()
	return b.Installation.Pool.Stats().Hashes - hashes, authn.Verifications(b.authn) - verifications
}

// refused fails the test unless err is the refusal of a proof, for a reason that
// holds the text.
func refused(t *testing.T, err error, reason string) {
	t.Helper()
	switch {
	case err == nil:
		t.Error("accepted")
	case identity.KindOf(err) != identity.InvalidCredentials:
		t.Errorf("refused as %v, want invalid_credentials", identity.KindOf(err))
	case !strings.Contains(err.Error(), reason):
		t.Errorf("refused because of %q, want %q", err, reason)
	}
}

func accepted(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("refused: %v", err)
	}
}

// originalClient is an RSA client of the original service: key and signatures were
// made by the libraries that it used.
type originalClient struct {
	ClientID   string `json:"client_id"`
	PKCS8      string `json:"private_key_pkcs8"`
	SPKI       string `json:"public_key_spki"`
	Signatures []struct {
		Signature string `json:"signature"`
	} `json:"static_signatures"`
}

func original(t *testing.T) (originalClient, jose.PrivateKey) {
	t.Helper()
	var file struct {
		ClientKey originalClient `json:"client_key"`
	}
	readJSON(t, "../jose/testdata/client_key.json", &file)
	key, err := jose.ParsePrivateKey([]byte(file.ClientKey.PKCS8))
	if err != nil {
		t.Fatal(err)
	}
	return file.ClientKey, key
}

func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(readText(t, path)), v); err != nil {
		t.Fatal(err)
	}
}

func readText(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// keyClient makes a client that is known by the key, which may be a JWK or PEM.
func (b *bench) keyClient(id, publicKey string, changes ...func(*admin.NewClient)) {
	b.t.Helper()
	n := admin.NewClient{ID: id, PublicKey: publicKey}
	for _, change := range changes {
		change(&n)
	}
	b.AddClient(n)
}

func ptr[T any](v T) *T { return &v }

// newBoth is a client that must present both a generated secret and a signature.
func newBoth(id, publicKey string) admin.NewClient {
	return admin.NewClient{ID: id, GenerateSecret: true, PublicKey: publicKey}
}
