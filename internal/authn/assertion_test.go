package authn_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

type claims = map[string]any

// number is a JSON number as it is written.
type number = json.RawMessage

// The claims of an assertion, RFC 7523 section 3. Every row is a change to claims
// that are good.
func TestAssertionClaims(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	const id = "client"
	b.keyClient(id, key.Public().PEM())
	b.keyClient("other", key.Public().PEM()) // the same key: only the claims tell them apart
	in := func(d time.Duration) int64 { return b.Clock.Now().Add(d).Unix() }
	const (
		name     = "iss and sub"
		audience = "aud must"
		unread   = "cannot be read"
		ok       = ""
		s        = time.Second
	)
	for _, c := range []struct {
		name   string
		change claims
		reason string
	}{
		{"good", nil, ok},
		{"members of its own", claims{"scope": "x", "nested": claims{"a": []int{1}}}, ok},

		{"iss missing", claims{"iss": nil}, name},
		{"iss null", claims{"iss": number("null")}, name},
		{"iss empty", claims{"iss": ""}, name},
		{"iss another", claims{"iss": "other"}, name},
		{"iss is us", claims{"iss": b.Issuer}, name},
		{"iss in other case", claims{"iss": "Client"}, name},
		{"iss number", claims{"iss": 1}, unread},
		{"iss list", claims{"iss": []string{id}}, unread},
		{"sub missing", claims{"sub": nil}, name},
		{"sub another", claims{"sub": "other"}, name},
		{"sub empty", claims{"sub": ""}, name},
		{"iss and sub another", claims{"iss": "other", "sub": "other"}, name},
		{"iss under another case", claims{"iss": nil, "ISS": id}, name},

		{"aud list of the issuer", claims{"aud": []string{b.Issuer}}, ok},
		{"aud missing", claims{"aud": nil}, audience},
		{"aud null", claims{"aud": number("null")}, audience},
		{"aud empty", claims{"aud": ""}, audience},
		{"aud another", claims{"aud": "https://other.test"}, audience},
		{"aud the endpoint", claims{"aud": b.Issuer + "/auth/token"}, audience},
		{"aud with a slash", claims{"aud": b.Issuer + "/"}, audience},
		{"aud in other case", claims{"aud": strings.ToUpper(b.Issuer)}, audience},
		{"aud empty list", claims{"aud": []string{}}, audience},
		{"aud two", claims{"aud": []string{b.Issuer, "https://other.test"}}, audience},
		{"aud two, issuer last", claims{"aud": []string{"https://other.test", b.Issuer}}, audience},
		{"aud the issuer twice", claims{"aud": []string{b.Issuer, b.Issuer}}, audience},
		{"aud list of another", claims{"aud": []string{"https://other.test"}}, audience},
		{"aud list of null", claims{"aud": []any{nil}}, audience},
		{"aud list in a list", claims{"aud": [][]string{{b.Issuer}}}, audience},
		{"aud number", claims{"aud": 1}, audience},
		{"aud object", claims{"aud": claims{b.Issuer: 1}}, audience},

		{"exp missing", claims{"exp": nil}, "exp is missing"},
		{"exp null", claims{"exp": number("null")}, "exp is missing"},
		{"exp past", claims{"exp": in(-time.Hour)}, "exp is past"},
		{"exp at the end of the skew", claims{"exp": in(-60 * s)}, "exp is past"},
		{"exp within the skew", claims{"exp": in(-59 * s)}, ok},
		{"exp at the limit", claims{"exp": in(300 * s)}, ok},
		{"exp at the limit and the skew", claims{"exp": in(360 * s)}, ok},
		{"exp beyond", claims{"exp": in(361 * s)}, "exp is too far"},
		{"exp in a year", claims{"exp": in(365 * 24 * time.Hour)}, "exp is too far"},
		{"exp in milliseconds", claims{"exp": in(60*s) * 1000}, "exp is too far"},
		{"exp zero", claims{"exp": 0}, "exp is past"},
		{"exp negative", claims{"exp": -1}, "exp is past"},
		{"exp with a fraction", claims{"exp": number(fmt.Sprintf("%d.5", in(60*s)))}, ok},
		{"exp with an exponent", claims{"exp": number(fmt.Sprintf("%de0", in(60*s)))}, ok},
		{"exp huge", claims{"exp": number("1e308")}, "exp is too far"},
		{"exp hugely past", claims{"exp": number("-1e308")}, "exp is past"},
		{"exp of 64 bits and one", claims{"exp": number("9223372036854775808")}, "exp is too far"},
		{"exp wraps to now", claims{"exp": number(new(big.Int).Add(new(big.Int).Lsh(big.NewInt(1), 64), big.NewInt(in(60*s))).String())}, "exp is too far"},
		{"exp beyond any number", claims{"exp": number("1e400")}, unread},
		{"exp string", claims{"exp": fmt.Sprint(in(60 * s))}, unread},
		{"exp true", claims{"exp": true}, unread},
		{"exp list", claims{"exp": []int64{in(60 * s)}}, unread},

		{"iat missing", claims{"iat": nil}, ok},
		{"iat long ago", claims{"iat": 0}, ok},
		{"iat hugely past", claims{"iat": number("-1e308")}, ok},
		{"iat within the skew", claims{"iat": in(60 * s)}, ok},
		{"iat in the future", claims{"iat": in(61 * s)}, "iat is in the future"},
		{"iat huge", claims{"iat": number("1e308")}, "iat is in the future"},
		{"iat string", claims{"iat": "now"}, unread},
		{"nbf past", claims{"nbf": in(-time.Hour)}, ok},
		{"nbf within the skew", claims{"nbf": in(60 * s)}, ok},
		{"nbf in the future", claims{"nbf": in(61 * s)}, "nbf is in the future"},
		{"nbf huge", claims{"nbf": number("1e308")}, "nbf is in the future"},
		{"nbf string", claims{"nbf": "1"}, unread},

		{"jti missing", claims{"jti": nil}, "jti"},
		{"jti null", claims{"jti": number("null")}, "jti"},
		{"jti empty", claims{"jti": ""}, "jti"},
		{"jti number", claims{"jti": 1}, unread},
		{"jti of 256 characters", claims{"jti": strings.Repeat("j", 256)}, ok},
		{"jti of 256 characters, 512 bytes", claims{"jti": strings.Repeat("é", 256)}, ok},
		{"jti of 257 characters", claims{"jti": strings.Repeat("j", 257)}, "jti"},
		{"jti of 257 characters, 514 bytes", claims{"jti": strings.Repeat("é", 257)}, "jti"},
		{"jti with U+0000", claims{"jti": "a\x00b"}, unread},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := b.present(id, nil, ptr(b.Assertion(key, id, c.change)))
			if c.reason == ok {
				accepted(t, err)
			} else {
				refused(t, err, c.reason)
			}
		})
	}
}

