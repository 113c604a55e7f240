package client_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// TestForgedHeaders: what a header says of itself makes no token good (RFC 8725 section 2).
func TestForgedHeaders(t *testing.T) {
	f := newForger(t)
	v := newVerifier(t, f.issuer)
	accepted(t, v, f.sign(f.header(), f.claims()))
	accepted(t, v, f.sign(f.header(with("typ", "application/AT+JWT")), f.claims()))
	jwk := json.RawMessage(f.public.JWK())
	for name, attack := range map[string]struct {
		header string
		want   error
	}{
		"no alg":             {f.header(with("alg", nil)), client.ErrAlgorithm},
		"alg none":           {f.header(with("alg", "none")), client.ErrAlgorithm},
		"alg nOnE":           {f.header(with("alg", "nOnE")), client.ErrAlgorithm},
		"alg empty":          {f.header(with("alg", "")), client.ErrAlgorithm},
		"alg HS256":          {f.header(with("alg", "HS256")), client.ErrAlgorithm},
		"alg es256":          {f.header(with("alg", "es256")), client.ErrAlgorithm},
		"alg with a space":   {f.header(with("alg", "ES256 ")), client.ErrAlgorithm},
		"alg twice":          {`{"alg":"ES256","alg":"none","typ":"at+jwt","kid":"` + f.public.KID() + `"}`, client.ErrMalformed},
		"alg in capitals":    {`{"ALG":"ES256","typ":"at+jwt","kid":"` + f.public.KID() + `"}`, client.ErrAlgorithm},
		"another curve":      {f.header(with("alg", "ES384")), client.ErrSignature},
		"an RSA alg":         {f.header(with("alg", "RS256")), client.ErrSignature},
		"alg of no token":    {f.header(with("alg", "RS512")), client.ErrAlgorithm},
		"no typ":             {f.header(with("typ", nil)), client.ErrType},
		"typ JWT":            {f.header(with("typ", "JWT")), client.ErrType},
		"typ of a list":      {f.header(with("typ", "revocation-list+jwt")), client.ErrType},
		"typ with more":      {f.header(with("typ", "at+jwt; charset=utf-8")), client.ErrType},
		"typ twice prefixed": {f.header(with("typ", "application/application/at+jwt")), client.ErrType},
		"typ null":           {f.header(with("typ", raw("null"))), client.ErrMalformed},
		"no kid":             {f.header(with("kid", nil)), client.ErrMalformed},
		"kid empty":          {f.header(with("kid", "")), client.ErrMalformed},
		"kid a number":       {f.header(with("kid", 1)), client.ErrMalformed},
		"kid unknown":        {f.header(with("kid", "../../dev/null")), client.ErrUnknownKey},
		"kid too long":       {f.header(with("kid", strings.Repeat("k", 257))), client.ErrMalformed},
		"its own jwk":        {f.header(with("jwk", jwk)), client.ErrMalformed},
		"its own x5c":        {f.header(with("x5c", []string{"MIIB"})), client.ErrMalformed},
		"crit":               {f.header(with("crit", []string{"exp"})), client.ErrMalformed},
		"crit empty":         {f.header(with("crit", []string{})), client.ErrMalformed},
		"b64 false":          {f.header(with("b64", false)), client.ErrMalformed},
		"zip":                {f.header(with("zip", "DEF")), client.ErrMalformed},
		"enc":                {f.header(with("enc", "A128GCM")), client.ErrMalformed},
		"an array":           {`[]`, client.ErrMalformed},
		"not JSON":           {`alg=ES256`, client.ErrMalformed},
		"more after it":      {f.header() + "{}", client.ErrMalformed},
		"large":              {f.header(with("pad", strings.Repeat("x", 5000))), client.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, f.sign(attack.header, f.claims()), attack.want) })
	}
}

