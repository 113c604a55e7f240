package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// now is when the tokens of these tests are looked at.
var now = time.Unix(1_800_000_000, 0)

// pair is a key pair made from a seed, so that every run has the same.
type pair struct {
	private ed25519.PrivateKey
	public  jose.PublicKey
}

func newPair(t *testing.T, seed byte) pair {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public, err := jose.NewPublicKey(private.Public())
	if err == nil {
		public, err = public.Bind(jose.EdDSA)
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair{private, public}
}

// members are those of a header or of claims. One that is nil is taken away.
type changes map[string]any

func (c changes) over(base map[string]any) string {
	base = maps.Clone(base)
	maps.Copy(base, c)
	maps.DeleteFunc(base, func(_ string, v any) bool { return v == nil })
	text, err := json.Marshal(base)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func segments(header, claims string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
}

// sign makes a token with a true signature over whatever it says.
func (k pair) sign(header, claims string) string {
	input := segments(header, claims)
	return input + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k.private, []byte(input)))
}

// token is a good token of a machine but for what is changed.
func (k pair) token(header, claims changes) string {
	return k.sign(k.header(header), goodClaims(claims))
}

func (k pair) header(c changes) string {
	return c.over(map[string]any{"alg": "EdDSA", "typ": "at+jwt", "kid": k.public.KID()})
}

func goodClaims(c changes) string {
	return c.over(map[string]any{
		"iss": "https://id.example", "sub": "robot", "client_id": "robot", "aud": "shop", "jti": "1", "gty": "client-credentials",
		"iat": now.Unix() - 60, "exp": now.Unix() + 840, "permissions": []string{"read"},
	})
}