// Payloads that are no claims.
func TestAssertionPayload(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	b.keyClient("client", key.Public().PEM())
	good := b.claims("client", nil)
	for name, payload := range map[string]string{
		"empty":               "",
		"list":                "[" + good + "]",
		"string":              `"x"`,
		"null":                "null",
		"two objects":         good + good,
		"text behind":         good + "x",
		"a member twice":      strings.Replace(good, "{", `{"iss":"other",`, 1),
		"a member twice, aud": strings.Replace(good, "{", `{"aud":"https://other.test",`, 1),
		"invalid UTF-8":       strings.Replace(good, "{", "{\"x\":\"\xff\",", 1),
		"half a surrogate":    strings.Replace(good, "{", `{"x":"\ud800",`, 1),
		"byte order mark":     "\ufeff" + good,
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, b.present("client", nil, ptr(forge(t, key, `{"alg":"ES256"}`, payload))), "cannot be read")
		})
	}
	accepted(t, b.present("client", nil, ptr(forge(t, key, `{"alg":"ES256"}`, good))))
}

// The header, RFC 7515 section 4 and RFC 8725. The signature of every row is true.
func TestAssertionHeader(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	own := key.Public()
	b.keyClient("client", own.PEM())
	const (
		ok   = ""
		form = "neither of the two forms"
		typ  = "typ of another kind"
		sig  = "not signed by a key"
	)
	for _, c := range []struct{ name, header, reason string }{
		{"alg only", `{"alg":"ES256"}`, ok},
		{"typ JWT", `{"alg":"ES256","typ":"JWT"}`, ok},
		{"typ jwt", `{"alg":"ES256","typ":"jwt"}`, ok},
		{"typ application/jwt", `{"alg":"ES256","typ":"application/jwt"}`, ok},
		{"typ of its own", `{"alg":"ES256","typ":"client-authentication+jwt"}`, ok},
		{"own kid", `{"alg":"ES256","kid":"` + own.KID() + `"}`, ok},
		{"unknown member", `{"alg":"ES256","x":{"y":1}}`, ok},

		{"typ of an access token", `{"alg":"ES256","typ":"at+jwt"}`, typ},
		{"typ of an access token, long", `{"alg":"ES256","typ":"application/at+jwt"}`, typ},
		{"typ of an access token, case", `{"alg":"ES256","typ":"AT+JWT"}`, typ},
		{"typ of a proof", `{"alg":"ES256","typ":"dpop+jwt"}`, typ},
		{"typ anything", `{"alg":"ES256","typ":"x"}`, typ},
		{"typ number", `{"alg":"ES256","typ":1}`, form},

		{"alg missing", `{}`, form},
		{"alg null", `{"alg":null}`, form},
		{"alg list", `{"alg":["ES256"]}`, form},
		{"alg in other case", `{"alg":"es256"}`, form},
		{"alg none", `{"alg":"none"}`, form},
		{"alg nOnE", `{"alg":"nOnE"}`, form},
		{"alg HS256", `{"alg":"HS256"}`, form},
		{"alg of encryption", `{"alg":"PBES2-HS256+A128KW","p2c":2147483648}`, form},
		{"alg twice", `{"alg":"ES256","alg":"none"}`, form},
		{"alg of another kind of key", `{"alg":"RS256"}`, sig},
		{"alg of another curve", `{"alg":"ES384"}`, sig},
		{"alg EdDSA", `{"alg":"EdDSA"}`, sig},

		{"jwk", `{"alg":"ES256","jwk":` + own.JWK() + `}`, form},
		{"jwk null", `{"alg":"ES256","jwk":null}`, form},
		{"jku", `{"alg":"ES256","jku":"https://evil.test/keys"}`, form},
		{"x5u", `{"alg":"ES256","x5u":"https://evil.test/cert"}`, form},
		{"x5c", `{"alg":"ES256","x5c":["AA=="]}`, form},
		{"crit", `{"alg":"ES256","crit":["exp"],"exp":1}`, form},
		{"crit empty", `{"alg":"ES256","crit":[]}`, form},
		{"b64", `{"alg":"ES256","b64":false}`, form},
		{"zip", `{"alg":"ES256","zip":"DEF"}`, form},
		{"enc", `{"alg":"ES256","enc":"A128GCM"}`, form},

		{"kid empty", `{"alg":"ES256","kid":""}`, form},
		{"kid null", `{"alg":"ES256","kid":null}`, form},
		{"kid number", `{"alg":"ES256","kid":1}`, form},
		{"kid unknown", `{"alg":"ES256","kid":"x"}`, sig},
		{"kid path", `{"alg":"ES256","kid":"../../etc/passwd"}`, sig},
		{"kid SQL", `{"alg":"ES256","kid":"' OR 1=1--"}`, sig},
		{"kid in other case", `{"alg":"ES256","kid":"` + strings.ToUpper(own.KID()) + `"}`, sig},
		{"kid huge", `{"alg":"ES256","kid":"` + strings.Repeat("k", 10_000) + `"}`, form},

		{"no object", `[]`, form},
		{"empty", ``, form},
		{"two objects", `{"alg":"ES256"}{}`, form},
		{"members in other case", `{"ALG":"ES256"}`, form},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := b.present("client", nil, ptr(forge(t, key, c.header, b.claims("client", nil))))
			if c.reason == ok {
				accepted(t, err)
			} else {
				refused(t, err, c.reason)
			}
		})
	}
}

