package token_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// RFC 8725 section 3.
func TestForgedTokens(t *testing.T) {
	d := newDesk(t, jose.ES256)
	other := d.Key(jose.ES256)
	good := d.issue()
	d.wantGood("good", good)
	segments := strings.Split(good, ".")
	kid := d.key.Public().KID()
	claims := d.claims(nil)
	hs256 := func(header map[string]any, key string) string {
		input := part(header) + "." + part(claims)
		mac := hmac.New(sha256.New, []byte(key))
		mac.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	header := func(members ...any) map[string]any {
		h := map[string]any{"alg": "ES256", "kid": kid, "typ": "at+jwt"}
		for i := 0; i < len(members); i += 2 {
			h[members[i].(string)] = members[i+1]
		}
		maps.DeleteFunc(h, func(_ string, v any) bool { return v == nil })
		return h
	}
	// under signs the claims under any header.
	under := func(h map[string]any) string { return d.resign(d.key, part(h)+"."+part(claims)) }
	d.wantGood("signed by hand", under(header()))
	d.wantGood("with the long form of the type", under(header("typ", "application/at+jwt"))) // RFC 9068 section 2.1

	edited := d.claims(map[string]any{"sub": "root"})
	for _, tc := range []struct{ name, text, reason string }{
		{"type JWT", under(header("typ", "JWT")), "its typ"},
		{"no type", under(header("typ", nil)), "its typ"},
		{"type null", under(header("typ", json.RawMessage("null"))), "header"},
		{"type of a proof of possession", under(header("typ", "dpop+jwt")), "its typ"},

		{"alg none", part(header("alg", "none")) + "." + part(claims) + ".", "must be signed"},
		{"alg none, signature kept", part(header("alg", "none")) + "." + part(claims) + "." + segments[2], "algorithm is not allowed"},
		{"alg nOnE", part(header("alg", "nOnE")) + "." + part(claims) + "." + segments[2], "algorithm is not allowed"},
		{"no alg", under(header("alg", nil)), "algorithm is not allowed"},
		{"HS256 with our public key", hs256(header("alg", "HS256"), d.key.Public().PEM()), "algorithm is not allowed"},
		{"HS256 with our JWK", hs256(header("alg", "HS256"), d.key.Public().JWK()), "algorithm is not allowed"},
		{"HS256 called ES256", hs256(header(), d.key.Public().PEM()), "signature does not verify"},
		{"an algorithm of another kind of key", under(header("alg", "RS256")), "does not fit the key"},
		{"an algorithm of another curve", under(header("alg", "ES384")), "does not fit the key"},

		{"unknown kid", under(header("kid", other.Public().KID())), "no published key"},
		{"no kid", under(header("kid", nil)), "no published key"},
		{"empty kid", under(header("kid", "")), "kid must have"},
		{"kid with SQL", under(header("kid", "' OR 1=1--")), "no published key"},
		{"kid of a path", under(header("kid", "../../etc/passwd")), "no published key"},

		{"another key under our kid", d.resign(other, part(header())+"."+part(claims)), "signature does not verify"},
		{"another key, and expired", d.resign(other, part(header())+"."+part(d.claims(map[string]any{"exp": d.Clock.Now().Unix() - 1}))), "signature does not verify"},
		{"another key, brought along", d.resign(other, part(header("jwk", json.RawMessage(other.Public().JWK())))+"."+part(claims)), "none of jwk"},
		{"another key, by its address", d.resign(other, part(header("jku", d.URL))+"."+part(claims)), "none of jwk"},
		{"an extension", under(header("crit", []string{"b64"}, "b64", true)), "none of jwk"},

		{"payload edited", segments[0] + "." + part(edited) + "." + segments[2], "signature does not verify"},
		{"header edited", part(header("typ", "application/at+jwt")) + "." + segments[1] + "." + segments[2], "signature does not verify"},
		{"signature cut", segments[0] + "." + segments[1] + "." + segments[2][:84], "signature does not verify"},
		{"signature gone", segments[0] + "." + segments[1] + ".", "must be signed"},
		{"signature of zeros", segments[0] + "." + segments[1] + "." + strings.Repeat("A", 86), "signature does not verify"},
		{"signature of another token", segments[0] + "." + segments[1] + "." + strings.Split(d.issue(), ".")[2], "signature does not verify"},

		{"nothing", "", "compact JWS"},
		{"two segments", segments[0] + "." + segments[1], "compact JWS"},
		{"four segments", good + "." + segments[2], "compact JWS"},
		{"five segments, as of a JWE", good + ".." + segments[2], "compact JWS"},
		{"padded", segments[0] + "=." + segments[1] + "." + segments[2], "compact JWS"},
		{"a line break", good + "\n", "compact JWS"},
		{"as JSON", `{"payload":"` + segments[1] + `"}`, "compact JWS"},
		{"a flood of dots", strings.Repeat(".", 15000), "compact JWS"},
		{"too long", good + strings.Repeat("A", 17000), "16 KiB"},

		{"a list under our signature", d.forge(d.key, jose.ES256, "at+jwt", []byte(`[]`)), "one JSON object"},
		{"text under our signature", d.forge(d.key, jose.ES256, "at+jwt", []byte(`hello`)), "one JSON object"},
		{"nothing under our signature", d.forge(d.key, jose.ES256, "at+jwt", []byte{}), "one JSON object"},
		{"an empty object under our signature", d.forge(d.key, jose.ES256, "at+jwt", []byte(`{}`)), "its iss"},
		{"a claim twice", d.forge(d.key, jose.ES256, "at+jwt", []byte(`{"sub":"a","sub":"b"}`)), "one JSON object"},
	} {
		d.wantRefused(tc.name, tc.text, tc.reason)
	}
}

func TestAnotherAlgorithmOfTheSameKey(t *testing.T) {
	d := newDesk(t, jose.RS256)
	d.wantGood("RS256", d.forge(d.key, jose.RS256, "at+jwt", d.claims(nil)))
	for _, a := range []jose.Algorithm{jose.PS256, jose.RS384, jose.RS512, jose.PS512} {
		reason := "does not fit the key"
		if a != jose.PS256 { // nothing of ours is ever signed under it
			reason = "algorithm is not allowed"
		}
		d.wantRefused(string(a), d.forge(d.key, a, "at+jwt", d.claims(nil)), reason)
	}
}

func TestTokensOfFormerKeys(t *testing.T) {
	d := newDesk(t, jose.ES256)
	former := d.key
	early := d.issue()
	d.key = d.Key(jose.EdDSA)
	d.update(admin.ConfigurationUpdate{PrivateKey: pemOf(d.key)})
	d.Clock.Move(2 * time.Second)
	d.wantGood("of a retired key", early)
	d.Clock.Move(time.Hour)
	d.wantRefused("of a key that has gone", d.forge(former, jose.ES256, "at+jwt", d.claims(nil)), "no published key")
	d.wantRefused("expired, of a key that has gone", early, "no published key")
	d.wantGood("of the new key", d.issue())
}

func TestTokensOfAnEarlierIssuer(t *testing.T) {
	d := newDesk(t, jose.ES256)
	early := d.issue()
	renamed := "https://new.test"
	d.update(admin.ConfigurationUpdate{Issuer: &renamed})
	d.wantRefused("of the earlier issuer", early, "its iss")
	d.wantRefused("for the earlier issuer", d.forge(d.key, jose.ES256, "at+jwt", d.claims(map[string]any{"iss": renamed})), "its aud")
	d.Issuer = renamed
	d.wantGood("of the new issuer", d.issue())
}

// RFC 8725 section 3.12: what proves a client at the token endpoint is no token.
func TestAssertionIsNoToken(t *testing.T) {
	d := newDesk(t, jose.ES256)
	key := d.Key(jose.ES256)
	d.AddClient(admin.NewClient{ID: "machine", PublicKey: key.Public().PEM()})
	assertion := d.Assertion(key, "machine")
	d.Token("some-api", map[string]string{"client_id": "machine", "signature": assertion})
	d.wantRefused("assertion", assertion, "its typ")
	typed := d.forge(key, jose.ES256, "at+jwt", d.claims(map[string]any{"sub": "machine"}))
	d.wantRefused("assertion with the type of a token", typed, "no published key")

	// Not even if a client registers the key that signs tokens.
	d.AddClient(admin.NewClient{ID: "twin", PublicKey: d.key.Public().PEM()})
	d.wantRefused("assertion of a client with our key", d.Assertion(d.key, "twin"), "its typ")
}

// A database that is away is no bad token: whoever is told so would throw a good
// one away.
func TestUnavailable(t *testing.T) {
	d := newDesk(t, jose.ES256)
	good := d.issue()
	failing, err := token.New(token.Config{
		Ring: d.Installation.Ring, Revocations: revocations(t, d.Installation), Now: d.Clock.Now,
		Configuration: func(context.Context) (identity.Configuration, error) {
			return identity.Configuration{}, identity.Errorf(identity.Unavailable, "away")
		},
	})
	d.must(err)
	if _, err := failing.Verify(t.Context(), identity.NewSecret(good)); identity.KindOf(err) != identity.Unavailable {
		t.Errorf("verifying without configuration: %v", err)
	}
	if access, err := failing.Issue(t.Context(), token.Grant{}); identity.KindOf(err) != identity.Unavailable || access.Token != "" {
		t.Errorf("issuing without configuration: %v", err)
	}

	// The configuration is in memory, the keys are not.
	known, err := d.Installation.DB.Configuration(t.Context())
	d.must(err)
	restarted := identitytest.New(t, identitytest.Options{Database: d.Database, EncryptionKey: d.EncryptionKey})
	late, err := token.New(token.Config{
		Ring: restarted.Installation.Ring, Revocations: revocations(t, restarted.Installation), Now: d.Clock.Now,
		Configuration: func(context.Context) (identity.Configuration, error) { return known, nil },
	})
	d.must(err)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := late.Verify(ctx, identity.NewSecret(good)); identity.KindOf(err) != identity.Unavailable {
		t.Errorf("verifying without keys: %v", err)
	}
}

func TestQuarantinedKey(t *testing.T) {
	d := newDesk(t, jose.ES256)
	good := d.issue()
	d.Change("signing_keys", "", `UPDATE signing_keys SET private_data_key = '' WHERE superseded_at = 0`)
	if access, err := d.issuer.Issue(t.Context(), token.Grant{}); identity.KindOf(err) != identity.Unavailable || access.Token != "" {
		t.Errorf("issuing with the key quarantined: %v", err)
	}
	d.wantGood("with the private half damaged", good)
}