// TestForgedClaims: every claim that RFC 9068 section 2.2 requires is there, of its type, and
// ours.
func TestForgedClaims(t *testing.T) {
	f := newForger(t)
	v := newVerifier(t, f.issuer)
	now := time.Now().Unix()
	for _, good := range []map[string]any{
		{}, with("aud", []string{"other", audience}), with("exp", raw("%d.5", now+5)), with("nbf", now), with("exp", now-50), with("iat", now+50),
		with("permissions", nil), with("gty", nil), with("unknown", map[string]any{"a": 1}), with("exp", raw("%d.0e0", now+5)),
	} {
		accepted(t, v, f.sign(f.header(), f.claims(good)))
	}
	url := f.issuer.URL()
	for name, attack := range map[string]struct {
		change map[string]any
		want   error
	}{
		"no iss":              {with("iss", nil), client.ErrClaims},
		"iss null":            {with("iss", raw("null")), client.ErrClaims},
		"iss an array":        {with("iss", []string{url}), client.ErrClaims},
		"iss of another":      {with("iss", "https://evil.example"), client.ErrIssuer},
		"iss with a slash":    {with("iss", url+"/"), client.ErrIssuer},
		"iss in capitals":     {with("iss", strings.ToUpper(url)), client.ErrIssuer},
		"iss with ours in it": {with("iss", url+".evil.example"), client.ErrIssuer},
		"no aud":              {with("aud", nil), client.ErrClaims},
		"aud null":            {with("aud", raw("null")), client.ErrClaims},
		"aud empty":           {with("aud", ""), client.ErrClaims},
		"aud of another":      {with("aud", "billing-api"), client.ErrAudience},
		"aud a prefix":        {with("aud", "orders"), client.ErrAudience},
		"aud longer":          {with("aud", audience+"-v2"), client.ErrAudience},
		"aud in capitals":     {with("aud", strings.ToUpper(audience)), client.ErrAudience},
		"aud of others":       {with("aud", []string{"a", "b"}), client.ErrAudience},
		"aud of nobody":       {with("aud", []string{}), client.ErrAudience},
		"aud with a number":   {with("aud", raw(`["%s",1]`, audience)), client.ErrClaims},
		"aud an object":       {with("aud", with(audience, true)), client.ErrClaims},
		"aud nested":          {with("aud", raw(`[["%s"]]`, audience)), client.ErrClaims},
		"no exp":              {with("exp", nil), client.ErrClaims},
		"exp null":            {with("exp", raw("null")), client.ErrClaims},
		"exp a string":        {with("exp", "9999999999"), client.ErrClaims},
		"exp zero":            {with("exp", 0), client.ErrClaims},
		"exp negative":        {with("exp", -1), client.ErrClaims},
		"exp without end":     {with("exp", raw("1e308")), client.ErrClaims},
		"exp too large":       {with("exp", raw("1e400")), client.ErrClaims},
		"exp of milliseconds": {with("exp", raw("%d", time.Now().UnixMilli()+900_000)), client.ErrClaims},
		"exp true":            {with("exp", true), client.ErrClaims},
		"expired":             {with("exp", now-61), client.ErrExpired},
		"no iat":              {with("iat", nil), client.ErrClaims},
		"iat in the future":   {with("iat", now+120), client.ErrNotYet},
		"nbf in the future":   {with("nbf", now+120), client.ErrNotYet},
		"nbf null":            {with("nbf", raw("null")), client.ErrClaims},
		"nbf a string":        {with("nbf", "0"), client.ErrClaims},
		"no sub":              {with("sub", nil), client.ErrClaims},
		"sub empty":           {with("sub", ""), client.ErrClaims},
		"sub a number":        {with("sub", 1), client.ErrClaims},
		"no jti":              {with("jti", nil), client.ErrClaims},
		"no client_id":        {with("client_id", nil), client.ErrClaims},
		"client_id null":      {with("client_id", raw("null")), client.ErrClaims},
		"permissions a word":  {with("permissions", "orders:read"), client.ErrClaims},
		"permissions numbers": {with("permissions", []int{1}), client.ErrClaims},
		"sid a number":        {with("sid", 1), client.ErrClaims},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, f.sign(f.header(), f.claims(attack.change)), attack.want) })
	}
	for name, payload := range map[string]string{
		"aud twice":    strings.Replace(f.claims(), `{"aud":"orders-api"`, `{"aud":"billing-api","aud":"orders-api"`, 1),
		"not JSON":     "iss=" + url,
		"an array":     "[" + f.claims() + "]",
		"a bad escape": strings.Replace(f.claims(), `"robot"`, `"\ud800"`, 1),
		"bad UTF-8":    strings.Replace(f.claims(), `"robot"`, "\"\xff\"", 1),
		"empty":        "",
	} {
		t.Run(name, func(t *testing.T) {
			if payload == f.claims() {
				t.Fatal("nothing was changed")
			}
			refused(t, v, f.sign(f.header(), payload), client.ErrClaims)
		})
	}
}