// What is signed by nobody, or with what is no private key.
func TestAssertionSignature(t *testing.T) {
	b := newBench(t)
	_, key := original(t)
	public := key.Public()
	const id = "client"
	_, secret := b.AddClient(newBoth(id, public.PEM()))
	good := b.Assertion(key, id)
	first, rest, _ := strings.Cut(good, ".")
	payload, signature, _ := strings.Cut(rest, ".")
	unsigned := func(alg string) string {
		return b64(`{"alg":"`+alg+`"}`) + "." + b64(b.claims(id, nil)) + "."
	}
	mac := func(with string) string {
		input := b64(`{"alg":"HS256"}`) + "." + b64(b.claims(id, nil))
		h := hmac.New(sha256.New, []byte(with))
		h.Write([]byte(input))
		return input + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	spki, err := x509.MarshalPKIXPublicKey(public.Key())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"none":                     unsigned("none"),
		"nOnE":                     unsigned("nOnE"),
		"none, signed":             unsigned("none") + signature,
		"RS256, empty":             unsigned("RS256"),
		"RS256, of another":        unsigned("RS256") + signature,
		"HS256 with our PEM":       mac(public.PEM()),
		"HS256 with trimmed PEM":   mac(strings.TrimSpace(public.PEM())),
		"HS256 with our DER":       mac(string(spki)),
		"HS256 with our JWK":       mac(public.JWK()),
		"HS256 with the secret":    mac(secret),
		"HS256 with nothing":       mac(""),
		"HS256 with our kid":       mac(public.KID()),
		"payload changed":          first + "." + b64(b.claims(id, nil)) + "." + signature,
		"payload changed, expired": first + "." + b64(b.claims(id, claims{"exp": 1})) + "." + signature,
		"header changed":           b64(`{"alg":"RS256"}`) + "." + payload + "." + signature,
		"signature cut off":        good[:len(good)-4],
		"signature of zeros":       first + "." + payload + "." + b64(string(make([]byte, 256))),
		"padded":                   good + "==",
		"space before":             " " + good,
		"line break behind":        good + "\n",
		"two segments":             first + "." + payload,
		"four segments":            good + "." + signature,
		"five segments":            b64(`{"alg":"PBES2-HS256+A128KW","enc":"A128GCM","p2c":2147483648}`) + ".a.b.c.d",
		"JSON serialisation":       `{"protected":"` + first + `","payload":"` + payload + `","signature":"` + signature + `"}`,
		"dots":                     strings.Repeat(".", 60_000),
		"two dots":                 "..",
		"huge":                     first + "." + strings.Repeat("A", 50_000) + "." + signature,
		"another key":              b.Assertion(b.Key(jose.ES256), id),
		"signed for RSA, says PS":  b64(`{"alg":"PS256"}`) + "." + payload + "." + signature,
		"the token of this client": b.Token("x", map[string]string{"client_id": id, "client_secret": secret, "signature": b.Assertion(key, id)}),
	} {
		t.Run(name, func(t *testing.T) { refused(t, b.present(id, &secret, &text), "") })
	}
	accepted(t, b.present(id, &secret, &good))
}

