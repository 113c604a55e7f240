package token_test

import (
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// desk is an issuer on a real installation, together with the private key with
// which it signs: what an attacker would give a lot for.
type desk struct {
	*identitytest.Service
	*testing.T
	issuer *token.Issuer
	key    jose.PrivateKey
}

func newDesk(t *testing.T, algorithm jose.Algorithm) *desk {
	t.Helper()
	d := &desk{Service: identitytest.New(t), T: t}
	var err error
	d.issuer, err = token.New(token.Config{
		Ring: d.Installation.Ring, Revocations: revocations(t, d.Installation), Configuration: d.Installation.DB.Configuration, Now: d.Clock.Now,
	})
	d.must(err)
	d.key = d.Key(algorithm)
	d.update(admin.ConfigurationUpdate{PrivateKey: pemOf(d.key)})
	d.Clock.Move(2 * time.Second)
	return d
}

// revocations are those of an installation.
func revocations(t testing.TB, in *server.Installation) *token.Revocations {
	t.Helper()
	r, err := token.NewRevocations(in.DB, in.Follower, in.Ring, in.DB.Configuration)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pemOf(key jose.PrivateKey) *identity.Secret {
	s := identity.NewSecret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()})))
	return &s
}

func (d *desk) update(u admin.ConfigurationUpdate) {
	d.Helper()
	_, err := d.Installation.Admin.UpdateConfiguration(d.Context(), identity.LocalAdministrator("test"), u, nil)
	d.must(err)
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// issue issues a token for the service itself.
func (d *desk) issue() string {
	d.Helper()
	access, err := d.issuer.Issue(d.Context(), token.Grant{
		Principal: identity.Principal{ID: "somebody", Permissions: []string{"identity:admin"}}, Audience: token.Audience{d.Issuer}, Permissions: []string{"identity:admin"},
	})
	d.must(err)
	return access.Token
}

func (d *desk) verify(text string) (token.Claims, error) {
	return d.issuer.Verify(d.Context(), identity.NewSecret(text))
}

func (d *desk) wantGood(name, text string) {
	d.Helper()
	if _, err := d.verify(text); err != nil {
		d.Errorf("%s: %v", name, err)
	}
}

// wantRefused expects an InvalidToken whose reason is for the log only, and is
// the one given: an attack that fails for another reason shows nothing.
func (d *desk) wantRefused(name, text, reason string) {
	d.Helper()
	claims, err := d.verify(text)
	if err == nil || identity.KindOf(err) != identity.InvalidToken {
		d.Errorf("%s: got error %v, claims of %q", name, err, claims.Subject)
		return
	}
	message := err.(*identity.Error).Message
	if message != "The token is not valid." {
		d.Errorf("%s: the caller is told %q", name, message)
	}
	if inner := err.(*identity.Error).Err; inner == nil || !strings.Contains(inner.Error(), reason) {
		d.Errorf("%s: refused because %q, want %q", name, err, reason)
	}
}

// claims are those of a good token, with changes; nil takes one away.
func (d *desk) claims(changes map[string]any) map[string]any {
	now := d.Clock.Now().Unix()
	claims := map[string]any{
		"iss": d.Issuer, "sub": "somebody", "aud": d.Issuer, "iat": now, "exp": now + 900, "jti": "a-jti",
		"client_id": "somebody", "gty": token.GrantClient, "permissions": []string{"identity:admin"},
	}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	return claims
}

// forge signs claims with the service's own key under a header of any kind.
func (d *desk) forge(key jose.PrivateKey, algorithm jose.Algorithm, typ string, claims any) string {
	d.Helper()
	signer, err := jose.NewSigner(key, algorithm, typ)
	d.must(err)
	payload, ok := claims.([]byte)
	if !ok {
		payload, err = json.Marshal(claims)
		d.must(err)
	}
	text, err := signer.Sign(payload)
	d.must(err)
	return text
}

// part encodes a segment of a compact JWS.
func part(v any) string {
	if text, ok := v.(string); ok {
		return base64.RawURLEncoding.EncodeToString([]byte(text))
	}
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// resign signs the first two segments by hand: with no check of the header.
func (d *desk) resign(key jose.PrivateKey, input string) string {
	d.Helper()
	private, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	d.must(err)
	digest := sha256.Sum256([]byte(input))
	r, s, err := ecdsa.Sign(rand.Reader, private.(*ecdsa.PrivateKey), digest[:])
	d.must(err)
	signature := make([]byte, 64) // RFC 7518 section 3.4
	r.FillBytes(signature[:32])
	s.FillBytes(signature[32:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestIssuedClaims(t *testing.T) {
	d := newDesk(t, jose.ES256)
	now := d.Clock.Now()
	lifetime := 1234 * time.Second
	d.update(admin.ConfigurationUpdate{Expiration: &lifetime})
	for name, tc := range map[string]struct {
		principal identity.Principal
		want      map[string]any
	}{
		"machine": {
			identity.Principal{ID: "machine", Permissions: []string{"b", "a", "b"}, Audiences: []string{"*"}, AuthTime: now, AMR: []string{"pwd"}},
			map[string]any{"sub": "machine", "client_id": "machine", "gty": "client-credentials", "permissions": []any{"a", "b"}},
		},
		"machine without permissions": {
			identity.Principal{ID: "m"},
			map[string]any{"sub": "m", "client_id": "m", "gty": "client-credentials", "permissions": []any{}},
		},
		"user": {
			identity.Principal{ID: "user-id", User: true, Permissions: []string{"a"}, AuthTime: now.Add(-time.Minute), AMR: []string{"pwd"}},
			map[string]any{
				"sub": "user-id", "client_id": "identity", "gty": "user-credentials", "permissions": []any{"a"},
				"auth_time": float64(now.Unix() - 60), "amr": []any{"pwd"},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			seen := map[any]bool{}
			for range 3 {
				access, err := d.issuer.Issue(t.Context(), token.Grant{Principal: tc.principal, Audience: token.Audience{"some-api"}, Permissions: tc.principal.Permissions})
				d.must(err)
				m, err := jose.Parse(access.Token, jose.SigningAlgorithms())
				d.must(err)
				if m.Type() != "at+jwt" || m.KID() != d.key.Public().KID() || m.Algorithm() != jose.ES256 {
					t.Errorf("header: typ %q, kid %q, alg %q", m.Type(), m.KID(), m.Algorithm())
				}
				payload, err := m.Verify(d.key.Public())
				d.must(err)
				var got map[string]any
				d.must(json.Unmarshal(payload, &got))
				if got["jti"] != access.ID || access.ID == "" || seen[access.ID] || !access.Audience.Is("some-api") || access.Lifetime != lifetime {
					t.Errorf("jti %v, answer %+v", got["jti"], access)
				}
				seen[access.ID] = true
				want := map[string]any{
					"iss": d.Issuer, "aud": "some-api", "iat": float64(now.Unix()), "exp": float64(now.Unix() + 1234), "jti": access.ID,
				}
				maps.Copy(want, tc.want)
				if a, b := part(got), part(want); a != b {
					t.Errorf("claims\n%v, want\n%v", got, want)
				}
			}
		})
	}
}

func TestVerifyClaims(t *testing.T) {
	d := newDesk(t, jose.ES256)
	now := d.Clock.Now().Unix()
	const ok = ""
	for _, tc := range []struct {
		name    string
		changes map[string]any
		reason  string
	}{
		{"good", nil, ok},
		{"a claim that nobody knows", map[string]any{"nonce": "x"}, ok},
		{"another issuer", map[string]any{"iss": "https://evil.test"}, "its iss"},
		{"issuer with a slash", map[string]any{"iss": d.Issuer + "/"}, "its iss"},
		{"issuer in capitals", map[string]any{"iss": strings.ToUpper(d.Issuer)}, "its iss"},
		{"no issuer", map[string]any{"iss": nil}, "its iss"},
		{"another audience", map[string]any{"aud": "some-api"}, "its aud"},
		{"no audience", map[string]any{"aud": nil}, "its aud"},
		{"our audience among others", map[string]any{"aud": []string{d.Issuer, "some-api"}}, "its aud"},
		{"our audience in a list", map[string]any{"aud": []string{d.Issuer}}, ok},
		{"audience of another kind", map[string]any{"aud": 7}, "wrong type"},
		{"an empty list", map[string]any{"aud": []string{}}, "its aud"},
		{"our audience twice", map[string]any{"aud": []string{d.Issuer, d.Issuer}}, "its aud"},
		{"a list with null", map[string]any{"aud": []any{d.Issuer, nil}}, "wrong type"},
		{"any audience", map[string]any{"aud": "*"}, "its aud"},
		{"no subject", map[string]any{"sub": nil}, "it lacks sub"},
		{"empty subject", map[string]any{"sub": ""}, "it lacks sub"},
		{"no jti", map[string]any{"jti": nil}, "it lacks sub"},
		{"no client_id", map[string]any{"client_id": nil}, "it lacks sub"},
		{"no exp", map[string]any{"exp": nil}, "it lacks exp"},
		{"exp zero", map[string]any{"exp": 0}, "it lacks exp"},
		{"exp null", map[string]any{"exp": json.RawMessage("null")}, "it lacks exp"},
		{"exp of text", map[string]any{"exp": "9999999999"}, "wrong type"},
		{"exp with a fraction", map[string]any{"exp": float64(now) + 100.5}, "wrong type"},
		{"exp beyond 64 bits", map[string]any{"exp": json.RawMessage("99999999999999999999")}, "wrong type"},
		{"exp negative", map[string]any{"exp": -1}, "has expired"},
		{"exp a second ahead", map[string]any{"exp": now + 1}, ok},
		{"exp now", map[string]any{"exp": now}, "has expired"},
		{"exp past", map[string]any{"exp": now - 1}, "has expired"},
		{"no iat", map[string]any{"iat": nil}, "it lacks exp"},
		{"iat within the skew of another node", map[string]any{"iat": now + 60}, ok},
		{"iat in the future", map[string]any{"iat": now + 61}, "iat is in the future"},
		{"permissions of text", map[string]any{"permissions": "identity:admin"}, "wrong type"},
		{"a list of lists of permissions", map[string]any{"permissions": []any{[]string{"identity:admin"}}}, "wrong type"},
	} {
		text := d.forge(d.key, jose.ES256, "at+jwt", d.claims(tc.changes))
		if tc.reason == ok {
			d.wantGood(tc.name, text)
		} else {
			d.wantRefused(tc.name, text, tc.reason)
		}
	}
}

func TestExpiresExactlyAtExp(t *testing.T) {
	d := newDesk(t, jose.ES256)
	text := d.issue()
	d.Clock.Move(d.Clock.Now().Truncate(time.Second).Add(899 * time.Second).Sub(d.Clock.Now()))
	d.wantGood("in the last second", text)
	d.Clock.Move(time.Second - time.Millisecond)
	d.wantGood("in the last millisecond", text)
	d.Clock.Move(time.Millisecond)
	d.wantRefused("at exp", text, "has expired")
}