// TestForgedSignatures: only a signature that the named key has made counts, in its one form.
func TestForgedSignatures(t *testing.T) {
	f := newForger(t)
	v := newVerifier(t, f.issuer)
	good := f.sign(f.header(), f.claims())
	accepted(t, v, good)
	input, signature := good[:strings.LastIndexByte(good, '.')], f.signature(good[:strings.LastIndexByte(good, '.')])
	flipped := []byte(signature)
	flipped[10] ^= 1
	r, s := new(big.Int).SetBytes([]byte(signature[:32])), new(big.Int).SetBytes([]byte(signature[32:]))
	der, err := asn1.Marshal(struct{ R, S *big.Int }{r, s})
	if err != nil {
		t.Fatal(err)
	}
	symmetric := func(key string) string {
		in := encode(f.header(with("alg", "HS256"))) + "." + encode(f.claims())
		mac := hmac.New(sha256.New, []byte(key))
		_, _ = mac.Write([]byte(in))
		return in + "." + encode(string(mac.Sum(nil)))
	}
	for name, attack := range map[string]struct {
		token string
		want  error
	}{
		"a bit":                      {input + "." + encode(string(flipped)), client.ErrSignature},
		"none":                       {input + ".", client.ErrMalformed},
		"no third segment":           {input, client.ErrMalformed},
		"zeros":                      {input + "." + encode(strings.Repeat("\x00", 64)), client.ErrSignature},
		"DER":                        {input + "." + encode(string(der)), client.ErrSignature},
		"half":                       {input + "." + encode(signature[:32]), client.ErrSignature},
		"longer":                     {input + "." + encode(signature+"\x00"), client.ErrSignature},
		"of other claims":            {encode(f.header()) + "." + encode(f.claims(with("sub", "admin"))) + "." + encode(signature), client.ErrSignature},
		"padded":                     {good + "=", client.ErrMalformed},
		"a line break":               {good + "\n", client.ErrMalformed},
		"a space before":             {" " + good, client.ErrMalformed},
		"four segments":              {good + "." + encode("x"), client.ErrMalformed},
		"five segments":              {"a.b.c.d.e", client.ErrMalformed},
		"dots":                       {strings.Repeat(".", 10_000), client.ErrMalformed},
		"empty":                      {"", client.ErrMalformed},
		"JSON serialisation":         {`{"payload":"","signatures":[]}`, client.ErrMalformed},
		"too long":                   {good + strings.Repeat("A", 17<<10), client.ErrMalformed},
		"HMAC by the PEM":            {symmetric(f.public.PEM()), client.ErrAlgorithm},
		"HMAC by the JWK":            {symmetric(f.public.JWK()), client.ErrAlgorithm},
		"HMAC by nothing":            {symmetric(""), client.ErrAlgorithm},
		"not the one form of base64": {input + "." + aliased(t, encode(signature)), client.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) { refused(t, v, attack.token, attack.want) })
	}
}

// aliased is another text that a lenient decoder reads as the same bytes.
func aliased(t *testing.T, s string) string {
	t.Helper()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, s[len(s)-1])
	if last < 0 || last%16 != 0 {
		t.Fatalf("%q has no bits to spare", s)
	}
	return s[:len(s)-1] + alphabet[last+1:last+2]
}