// Every algorithm of the list with the keys that it fits, and with no others.
func TestAssertionAlgorithms(t *testing.T) {
	b := newBench(t)
	_, rsaKey := original(t)
	bound, err := rsaKey.Public().Bind(jose.PS256)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]jose.PrivateKey{
		"rsa": rsaKey, "bound": rsaKey, "p256": b.Key(jose.ES256), "p384": b.Key(jose.ES384), "ed25519": b.Key(jose.EdDSA),
	}
	fits := map[string]string{
		"rsa": "RS256 RS384 RS512 PS256 PS384 PS512", "bound": "PS256", "p256": "ES256", "p384": "ES384", "ed25519": "EdDSA",
	}
	for id, key := range keys {
		if id == "bound" {
			b.keyClient(id, bound.JWK())
		} else {
			b.keyClient(id, key.Public().PEM())
		}
	}
	for id := range keys {
		for _, signer := range keys { // whoever signs, for whoever
			for _, alg := range signer.Algorithms() {
				s, err := jose.NewSigner(signer, alg, "")
				if err != nil {
					t.Fatal(err)
				}
				text, err := s.Sign([]byte(b.claims(id, nil)))
				if err != nil {
					t.Fatal(err)
				}
				want := signer.Public().Equal(keys[id].Public()) && strings.Contains(fits[id], string(alg))
				if err := b.present(id, nil, &text); (err == nil) != want {
					t.Errorf("%s to a client with %s: %v", alg, id, err)
				}
			}
		}
	}
}

// claims returns good claims of a client, with changes, as JSON.
func (b *bench) claims(id string, change claims) string {
	now := b.Clock.Now().Unix()
	c := claims{"iss": id, "sub": id, "aud": identitytest.Issuer, "exp": now + 60, "iat": now, "jti": rand.Text()}
	maps.Copy(c, change)
	text, err := json.Marshal(c)
	if err != nil {
		b.t.Fatal(err)
	}
	return string(text)
}

// forge signs any header and payload with SHA-256, or Ed25519: the signature is
// true, so what is refused is refused for what it says.
func forge(t *testing.T, key jose.PrivateKey, header, payload string) string {
	t.Helper()
	private, err := x509.ParsePKCS8PrivateKey(key.PKCS8())
	if err != nil {
		t.Fatal(err)
	}
	input := b64(header) + "." + b64(payload)
	sum := sha256.Sum256([]byte(input))
	var signature []byte
	switch k := private.(type) {
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	case ed25519.PrivateKey:
		signature = ed25519.Sign(k, []byte(input))
	case *ecdsa.PrivateKey:
		r, s, signErr := ecdsa.Sign(rand.Reader, k, sum[:])
		if err = signErr; err == nil {
			signature = make([]byte, 64) // RFC 7518 section 3.4, for P-256
			r.FillBytes(signature[:32])
			s.FillBytes(signature[32:])
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
