package admin_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func secret(s string) *identity.Secret {
	v := identity.NewSecret(s)
	return &v
}

// What a client is made of decides what it has and what it must prove.
func TestCreateClient(t *testing.T) {
	d := newDesk(t)
	rsa, ec := d.Key(jose.RS256), d.Key(jose.ES256)
	chosen := canary + " chosen"
	for _, tc := range []struct {
		name    string
		n       admin.NewClient
		require string
		secret  string // "generated", the chosen one, or none
		keys    int
	}{
		{"nothing", admin.NewClient{}, "secret", "generated", 0},
		{"a chosen secret", admin.NewClient{Secret: secret(chosen)}, "secret", chosen, 0},
		{"a key in PEM", admin.NewClient{PublicKey: ec.Public().PEM()}, "signature", "", 1},
		{"a JWK", admin.NewClient{PublicKey: ec.Public().JWK()}, "signature", "", 1},
		{"a key and a chosen secret", admin.NewClient{PublicKey: ec.Public().PEM(), Secret: secret(chosen)}, "secret+signature", chosen, 1},
		{"a key and a generated secret", admin.NewClient{PublicKey: ec.Public().PEM(), GenerateSecret: true}, "secret+signature", "generated", 1},
		{"both, of which one is required", admin.NewClient{PublicKey: ec.Public().PEM(), GenerateSecret: true, Require: []string{"signature"}}, "signature", "generated", 1},
		{"both, required in another order", admin.NewClient{PublicKey: ec.Public().PEM(), GenerateSecret: true, Require: []string{"signature", "secret"}}, "secret+signature", "generated", 1},
		{"the static signature", admin.NewClient{PublicKey: rsa.Public().PEM(), StaticSignature: true}, "signature", "", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			tc.n.Name = tc.name
			client, got, err := d.admin.CreateClient(t.Context(), root, tc.n)
			d.must(err)
			if client.Require.String() != tc.require || len(client.Keys) != tc.keys || client.StaticSignature != tc.n.StaticSignature || !client.Enabled || client.ID == "" {
				t.Errorf("made %+v", client)
			}
			if !slices.Equal(client.Audiences, []string{identity.AnyAudience}) {
				t.Errorf("audiences %v", client.Audiences)
			}
			id, generated := identity.ClientSecretID(got)
			switch tc.secret {
			case "":
				if !got.Empty() || len(client.Secrets) != 0 {
					t.Error("it has a secret")
				}
				return
			case "generated":
				if !generated || id != client.Secrets[0].ID || client.Secrets[0].Chosen {
					t.Error("the secret has not the form of a generated one, or not the id of the registered one")
				}
			default:
				if got.Reveal() != tc.secret || !client.Secrets[0].Chosen {
					t.Error("the chosen secret has become another")
				}
			}
			if !strings.HasPrefix(client.Secrets[0].Hash, "$argon2id$") || strings.Contains(client.Secrets[0].Hash, got.Reveal()) {
				t.Error("what is registered of the secret is not its hash")
			}
		})
	}
	stored, err := d.admin.Clients(t.Context(), root, "", 100)
	d.must(err)
	if len(stored) != 9 || strings.Contains(text(stored), canary) {
		t.Errorf("%d clients are stored, or one with its secret", len(stored))
	}
	d.WantNoCanary(canary)
}

// A client that was just made can do what it was made for.
func TestCreatedClientGetsToken(t *testing.T) {
	d := newDesk(t)
	key := d.Key(jose.ES384)
	_, generated := d.AddClient(admin.NewClient{ID: "generated"})
	d.Token("x", map[string]string{"client_id": "generated", "client_secret": generated})
	d.AddClient(admin.NewClient{ID: "chosen", Secret: secret("sixteen letters.")})
	d.Token("x", map[string]string{"client_id": "chosen", "client_secret": "sixteen letters."})
	d.AddClient(admin.NewClient{ID: "signing", PublicKey: key.Public().PEM()})
	d.Token("x", map[string]string{"client_id": "signing", "signature": d.Assertion(key, "signing")})
}