func TestExamine(t *testing.T) {
	key, other, stranger := newPair(t, 1), newPair(t, 2), newPair(t, 3)
	known := expectation{audience: "shop", issuer: "https://id.example", keys: []jose.PublicKey{key.public, other.public}}
	good := key.token(nil, nil)
	signature := good[strings.LastIndex(good, "."):]
	mac := hmac.New(sha256.New, []byte(key.public.PEM()))
	hs256 := segments(key.header(changes{"alg": "HS256"}), goodClaims(nil))
	mac.Write([]byte(hs256))

	for name, c := range map[string]struct {
		token string
		// fails are the checks that fail, in their order.
		fails string
		// says is in the conclusion.
		says string
	}{
		"good":               {good, "", `A verifier for the audience "shop" takes it, and will for another 14 minutes.`},
		"a person's":         {key.token(nil, changes{"gty": "user-credentials", "client_id": "identity", "sub": "u"}), "", "takes it"},
		"application/at+jwt": {key.token(changes{"typ": "application/AT+JWT"}, nil), "", "takes it"},
		"a fraction":         {key.token(nil, changes{"exp": 1_800_000_060.5}), "", "another 1 minute."},
		"many audiences":     {key.token(nil, changes{"aud": []string{"billing", "shop"}}), "", "takes it"},
		"no permissions":     {key.token(nil, changes{"permissions": nil}), "", "takes it"},
		"a little ahead":     {key.token(nil, changes{"iat": now.Unix() + 60}), "", "takes it"},
		"unknown members":    {key.token(changes{"x": "y"}, changes{"tenant": map[string]any{"a": 1}}), "", "takes it"},

		"alg none":                 {segments(key.header(changes{"alg": "none"}), goodClaims(nil)) + ".", "alg,signature", "not signed: anybody can have made it"},
		"alg nOnE, signed":         {key.token(changes{"alg": "nOnE"}, nil), "alg", "not signed"},
		"no signature":             {strings.TrimSuffix(good, signature) + ".", "signature", "not signed"},
		"HS256 with the PEM":       {hs256 + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), "alg", "shared secret"},
		"alg of another key":       {key.token(changes{"alg": "RS256"}, nil), "alg,signature", "another algorithm"},
		"an unknown alg":           {key.token(changes{"alg": "ES512"}, nil), "alg", "signs nothing with this algorithm"},
		"no alg":                   {key.token(changes{"alg": nil}, nil), "alg", "signs nothing"},
		"alg is a list":            {key.token(changes{"alg": []string{"EdDSA"}}, nil), "alg", "signs nothing"},
		"edited claims":            {segments(key.header(nil), goodClaims(changes{"sub": "root", "client_id": "root"})) + signature, "signature", "changed after it was signed"},
		"edited header":            {segments(key.header(changes{"x": 1}), goodClaims(nil)) + signature, "signature", "changed after"},
		"kid of another":           {other.sign(key.header(nil), goodClaims(nil)), "signature", "another published key than it names"},
		"kid unknown":              {stranger.token(nil, nil), "kid", "not published (any more)"},
		"kid unknown, late":        {stranger.token(nil, changes{"exp": now.Unix() - 200}), "kid,exp", "It expired 3 minutes ago, and the key that signed it is published no more: get another. It also fails: exp."},
		"kid of another place":     {stranger.token(nil, changes{"iss": "https://other.example"}), "kid,iss", "a token of another service"},
		"no kid":                   {key.token(changes{"kid": nil}, nil), "kid", "does not say which key"},
		"an own key":               {stranger.token(changes{"kid": key.public.KID(), "jwk": json.RawMessage(stranger.public.JWK())}, nil), "header", "brings a key along"},
		"keys elsewhere":           {key.token(changes{"jku": "https://evil.example", "x5u": "https://evil.example"}, nil), "header", "brings a key along"},
		"crit":                     {key.token(changes{"crit": []string{"exp"}}, nil), "header", "read in another way"},
		"a header go-jose refuses": {key.token(changes{"nonce": 1}, nil), "signature", "not as those of this service"},
		"typ JWT":                  {key.token(changes{"typ": "JWT"}, nil), "typ", "no access token"},
		"no typ":                   {key.token(changes{"typ": nil}, nil), "typ", "no access token"},

		"another audience":             {key.token(nil, changes{"aud": "billing"}), "aud", `It is for audience "billing"; ask for a token for "shop".`},
		"other audiences":              {key.token(nil, changes{"aud": []string{"billing", "shops"}}), "aud", `for the audiences ["billing","shops"]`},
		"an audience that looks alike": {key.token(nil, changes{"aud": "sh\u043ep"}), "aud", `"sh\u043ep"`},
		"a list with a number":         {key.token(nil, changes{"aud": []any{"shop", 1}}), "aud", "whom it is for"},
		"a list with null":             {key.token(nil, changes{"aud": []any{nil, "shop"}}), "aud", "whom it is for"},
		"no audience":                  {key.token(nil, changes{"aud": nil}), "aud,claims", "whom it is for"},
		"another issuer":               {key.token(nil, changes{"iss": "https://other.example"}), "iss", `from the issuer "https://other.example"`},
		"a slash":                      {key.token(nil, changes{"iss": "https://id.example/"}), "iss", "slash at the end"},
		"expired":                      {key.token(nil, changes{"exp": now.Unix() - 180}), "exp", "It expired 3 minutes ago: get another."},
		"expired now":                  {key.token(nil, changes{"exp": now.Unix()}), "exp", "It expired 0 seconds ago"},
		"no exp":                       {key.token(nil, changes{"exp": nil}), "exp,claims", "good for ever"},
		"exp is a text":                {key.token(nil, changes{"exp": "1900000000"}), "exp", "not a number"},
		"exp beyond numbers":           {key.token(nil, changes{"exp": json.RawMessage("1e300")}), "exp", "not a number"},
		"iat to come":                  {key.token(nil, changes{"iat": now.Unix() + 300}), "iat, nbf", "made 5 minutes from now: compare the clocks"},
		"iat is a text":                {key.token(nil, changes{"iat": "now"}), "iat, nbf", "iat is not a number"},
		"nbf to come":                  {key.token(nil, changes{"nbf": now.Unix() + 61}), "iat, nbf", "not valid yet: it will be in 61 seconds"},
		"no iat":                       {key.token(nil, changes{"iat": nil}), "claims", "lacks claims"},
		"no sub":                       {key.token(nil, changes{"sub": nil, "gty": nil}), "claims", "lacks claims"},
		"an empty jti":                 {key.token(nil, changes{"jti": ""}), "claims", "lacks claims"},
		"another's machine":            {key.token(nil, changes{"sub": "root"}), "sub", "about another"},
		"permissions a text":           {key.token(nil, changes{"permissions": "read write"}), "permissions", "not a list"},
		"permissions null":             {key.token(nil, changes{"permissions": json.RawMessage("null")}), "permissions", "not a list"},
		"everything":                   {stranger.token(changes{"typ": "JWT"}, changes{"aud": "x", "exp": 1}), "typ,kid,aud,exp", "It also fails: kid; aud; exp."},

		"two tokens":        {good + "\n" + good, "form", "more than one"},
		"a header line":     {"Bearer " + good, "form", `"Bearer"`},
		"one part":          {"token", "form", "no token"},
		"encrypted":         {"a.b.c.d.e", "form", "encrypted"},
		"a refresh token":   {"idr_AAAA", "form", "POST /auth/refresh"},
		"a megabyte":        {strings.Repeat("A", 1<<20), "form", "too long"},
		"padding":           {good + "=", "form", "damaged"},
		"a second spelling": {good[:len(good)-1] + string(good[len(good)-1]+1), "form", "damaged"},
		"standard base64":   {"e30.++++.AA", "form,alg,typ,kid", "damaged"},
		"a member twice":    {key.sign(key.header(nil), strings.Replace(goodClaims(nil), "{", `{"aud":"billing",`, 1)), "form", "damaged"},
		"claims no object":  {key.sign(key.header(nil), `["shop"]`), "form", "damaged"},
		"empty objects":     {key.sign(`{}`, `{}`), "alg,typ,kid,iss,aud,exp,claims", "signs nothing"},
		"nothing":           {"..", "form,signature", "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			r := examine(c.token, known, now)
			if len(r.checks) != 13 {
				t.Errorf("%d checks, want each once", len(r.checks))
			}
			if got := strings.Join(r.with(failed), ","); got != c.fails {
				t.Errorf("%s fails, want %s\n%+v", got, c.fails, r.checks)
			}
			if text := r.conclusion(); !strings.Contains(text, c.says) {
				t.Errorf("concluded %s\nwant it to have %s", text, c.says)
			}
			// What verifies here is what the library verifies.
			if m, err := jose.Parse(c.token, jose.SigningAlgorithms()); r.firstFailure() == nil {
				payload, err := m.Verify(key.public)
				if err != nil || r.payload == nil || !bytes.Equal(payload, r.payload) {
					t.Error("it is taken without a signature that verifies", err)
				}
			} else if err != nil && r.payload != nil {
				t.Error("claims without a signature")
			}
			r.harmless(t, c.token)
		})
	}
}

