package bearer_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/bearer"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

const password = "a long enough password"

// kit is a service, and a Checker on its installation as a node beside it would have one.
type kit struct {
	t *testing.T
	*identitytest.Service
	checker *bearer.Checker
	user    identity.User
}

func newKit(t *testing.T) *kit {
	t.Helper()
	s := identitytest.New(t)
	k := &kit{t: t, Service: s, user: s.AddUser("ann", password, "identity:users:read", "orders:read")}
	in := s.Installation
	issuer, sessions, revocations, authenticator := k.parts()
	var err error
	if k.checker, err = bearer.New(issuer, sessions, revocations, authenticator); err != nil {
		t.Fatal(err)
	}
	if err := in.Follower.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

// parts are what a Checker is made of.
func (k *kit) parts() (*token.Issuer, *token.Sessions, *token.Revocations, *authn.Authenticator) {
	k.t.Helper()
	in := k.Installation
	configuration := func(ctx context.Context) (identity.Configuration, error) { return in.DB.Configuration(ctx) }
	check := func(err error) {
		k.t.Helper()
		if err != nil {
			k.t.Fatal(err)
		}
	}
	authenticator, err := authn.New(authn.Config{DB: in.DB, Follower: in.Follower, Pool: in.Pool, Configuration: configuration, Logger: k.Logger, ClientKeys: in.ClientKeys})
	check(err)
	revocations, err := token.NewRevocations(in.DB, in.Follower, in.Ring, configuration)
	check(err)
	issuer, err := token.New(token.Config{Ring: in.Ring, Revocations: revocations, Configuration: configuration, Now: in.DB.Now})
	check(err)
	sessions, err := token.NewSessions(in.DB, in.Follower, issuer)
	check(err)
	return issuer, sessions, revocations, authenticator
}

// claims are those of a token, which is not verified.
func (k *kit) claims(compact string) (header, claims map[string]any) {
	k.t.Helper()
	for i, into := range []*map[string]any{&header, &claims} {
		text, err := base64.RawURLEncoding.DecodeString(strings.Split(compact, ".")[i])
		if err == nil {
			err = json.Unmarshal(text, into)
		}
		if err != nil {
			k.t.Fatal(err)
		}
	}
	return header, claims
}

// changed is a token of our own key with other claims.
func (k *kit) changed(compact string, changes map[string]any) string {
	k.t.Helper()
	_, claims := k.claims(compact)
	maps.Copy(claims, changes)
	payload, err := json.Marshal(claims)
	if err != nil {
		k.t.Fatal(err)
	}
	signed, err := k.Installation.Ring.Sign(k.t.Context(), "", payload)
	if err != nil {
		k.t.Fatal(err)
	}
	return signed
}

// want checks a token in both ways: what the two must say, where OK is no error.
func (k *kit) want(what, compact string, here, anywhere identity.Kind) {
	k.t.Helper()
	for name, c := range map[string]struct {
		check func(context.Context, identity.Secret) (token.Claims, error)
		want  identity.Kind
	}{"Here": {k.checker.Here, here}, "Anywhere": {k.checker.Anywhere, anywhere}} {
		claims, err := c.check(k.t.Context(), identity.NewSecret(compact))
		if (err == nil) != (c.want == good) || err != nil && identity.KindOf(err) != c.want {
			k.t.Errorf("%s, %s: %v", what, name, err)
		}
		if err != nil && (claims.Subject != "" || len(claims.Permissions) > 0) {
			k.t.Errorf("%s, %s: it is refused, and has the claims %+v", what, name, claims)
		}
	}
}

// good stands for no error.
const good = identity.Kind(-1)

func (k *kit) wantGood(what, compact string) { k.t.Helper(); k.want(what, compact, good, good) }
func (k *kit) wantInvalid(what, compact string) {
	k.t.Helper()
	k.want(what, compact, identity.InvalidToken, identity.InvalidToken)
}

func TestNewNeedsAll(t *testing.T) {
	k := newKit(t)
	issuer, sessions, revocations, authenticator := k.parts()
	for name, err := range map[string]error{
		"issuer":        second(bearer.New(nil, sessions, revocations, authenticator)),
		"sessions":      second(bearer.New(issuer, nil, revocations, authenticator)),
		"revocations":   second(bearer.New(issuer, sessions, nil, authenticator)),
		"authenticator": second(bearer.New(issuer, sessions, revocations, nil)),
	} {
		if err == nil {
			t.Errorf("without %s there is a Checker", name)
		}
	}
}

func second(_ *bearer.Checker, err error) error { return err }

// A token for whichever audience is good where any may come, and here only one for here.
func TestAudience(t *testing.T) {
	k := newKit(t)
	k.wantGood("for this service", k.Login("ann", password, ""))
	k.want("for another", k.Login("ann", password, "orders"), identity.InvalidToken, good)
	claims, err := k.checker.Anywhere(t.Context(), identity.NewSecret(k.Login("ann", password, "orders")))
	if err != nil || claims.Subject != k.user.ID || claims.Audience.String() != "orders" || claims.KeyID == "" || !slices.Contains(claims.Permissions, "orders:read") {
		t.Errorf("%+v, %v", claims, err)
	}
}

func TestWhatIsNoTokenOfOurs(t *testing.T) {
	k := newKit(t)
	ours := k.Login("ann", password, "")
	k.wantGood("the one that is changed", k.changed(ours, nil))
	parts := strings.Split(ours, ".")
	_, claims := k.claims(ours)
	stranger, err := jose.NewSigner(k.Key(jose.ES256), jose.ES256, "at+jwt")
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	foreign, err := stranger.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	list, err := k.Installation.Ring.SignAs(t.Context(), token.RevocationListType, payload)
	if err != nil {
		t.Fatal(err)
	}
	now := k.Clock.Now().Unix()
	for name, compact := range map[string]string{
		"nothing":                      "",
		"nonsense":                     "x",
		"an unknown kid":               foreign,
		"our kid, another's signature": parts[0] + "." + parts[1] + "." + strings.Split(foreign, ".")[2],
		"without signature":            parts[0] + "." + parts[1] + ".",
		"another type":                 list,
		"another issuer":               k.changed(ours, map[string]any{"iss": "https://other.test"}),
		"no issuer":                    k.changed(ours, map[string]any{"iss": ""}),
		"an expired one":               k.changed(ours, map[string]any{"iat": now - 901, "exp": now - 1}),
		"of a subject that is not":     k.changed(ours, map[string]any{"sub": "nobody"}),
		"of a session that is not":     k.changed(ours, map[string]any{"sid": "nobody"}),
	} {
		k.wantInvalid(name, compact)
	}
	k.Clock.Move(901 * time.Second)
	k.wantInvalid("the same, later", ours)
}

// Each kind of revocation takes in the token that it names, and no other.
func TestRevoked(t *testing.T) {
	for _, kind := range identity.RevocationKinds() {
		t.Run(string(kind), func(t *testing.T) {
			k := newKit(t)
			bystander := k.AddUser("bob", password)
			revoked, other := k.Login("ann", password, ""), k.Login("bob", password, "")
			header, claims := k.claims(revoked)
			value := map[identity.RevocationKind]any{
				identity.RevokedToken: claims["jti"], identity.RevokedSession: claims["sid"], identity.RevokedPrincipal: claims["sub"], identity.RevokedKey: header["kid"], identity.RevokedAll: "",
			}[kind].(string)
			k.wantGood("before", revoked)
			if err := k.Installation.DB.Change(t.Context(), func(tx *store.DB) error { return tx.RevokeIssued(t.Context(), kind, value) }); err != nil {
				t.Fatal(err)
			}
			k.wantInvalid("the revoked one", revoked)
			if kind == identity.RevokedKey || kind == identity.RevokedAll {
				k.wantInvalid("another one", other)
				return
			}
			claimsOf, err := k.checker.Here(t.Context(), identity.NewSecret(other))
			if err != nil || claimsOf.Subject != bystander.ID {
				t.Errorf("another user's token: %+v, %v", claimsOf, err)
			}
		})
	}
}

// What became of the subject since counts, for users and for clients.
func TestSubjectSince(t *testing.T) {
	k := newKit(t)
	session := k.Session("ann", password, "")
	ann := k.Login("ann", password, "")
	k.Change("user", k.user.ID, `UPDATE users SET permissions = '["orders:read"]' WHERE id = ?`, k.user.ID)
	claims, err := k.checker.Here(t.Context(), identity.NewSecret(ann))
	if err != nil || !slices.Equal(claims.Permissions, []string{"orders:read"}) {
		t.Errorf("after a permission was taken away: %q, %v", claims.Permissions, err)
	}
	k.Change("user", k.user.ID, `UPDATE users SET permissions = '["orders:read","orders:write"]' WHERE id = ?`, k.user.ID)
	if claims, err = k.checker.Here(t.Context(), identity.NewSecret(ann)); err != nil || slices.Contains(claims.Permissions, "orders:write") {
		t.Errorf("a permission that was given later is in a former token: %q, %v", claims.Permissions, err)
	}
	ofSession := k.Object(k.Post("/auth/refresh", map[string]string{"refresh_token": session}))
	access, _ := ofSession["token"].(string)
	next, _ := ofSession["refresh_token"].(string)
	k.wantGood("of a session", access)
	if r := k.Post("/auth/logout", map[string]string{"refresh_token": next}); r.Status != 204 {
		t.Fatalf("status %d", r.Status)
	}
	k.wantInvalid("of a session that is over", access)
	k.wantGood("of another session", ann)
	k.DisableUser(k.user.ID)
	k.wantInvalid("of a user who is disabled", ann)
}

// A database that is away makes no token good, and none bad either: nobody can say.
func TestDatabaseAway(t *testing.T) {
	k := newKit(t)
	ann := k.Login("ann", password, "")
	k.wantGood("before", ann)
	if err := k.Installation.DB.Close(); err != nil {
		t.Fatal(err)
	}
	k.want("without a database", ann, identity.Unavailable, identity.Unavailable)
}
