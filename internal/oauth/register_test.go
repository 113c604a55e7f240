package oauth_test

import (
	"encoding/pem"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

var local = identity.LocalAdministrator("test")

func register(t *testing.T, s *identitytest.Service, n admin.NewAudience) identity.AudiencePolicy {
	t.Helper()
	if n.Name == "" {
		n.Name = n.Audience
	}
	a, err := s.Installation.Admin.CreateAudience(t.Context(), local, n)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// holder is a user and a client who hold the same, directly and by roles.
func holder(t *testing.T, s *identitytest.Service) (ask func(who, audience string) identitytest.Response) {
	t.Helper()
	for name, permissions := range map[string][]string{"writers": {"orders:write", "orders:read"}, "payers": {"pay"}} {
		if _, err := s.Installation.Admin.CreateRole(t.Context(), local, name, permissions); err != nil {
			t.Fatal(err)
		}
	}
	roles := []string{"writers", "payers"}
	_, err := s.Installation.Admin.CreateUser(t.Context(), local, admin.NewUser{
		Username: "alice", Password: identity.NewSecret(password), Permissions: []string{"orders:read", "own"}, Roles: roles,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, secret := s.AddClient(admin.NewClient{ID: "robot", Permissions: []string{"orders:read", "own"}, Roles: roles})
	return func(who, audience string) identitytest.Response {
		if who == "alice" {
			return s.Do("POST", "/auth/login", object("username", who, "password", password, "audience", audience))
		}
		return s.Do("POST", "/auth/token", object("client_id", who, "client_secret", secret, "audience", audience))
	}
}

// A token carries what its subject holds directly and by roles, cut to what the
// audience registers.
func TestPermissionsAreCutToTheAudience(t *testing.T) {
	s := identitytest.New(t)
	ask := holder(t, s)
	register(t, s, admin.NewAudience{Audience: "orders", Permissions: []string{"orders:read", "orders:write", "orders:delete"}})
	register(t, s, admin.NewAudience{Audience: "nothing", Permissions: []string{}})
	register(t, s, admin.NewAudience{Audience: "silent"})
	register(t, s, admin.NewAudience{Audience: "Orders", Permissions: []string{"own"}})
	all := []any{"orders:read", "orders:write", "own", "pay"}
	for audience, want := range map[string][]any{
		"orders": {"orders:read", "orders:write"}, "nothing": {}, "silent": all, "unregistered": all, "Orders": {"own"},
	} {
		for _, who := range []string{"alice", "robot"} {
			_, claims := verified(t, s, ask(who, audience))
			if diff := cmp.Diff(want, claims["permissions"]); diff != "" {
				t.Errorf("%s for %s: (-want +got)\n%s", who, audience, diff)
			}
		}
	}
}

// A change of a role or of the register holds for the next token.
func TestRolesAndRegisterAreReadAtEveryGrant(t *testing.T) {
	s := identitytest.New(t)
	ask := holder(t, s)
	policy := register(t, s, admin.NewAudience{Audience: "orders", Permissions: []string{"pay"}})
	carried := func(want ...any) {
		t.Helper()
		for _, who := range []string{"alice", "robot"} {
			_, claims := verified(t, s, ask(who, "orders"))
			if diff := cmp.Diff(append([]any{}, want...), claims["permissions"]); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", who, diff)
			}
		}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	a := s.Installation.Admin
	carried("pay")
	open := []string{"pay", "own", "refund"}
	list := &open
	_, err := a.UpdateAudience(t.Context(), local, policy.ID, admin.AudiencePatch{Permissions: &list}, nil)
	must(err)
	carried("own", "pay")
	roles, err := a.Roles(t.Context(), local, "", 10)
	must(err)
	_, err = a.UpdateRole(t.Context(), local, roles[0].ID, admin.RolePatch{Permissions: &[]string{"refund"}}, nil) // payers
	must(err)
	carried("own", "refund")
	must(a.DeleteRole(t.Context(), local, roles[0].ID, nil))
	carried("own")
	must(a.DeleteAudience(t.Context(), local, policy.ID, nil))
	carried("orders:read", "orders:write", "own")
}

// The shorter of two lifetimes of their own is the token's; without one it is the
// configured.
func TestLifetimes(t *testing.T) {
	s := identitytest.New(t)
	register(t, s, admin.NewAudience{Audience: "short", Expiration: time.Minute})
	register(t, s, admin.NewAudience{Audience: "long", Expiration: 24 * time.Hour})
	_, plain := s.AddClient(admin.NewClient{ID: "plain"})
	_, own := s.AddClient(admin.NewClient{ID: "own", TokenExpiration: time.Hour})
	for _, tc := range []struct {
		client, secret, audience string
		want                     float64
	}{
		{"plain", plain, "other", 900},
		{"plain", plain, "short", 60},
		{"plain", plain, "long", 86400},
		{"own", own, "other", 3600},
		{"own", own, "short", 60},
		{"own", own, "long", 3600},
	} {
		r := s.Do("POST", "/auth/token", object("client_id", tc.client, "client_secret", tc.secret, "audience", tc.audience))
		_, claims := verified(t, s, r)
		if claims["exp"].(float64)-claims["iat"].(float64) != tc.want || s.Object(r)["expires_in"] != tc.want {
			t.Errorf("%s for %s: %v to %v, expires_in %v, want %v s", tc.client, tc.audience, claims["iat"], claims["exp"], s.Object(r)["expires_in"], tc.want)
		}
	}
}

// Each audience gets its algorithm, under a key that is published before it signs and
// goes on when the default key is replaced.
func TestAlgorithmOfAudience(t *testing.T) {
	s := identitytest.New(t) // signs with ES256
	ask := holder(t, s)
	for _, a := range jose.SigningAlgorithms() {
		register(t, s, admin.NewAudience{Audience: "for-" + string(a), Algorithm: string(a)})
	}
	if n := len(jwks(t, s)); n != len(jose.SigningAlgorithms()) {
		t.Fatalf("%d keys are published, want one for each algorithm", n)
	}
	signs := func(audience string, want jose.Algorithm) (kid string) {
		t.Helper()
		header, _ := verified(t, s, ask("robot", audience))
		if header["alg"] != string(want) {
			t.Errorf("a token for %s is signed with %v, want %s", audience, header["alg"], want)
		}
		return header["kid"].(string)
	}
	for _, a := range jose.SigningAlgorithms() {
		signs("for-"+string(a), jose.ES256) // every verifier has to know the new key first
	}
	begins := lastKeyBegins(t, s)
	if published := begins.Sub(s.Clock.Now()); published <= keyring.MaxAge {
		t.Errorf("a key signs after %s, when verifiers may keep the keys from before for %s", published, keyring.MaxAge)
	}
	s.Clock.Move(begins.Sub(s.Clock.Now()) - time.Millisecond)
	signs("for-EdDSA", jose.ES256)
	s.Clock.Move(time.Millisecond)
	kids := map[string]jose.Algorithm{}
	for _, a := range jose.SigningAlgorithms() {
		kids[signs("for-"+string(a), a)] = a
	}
	if len(kids) != len(jose.SigningAlgorithms()) {
		t.Errorf("the tokens name %d keys: %v", len(kids), kids)
	}
	byDefault := signs("anything", jose.ES256)

	// The default key is replaced by one of another algorithm.
	next := s.Key(jose.EdDSA)
	r := s.Do("PATCH", "/api/configuration", object("private_key", pkcs8(next)), "Authorization", "Bearer "+s.AdminToken())
	wantStatus(t, r, 200)
	s.Clock.Move(2 * time.Second)
	if kid := signs("anything", jose.EdDSA); kid != next.Public().KID() {
		t.Errorf("the imported key does not sign: %s", kid)
	}
	if kid := signs("for-EdDSA", jose.EdDSA); kid != next.Public().KID() {
		t.Errorf("two keys of one algorithm sign")
	}
	if kid := signs("for-ES256", jose.ES256); kid == byDefault {
		t.Error("the key that was replaced still signs")
	}
	for _, a := range []jose.Algorithm{jose.RS256, jose.PS256, jose.ES384} {
		if kid := signs("for-"+string(a), a); kids[kid] != a {
			t.Errorf("%s is signed by another key than before", a)
		}
	}
}

// lastKeyBegins is when all keys sign.
func lastKeyBegins(t *testing.T, s *identitytest.Service) (begins time.Time) {
	t.Helper()
	keys, err := s.Installation.Admin.Keys(t.Context(), local)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if k.ActivatesAt.After(begins) {
			begins = k.ActivatesAt
		}
	}
	return begins
}

func pkcs8(key jose.PrivateKey) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))
}