// with names the checks with this verdict.
func (r report) with(v verdict) (names []string) {
	for _, c := range r.checks {
		if c.Verdict == v {
			names = append(names, c.Name)
		}
	}
	return names
}

// harmless demands that neither a part of the token nor what steers a terminal is in the
// report, and that a check that is not made says why, one that fails what to do.
func (r report) harmless(t *testing.T, token string) {
	t.Helper()
	said := r.conclusion()
	for _, c := range r.checks {
		said += c.Expected + c.Actual + c.Because + c.advice
		if (c.Verdict == unchecked) != (c.Because != "") || (c.Verdict == failed) != (c.advice != "") || c.Expected == "" || c.Actual == "" {
			t.Errorf("%+v is not complete", c)
		}
	}
	if strings.ContainsFunc(said, func(r rune) bool { return r < ' ' || r > '~' }) {
		t.Errorf("what is not ASCII is in %q", said)
	}
	for _, part := range strings.FieldsFunc(token, func(r rune) bool { return strings.ContainsRune(". \n", r) }) {
		if len(part) > 20 && strings.Contains(said, part) {
			t.Errorf("a part of the token is in %q", said)
		}
	}
}

// TestExamineSteersNothing puts what steers terminals into all that is shown.
func TestExamineSteersNothing(t *testing.T) {
	key := newPair(t, 1)
	const evil = "\x1b]0;owned\x07\x1b[2J\u009b31m\u202e\r\nok"
	claims := changes{"permissions": []string{evil}, "tenant": evil}
	for _, name := range []string{"iss", "sub", "aud", "exp", "iat", "nbf", "client_id", "jti", "gty"} {
		claims[name] = evil
	}
	for _, e := range []expectation{
		{audience: evil, issuer: "https://id.example", keys: []jose.PublicKey{key.public}},
		{audience: "shop", issuerUnknown: evil},
	} {
		for _, header := range []changes{{"typ": evil}, {"alg": evil}, {"kid": evil}} {
			token := key.token(header, claims)
			examine(token, e, now).harmless(t, token)
		}
	}
}