// TestKeysInTokensAreNotAsked: an address in a header is nobody's that we know.
func TestKeysInTokensAreNotAsked(t *testing.T) {
	f := newForger(t)
	v := newVerifier(t, f.issuer)
	asked := make(chan string, 8)
	theirs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }))
	defer theirs.Close()
	for _, member := range []string{"jku", "x5u"} {
		refused(t, v, f.sign(f.header(with(member, theirs.URL+"/"+member)), f.claims()), client.ErrMalformed)
	}
	refused(t, v, f.sign(f.header(with("kid", theirs.URL+"/kid")), f.claims()), client.ErrUnknownKey)
	if len(asked) > 0 {
		t.Errorf("asked for %s", <-asked)
	}
}

// TestListIsNoToken, and a token no list, though one key signs both (RFC 8725 section 3.12).
func TestListIsNoToken(t *testing.T) {
	issuer := clienttest.New(t)
	v := newVerifier(t, issuer)
	refused(t, v, issuer.RevocationList(), client.ErrType)

	token := issuer.Token(audience)
	issuer.Answer(clienttest.RevocationsPath, constant(token))
	other := newVerifier(t, issuer)
	refused(t, other, token, client.ErrUnavailable)
}

// TestHostileKeySets: what cannot verify, or should never have been published, is no key.
func TestHostileKeySets(t *testing.T) {
	f := newForger(t)
	good, kid := f.public.JWK(), f.public.KID()
	token := f.sign(f.header(), f.claims())
	renamed := func(jwk, kid string) string { return strings.Replace(jwk, f.public.KID(), kid, 1) }
	private := strings.TrimSuffix(good, "}") + `,"d":"` + encode(strings.Repeat("\x01", 32)) + `"}`
	other := newForger(t).public.JWK()
	for name, set := range map[string]struct {
		keys []string
		want error
	}{
		"good":                  {[]string{good}, nil},
		"among others":          {[]string{`{"kty":"oct","k":"AAAA","kid":"x"}`, `{"kty":"quantum"}`, `{}`, good}, nil},
		"of its own name":       {[]string{renamed(good, "other")}, client.ErrUnknownKey},
		"symmetric":             {[]string{`{"kty":"oct","k":"AAAA","kid":"` + kid + `"}`}, client.ErrUnavailable},
		"private":               {[]string{private}, client.ErrUnavailable},
		"for encryption":        {[]string{strings.Replace(good, `"sig"`, `"enc"`, 1)}, client.ErrUnavailable},
		"for another algorithm": {[]string{strings.Replace(good, `"ES256"`, `"ES384"`, 1)}, client.ErrUnavailable},
		"two of one name":       {[]string{good, strings.Replace(other, `"kid":"`, `"kid":"`+kid+`","was":"`, 1)}, client.ErrUnavailable},
		"no key":                {nil, client.ErrUnavailable},
		"without a name":        {[]string{strings.Replace(good, `"kid"`, `"was"`, 1)}, client.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f.publish(set.keys...)
			v := newVerifier(t, f.issuer, func(c *client.VerifierConfig) { c.IgnoreRevocations = true })
			if set.want == nil {
				accepted(t, v, token)
			} else {
				refused(t, v, token, set.want)
			}
		})
	}
	for name, body := range map[string]string{
		"no JSON": "keys", "no member": "{}", "keys twice": `{"keys":[],"keys":[` + good + `]}`, "an array": "[" + good + "]",
		"too many": `{"keys":[` + strings.Repeat(good+",", 200) + good + "]}", "too long": `{"keys":[` + good + `]}` + strings.Repeat(" ", 300<<10),
	} {
		t.Run(name, func(t *testing.T) {
			f.issuer.Answer(clienttest.KeysPath, constant(body))
			v := newVerifier(t, f.issuer, func(c *client.VerifierConfig) { c.IgnoreRevocations = true })
			refused(t, v, token, client.ErrUnavailable)
		})
	}
}