func TestBadClients(t *testing.T) {
	d := newDesk(t)
	rsa, ec := d.Key(jose.RS256).Public().PEM(), d.Key(jose.ES256).Public().PEM()
	for _, tc := range []struct {
		name    string
		n       admin.NewClient
		members []string
	}{
		{"an id with a space", admin.NewClient{ID: "a b", Name: "n"}, []string{"client_id"}},
		{"an id with a slash", admin.NewClient{ID: "a/b", Name: "n"}, []string{"client_id"}},
		{"a long id", admin.NewClient{ID: strings.Repeat("a", 129), Name: "n"}, []string{"client_id"}},
		{"the id of logins", admin.NewClient{ID: identity.UserClientID, Name: "n"}, []string{"client_id"}},
		{"no name", admin.NewClient{ID: "c"}, []string{"name"}},
		{"a name with a line break", admin.NewClient{ID: "c", Name: "a\nb"}, []string{"name"}},

		{"an empty secret", admin.NewClient{Name: "n", Secret: secret("")}, []string{"client_secret"}},
		{"a secret of 15", admin.NewClient{Name: "n", Secret: secret(canary[:15])}, []string{"client_secret"}},
		{"a secret of 513", admin.NewClient{Name: "n", Secret: secret(strings.Repeat(canary, 30)[:513])}, []string{"client_secret"}},
		{"a secret that looks generated", admin.NewClient{Name: "n", Secret: secret("ids_" + canary)}, []string{"client_secret"}},

		{"a key of nothing", admin.NewClient{Name: "n", PublicKey: canary}, []string{"public_key"}},
		{"a private key", admin.NewClient{Name: "n", PublicKey: "-----BEGIN PRIVATE KEY-----\n" + canary + "\n-----END PRIVATE KEY-----\n"}, []string{"public_key"}},
		{"a symmetric key", admin.NewClient{Name: "n", PublicKey: `{"kty":"oct","k":"` + canary + `"}`}, []string{"public_key"}},

		{"nothing required", admin.NewClient{Name: "n", Require: []string{}}, []string{"require"}},
		{"something unknown required", admin.NewClient{Name: "n", Require: []string{"secret", "password"}}, []string{"require"}},
		{"a signature required of a secret", admin.NewClient{Name: "n", Require: []string{"signature"}}, []string{"require"}},
		{"both required of a secret", admin.NewClient{Name: "n", Require: []string{"secret", "signature"}}, []string{"require"}},
		{"a secret required of a key", admin.NewClient{Name: "n", PublicKey: ec, Require: []string{"secret"}}, []string{"require"}},

		{"static signature of a secret", admin.NewClient{Name: "n", StaticSignature: true}, []string{"static_signature"}},
		{"static signature of an EC key", admin.NewClient{Name: "n", StaticSignature: true, PublicKey: ec}, []string{"static_signature"}},
		{"static signature that is not required", admin.NewClient{
			Name: "n", StaticSignature: true, PublicKey: rsa, GenerateSecret: true, Require: []string{"secret"},
		}, []string{"static_signature"}},
		{"static signature of a key for another algorithm", admin.NewClient{
			Name: "n", StaticSignature: true, PublicKey: boundJWK(d, jose.RS256),
		}, []string{"static_signature"}},

		{"a bad permission", admin.NewClient{Name: "n", Permissions: []string{"a b"}}, []string{"permissions"}},
		{"a bad audience", admin.NewClient{Name: "n", Audiences: &[]string{"é"}}, []string{"audiences"}},
		{
			"everything",
			admin.NewClient{
				ID: "a b", Name: "", Secret: secret("short"), PublicKey: "?", Require: []string{"?"},
				Permissions: []string{""}, Audiences: &[]string{""},
			},
			[]string{"client_id", "name", "client_secret", "public_key", "require", "permissions", "audiences"},
		},
	} {
		d.wantUnchanged(tc.name, func() {
			_, generated, err := d.admin.CreateClient(t.Context(), root, tc.n)
			d.wantFields(tc.name, err, tc.members...)
			if !generated.Empty() {
				t.Errorf("%s: refused, but with a secret", tc.name)
			}
		})
	}
	d.WantNoCanary(canary)
}

// boundJWK is a fresh key that is for one algorithm only.
func boundJWK(d *desk, algorithm jose.Algorithm) string {
	key, err := d.Key(algorithm).Public().Bind(algorithm)
	d.must(err)
	return key.JWK()
}

// User ids and client ids share one namespace.
func TestClientIDIsTaken(t *testing.T) {
	d := newDesk(t)
	user := d.AddUser("somebody", "a long password")
	create := func(id string) error {
		_, _, err := d.admin.CreateClient(t.Context(), root, admin.NewClient{ID: id, Name: "n"})
		return err
	}
	d.must(create("taken"))
	d.wantUnchanged("taken", func() {
		d.wantKind("a client's", create("taken"), identity.Conflict)
		d.wantKind("a user's", create(user.ID), identity.Conflict)
	})
	d.must(create("Taken")) // ids compare byte by byte
}

func TestFiftyClientsOfOneID(t *testing.T) {
	d := newDesk(t)
	got := together(50, func(int) error {
		_, _, err := d.admin.CreateClient(t.Context(), root, admin.NewClient{ID: "worker", Name: "n"})
		return err
	})
	if got["ok"] != 1 || got["conflict"] != 49 {
		t.Errorf("outcomes %v", got)
	}
	clients, err := d.admin.Clients(t.Context(), root, "", 100)
	d.must(err)
	if len(clients) != 1 || len(clients[0].Secrets) != 1 {
		t.Errorf("%d clients are stored, with %d secrets", len(clients), len(clients[0].Secrets))
	}
}