// TestExamineWithoutIssuer: what was not checked is said, and is no failure.
func TestExamineWithoutIssuer(t *testing.T) {
	key := newPair(t, 1)
	r := examine(key.token(nil, nil), expectation{audience: "shop", issuerUnknown: "nobody knows", keys: []jose.PublicKey{key.public}}, now)
	if got := r.with(unchecked); r.firstFailure() != nil || !slices.Equal(got, []string{"iss"}) {
		t.Errorf("not checked: %v\n%+v", got, r.checks)
	}
	if text := r.conclusion(); !strings.HasSuffix(text, `But its issuer was NOT checked: it says "https://id.example". Give --issuer.`) {
		t.Error(text)
	}
}

// TestExamineWithoutKeys: no key, no token.
func TestExamineWithoutKeys(t *testing.T) {
	r := examine(newPair(t, 1).token(nil, nil), expectation{audience: "shop", issuer: "https://id.example"}, now)
	if got := r.with(failed); !slices.Equal(got, []string{"kid"}) || r.payload != nil {
		t.Errorf("%v fails", got)
	}
}

func TestLasting(t *testing.T) {
	for seconds, want := range map[int64]string{
		0: "0 seconds", 1: "1 second", 60: "1 minute", 61: "61 seconds", 180: "3 minutes", 3600: "1 hour", 3660: "61 minutes",
		86400: "1 day", 90000: "25 hours", 1 << 53: "104249991374 days", -180: "3 minutes",
	} {
		if got := lasting(seconds); got != want {
			t.Errorf("%d: %s, want %s", seconds, got, want)
		}
	}
}

// TestSteerless: JSON for a terminal is the same JSON.
func TestSteerless(t *testing.T) {
	const text = "\x1b[31m\x7f\u009b2J\u202e\u00a0\U000e0001 é ☃ \U0001f600\n\t\\u009b\"<"
	var out strings.Builder
	if err := printJSON(&out, map[string]any{"a": text, "raw": json.RawMessage("\"\u009b\"")}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []rune{0x1b, 0x7f, 0x9b, 0x202e, 0xe0001} {
		if strings.ContainsRune(out.String(), c) {
			t.Errorf("%U is in %q", c, out.String())
		}
	}
	var back struct{ A, Raw string }
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back.A != text || back.Raw != "\u009b" {
		t.Errorf("%+q came back: %v", back, err)
	}
	if !strings.Contains(out.String(), "é ☃ \U0001f600") || !strings.Contains(out.String(), "{\n  \"a\"") {
		t.Errorf("what does no harm is changed: %s", out.String())
	}
}