// TestHostileMetadata: who says to be another issuer, or names addresses that nobody may
// answer at, chooses no keys.
func TestHostileMetadata(t *testing.T) {
	issuer := clienttest.New(t)
	token, url := issuer.Token(audience), issuer.URL()
	theirs := clienttest.New(t)
	redirect := http.RedirectHandler(theirs.URL()+clienttest.KeysPath, http.StatusTemporaryRedirect)
	document := func(iss, keys string) http.Handler {
		return constant(`{"issuer":"` + iss + `","jwks_uri":"` + keys + `","revocation_list_uri":"` + url + clienttest.RevocationsPath + `"}`)
	}
	for name, attack := range map[string]struct {
		path   string
		answer http.Handler
	}{
		"another issuer":      {clienttest.MetadataPath, document("https://evil.example", url+clienttest.KeysPath)},
		"issuer with a slash": {clienttest.MetadataPath, document(url+"/", url+clienttest.KeysPath)},
		"keys over http":      {clienttest.MetadataPath, document(url, "http://keys.example.com/jwks.json")},
		"keys in a file":      {clienttest.MetadataPath, document(url, "file:///etc/passwd")},
		"keys for a user":     {clienttest.MetadataPath, document(url, "https://user@keys.example.com/")},
		"no keys":             {clienttest.MetadataPath, document(url, "")},
		"redirected metadata": {clienttest.MetadataPath, redirect},
		"redirected keys":     {clienttest.KeysPath, redirect},
		"redirected list":     {clienttest.RevocationsPath, redirect},
	} {
		t.Run(name, func(t *testing.T) {
			issuer.Answer(attack.path, attack.answer)
			defer issuer.Answer(attack.path, nil)
			refused(t, newVerifier(t, issuer), token, client.ErrUnavailable)
			if attack.path != clienttest.RevocationsPath {
				refused(t, newVerifier(t, issuer), theirs.Token(audience, clienttest.From(url)), client.ErrUnavailable)
			}
		})
	}
	if n := theirs.Asked(clienttest.KeysPath); n > 0 {
		t.Errorf("a redirect was followed %d times", n)
	}
}

// TestConfigurations that could not be meant.
func TestConfigurations(t *testing.T) {
	for name, change := range map[string]func(*client.VerifierConfig){
		"no issuer":                             func(c *client.VerifierConfig) { c.Issuer = "" },
		"no audience":                           func(c *client.VerifierConfig) { c.Audience = "" },
		"http":                                  func(c *client.VerifierConfig) { c.Issuer = "http://id.example.com" },
		"http to what begins like this machine": func(c *client.VerifierConfig) { c.Issuer = "http://localhost.example.com" },
		"no URL":                                func(c *client.VerifierConfig) { c.Issuer = "identity" },
		"http URL":                              func(c *client.VerifierConfig) { c.Issuer, c.URL = "identity", "http://identity:8080" },
		"a user in the URL":                     func(c *client.VerifierConfig) { c.URL = "https://user:secret@id.example.com" },
		"alg none":                              func(c *client.VerifierConfig) { c.Algorithms = []string{"none"} },
		"a list that is always too old":         func(c *client.VerifierConfig) { c.MaxStale = -1 },
		"a unit forgotten":                      func(c *client.VerifierConfig) { c.RevocationsEvery = 15 },
		"another unit forgotten":                func(c *client.VerifierConfig) { c.MaxStale = 600 },
		"asking without a pause":                func(c *client.VerifierConfig) { c.RevocationsEvery = -1 },
		"alg HS256":                             func(c *client.VerifierConfig) { c.Algorithms = []string{"ES256", "HS256"} },
	} {
		cfg := client.VerifierConfig{Issuer: "https://id.example.com", Audience: audience}
		change(&cfg)
		v, err := client.NewVerifier(cfg)
		if err == nil {
			t.Errorf("%s: accepted", name)
			v.Close()
		} else if strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: the error repeats the URL: %v", name, err)
		}
	}
}

// TestAlgorithmsCanBeFewer than those that are good.
func TestAlgorithmsCanBeFewer(t *testing.T) {
	issuer := clienttest.New(t)
	only := func(names ...string) func(*client.VerifierConfig) {
		return func(c *client.VerifierConfig) { c.Algorithms = names }
	}
	es := issuer.Token(audience)
	issuer.RotateTo(string(jose.EdDSA))
	ed := issuer.Token(audience)
	v := newVerifier(t, issuer, only("EdDSA"))
	accepted(t, v, ed)
	refused(t, v, es, client.ErrAlgorithm)
}
