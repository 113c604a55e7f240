package jose_test

import (
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const claims = `{"sub":"a","aud":"b"}`

func TestHeaders(t *testing.T) {
	key := newKey(t, jose.RS256)
	raw := standardKey(t, key)
	for name, v := range map[string]struct {
		header string
		good   bool
	}{
		"alg only":            {`{"alg":"RS256"}`, true},
		"kid and typ":         {`{"alg":"RS256","kid":"k","typ":"JWT"}`, true},
		"x5t is ignored":      {`{"alg":"RS256","x5t":"a","x5t#S256":"b"}`, true},
		"unknown member":      {`{"alg":"RS256","a":{"b":[1]}}`, true},
		"white space":         {" {\n\"alg\" : \"RS256\" }\r\n", true},
		"kid of 256":          {`{"alg":"RS256","kid":"` + strings.Repeat("k", 256) + `"}`, true},
		"empty":               {``, false},
		"empty object":        {`{}`, false},
		"array":               {`["alg","RS256"]`, false},
		"string":              {`"RS256"`, false},
		"null":                {`null`, false},
		"alg none":            {`{"alg":"none"}`, false},
		"alg nOnE":            {`{"alg":"nOnE"}`, false},
		"alg empty":           {`{"alg":""}`, false},
		"alg null":            {`{"alg":null}`, false},
		"alg number":          {`{"alg":256}`, false},
		"alg array":           {`{"alg":["RS256"]}`, false},
		"alg lower case":      {`{"alg":"rs256"}`, false},
		"alg with space":      {`{"alg":"RS256 "}`, false},
		"member ALG":          {`{"ALG":"RS256"}`, false},
		"member Alg":          {`{"Alg":"RS256"}`, false},
		"duplicate alg":       {`{"alg":"RS256","alg":"RS256"}`, false},
		"duplicate, escaped":  {`{"alg":"RS256","\u0061lg":"none"}`, false},
		"duplicate unknown":   {`{"alg":"RS256","a":1,"a":1}`, false},
		"duplicate, nested":   {`{"alg":"RS256","a":{"b":1,"b":1}}`, false},
		"crit":                {`{"alg":"RS256","crit":["exp"],"exp":1}`, false},
		"crit empty":          {`{"alg":"RS256","crit":[]}`, false},
		"crit null":           {`{"alg":"RS256","crit":null}`, false},
		"jwk":                 {`{"alg":"RS256","jwk":` + key.Public().JWK() + `}`, false},
		"jwk null":            {`{"alg":"RS256","jwk":null}`, false},
		"jku":                 {`{"alg":"RS256","jku":"http://127.0.0.1:1/"}`, false},
		"x5u":                 {`{"alg":"RS256","x5u":"http://127.0.0.1:1/"}`, false},
		"x5c":                 {`{"alg":"RS256","x5c":["AAAA"]}`, false},
		"x5c empty":           {`{"alg":"RS256","x5c":[]}`, false},
		"b64 true":            {`{"alg":"RS256","b64":true}`, false},
		"b64 false":           {`{"alg":"RS256","b64":false,"crit":["b64"]}`, false},
		"zip":                 {`{"alg":"RS256","zip":"DEF"}`, false},
		"enc":                 {`{"alg":"RS256","enc":"A128GCM"}`, false},
		"kid empty":           {`{"alg":"RS256","kid":""}`, false},
		"kid of 257":          {`{"alg":"RS256","kid":"` + strings.Repeat("k", 257) + `"}`, false},
		"kid number":          {`{"alg":"RS256","kid":1}`, false},
		"kid null":            {`{"alg":"RS256","kid":null}`, false},
		"kid with U+0000":     {`{"alg":"RS256","kid":"a\u0000"}`, false},
		"typ null":            {`{"alg":"RS256","typ":null}`, false},
		"typ array":           {`{"alg":"RS256","typ":["JWT"]}`, false},
		"not UTF-8":           {"{\"alg\":\"RS256\",\"a\":\"\xff\"}", false},
		"not UTF-8 name":      {"{\"alg\":\"RS256\",\"\xc3\x28\":1}", false},
		"lone surrogate":      {`{"alg":"RS256","a":"\ud800"}`, false},
		"byte order mark":     {"\xef\xbb\xbf" + `{"alg":"RS256"}`, false},
		"trailing":            {`{"alg":"RS256"}x`, false},
		"two objects":         {`{"alg":"RS256"}{"alg":"RS256"}`, false},
		"trailing comma":      {`{"alg":"RS256",}`, false},
		"comment":             {`{"alg":"RS256"/**/}`, false},
		"larger than 4 KiB":   {`{"alg":"RS256","a":"` + strings.Repeat("a", 4<<10) + `"}`, false},
		"deep":                {`{"alg":"RS256","a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`, true},
		"JWE with PBES2":      {`{"alg":"PBES2-HS256+A128KW","p2c":2147483648,"p2s":"AAAA","enc":"A128GCM"}`, false},
		"PBES2 count unasked": {`{"alg":"RS256","p2c":2147483648}`, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := jose.Parse(forge(t, raw, v.header, claims), jose.AssertionAlgorithms())
			if err == nil {
				_, err = m.Verify(key.Public())
			}
			if (err == nil) != v.good {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestSegments(t *testing.T) {
	key := newKey(t, jose.RS256)
	good := sign(t, key, jose.RS256, claims+" ") // 22 bytes: the last character has unused bits
	p := strings.Split(good, ".")
	bump := func(s string) string { // another spelling of the same bytes
		const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
		last := strings.IndexByte(alphabet, s[len(s)-1])
		return s[:len(s)-1] + string(alphabet[last|1])
	}
	for name, compact := range map[string]string{
		"empty":                      "",
		"one dot":                    ".",
		"two dots":                   "..",
		"two segments":               p[0] + "." + p[1],
		"four segments":              good + ".",
		"five segments":              good + ".AAAA.AAAA",
		"leading dot":                "." + good,
		"empty header":               "." + p[1] + "." + p[2],
		"empty payload":              p[0] + ".." + p[2],
		"empty signature":            p[0] + "." + p[1] + ".",
		"padded header":              p[0] + "=." + p[1] + "." + p[2],
		"padded payload":             p[0] + "." + p[1] + "==." + p[2],
		"padded signature":           good + "==",
		"space before":               " " + good,
		"space after":                good + " ",
		"newline after":              good + "\n",
		"newline in header":          p[0][:4] + "\n" + p[0][4:] + "." + p[1] + "." + p[2],
		"newline in payload":         p[0] + "." + p[1][:4] + "\r\n" + p[1][4:] + "." + p[2],
		"newline in signature":       p[0] + "." + p[1] + "." + p[2][:4] + "\n" + p[2][4:],
		"trailing bits in payload":   p[0] + "." + bump(p[1]) + "." + p[2],
		"trailing bits in signature": p[0] + "." + p[1] + "." + bump(p[2]),
		"standard alphabet":          p[0] + "." + p[1] + "." + strings.NewReplacer("-", "+", "_", "/").Replace(p[2]),
		"one character over":         good + "A",
		"not ASCII":                  p[0] + "." + p[1] + "." + "é" + p[2],
		"payload changed":            p[0] + "." + b64.EncodeToString([]byte(`{"sub":"b","aud":"b"} `)) + "." + p[2],
		"header changed":             b64.EncodeToString([]byte(`{"alg":"RS256"}`)) + "." + p[1] + "." + p[2],
		"signature cut":              p[0] + "." + p[1] + "." + p[2][:len(p[2])-2],
		"signature of zeros":         p[0] + "." + p[1] + "." + b64.EncodeToString(make([]byte, 256)),
		"JSON, flattened":            `{"protected":"` + p[0] + `","payload":"` + p[1] + `","signature":"` + p[2] + `"}`,
		"JSON, general":              `{"payload":"` + p[1] + `","signatures":[{"protected":"` + p[0] + `","signature":"` + p[2] + `"}]}`,
		"16 KiB of payload":          p[0] + "." + strings.Repeat("A", 16<<10) + "." + p[2],
		"JWE": b64.EncodeToString([]byte(`{"alg":"PBES2-HS256+A128KW","p2c":2147483648,"p2s":"AAAA","enc":"A128GCM"}`)) +
			".AAAA.AAAA.AAAA.AAAA",
	} {
		t.Run(name, func(t *testing.T) {
			if compact == good {
				t.Fatal("the row changes nothing")
			}
			m, err := jose.Parse(compact, jose.AssertionAlgorithms())
			if err == nil {
				_, err = m.Verify(key.Public())
			}
			if err == nil {
				t.Error("accepted")
			}
		})
	}
	m, err := jose.Parse(good, jose.AssertionAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Verify(key.Public()); err != nil {
		t.Errorf("the message that the rows are made of: %v", err)
	}
}

func TestUnsignedMessagesAreNotEvenParsed(t *testing.T) {
	compact := sign(t, newKey(t, jose.RS256), jose.RS256, claims)
	if _, err := jose.Parse(compact[:strings.LastIndex(compact, ".")+1], jose.AssertionAlgorithms()); err == nil {
		t.Error("accepted")
	}
}

func TestMessagesLargerThan16KiBAreRefused(t *testing.T) {
	raw := standardKey(t, newKey(t, jose.EdDSA))
	for n, good := range map[int]bool{12_000: true, 13_000: false, 1 << 20: false} {
		_, err := jose.Parse(forge(t, raw, `{"alg":"EdDSA"}`, strings.Repeat("x", n)), jose.AssertionAlgorithms())
		if (err == nil) != good {
			t.Errorf("%d bytes of payload: %v", n, err)
		}
	}
}

func TestFloodsOfDotsCostNothing(t *testing.T) {
	for _, n := range []int{100_000, jose.MaxMessage} {
		dots := strings.Repeat(".", n)
		allocations := testing.AllocsPerRun(10, func() {
			if _, err := jose.Parse(dots, jose.AssertionAlgorithms()); err == nil {
				t.Error("accepted")
			}
		})
		if allocations > 10 { // a split would need one for the list of segments, as long as the dots
			t.Errorf("%d dots: %v allocations", n, allocations)
		}
	}
}

func TestOnlyAllowedAlgorithms(t *testing.T) {
	compact := sign(t, newKey(t, jose.RS256), jose.RS256, claims)
	for name, allowed := range map[string][]jose.Algorithm{
		"none allowed": nil, "others": {jose.PS256, jose.ES256}, "case": {"rs256"}, "empty": {""},
	} {
		if _, err := jose.Parse(compact, allowed); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, err := jose.Parse(compact, []jose.Algorithm{jose.RS256}); err != nil {
		t.Error(err)
	}
}

func TestWhatAMessageSays(t *testing.T) {
	key := newKey(t, jose.EdDSA)
	signer, err := jose.NewSigner(key, jose.EdDSA, "at+jwt")
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	m, err := jose.Parse(compact, jose.SigningAlgorithms())
	if err != nil {
		t.Fatal(err)
	}
	if m.Algorithm() != jose.EdDSA || m.KID() != key.Public().KID() || m.Type() != "at+jwt" {
		t.Errorf("%s %s %s", m.Algorithm(), m.KID(), m.Type())
	}
	if string(m.UnverifiedPayload()) != claims {
		t.Errorf("payload %s", m.UnverifiedPayload())
	}
}

func TestErrorsDoNotRepeatTheInput(t *testing.T) {
	raw := standardKey(t, newKey(t, jose.EdDSA))
	for _, header := range []string{
		`{"alg":"canary"}`, `{"alg":"EdDSA","kid":["canary"]}`, `{"alg":"EdDSA","canary":1,"canary":2}`,
		`{"alg":"EdDSA","nonce":{"canary":1}}`, `{"alg":"EdDSA","canary`, `{"alg":"EdDSA","jku":"canary"}`,
	} {
		_, err := jose.Parse(forge(t, raw, header, "canary"), jose.AssertionAlgorithms())
		if err == nil {
			t.Errorf("%s was accepted", header)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%v", err)
		}
	}
}
