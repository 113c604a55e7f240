package jose_test

import (
	"crypto/ecdsa"
	"encoding/json"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func TestHostileJWKs(t *testing.T) {
	ec := strings.TrimSuffix(rfc7515EC, "}")
	rsaKey := strings.TrimSuffix(rfc7515RSA, "}")
	ed := strings.TrimSuffix(rfc8037Ed, "}")
	xy, err := standardKey(t, newKey(t, jose.ES256)).Public().(*ecdsa.PublicKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	xy = xy[1:] // without the mark of the uncompressed form
	for name, jwk := range map[string]string{
		"private d":             ec + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`,
		"null d":                ec + `,"d":null}`,
		"RSA p":                 rsaKey + `,"p":"AQAB"}`,
		"RSA q":                 rsaKey + `,"q":"AQAB"}`,
		"RSA dp":                rsaKey + `,"dp":"AQAB"}`,
		"RSA dq":                rsaKey + `,"dq":"AQAB"}`,
		"RSA qi":                rsaKey + `,"qi":"AQAB"}`,
		"RSA oth":               rsaKey + `,"oth":[]}`,
		"symmetric":             `{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"}`,
		"symmetric without k":   `{"kty":"oct"}`,
		"public with k":         ec + `,"k":"AAAA"}`,
		"X25519":                strings.Replace(rfc8037Ed, "Ed25519", "X25519", 1),
		"Ed448":                 strings.Replace(rfc8037Ed, "Ed25519", "Ed448", 1),
		"P-521":                 strings.Replace(rfc7515EC, "P-256", "P-521", 1),
		"P-384 with P-256":      strings.Replace(rfc7515EC, "P-256", "P-384", 1),
		"secp256k1":             strings.Replace(rfc7515EC, "P-256", "secp256k1", 1),
		"lower-case kty":        strings.Replace(rfc7515EC, `"EC"`, `"ec"`, 1),
		"no kty":                strings.Replace(rfc7515EC, `"kty":"EC",`, "", 1),
		"no x":                  strings.Replace(rfc7515EC, `"x":`, `"X":`, 1),
		"use enc":               ec + `,"use":"enc"}`,
		"use empty":             ec + `,"use":""}`,
		"use null":              ec + `,"use":null}`,
		"key_ops sign":          ec + `,"key_ops":["sign"]}`,
		"key_ops empty":         ec + `,"key_ops":[]}`,
		"key_ops null":          ec + `,"key_ops":null}`,
		"key_ops string":        ec + `,"key_ops":"verify"}`,
		"key_ops with a number": ec + `,"key_ops":["verify",1]}`,
		"key_ops twice":         ec + `,"key_ops":["verify","verify"]}`,
		"alg of another key":    ec + `,"alg":"RS256"}`,
		"alg of another curve":  ec + `,"alg":"ES384"}`,
		"alg none":              ec + `,"alg":"none"}`,
		"alg HS256":             ec + `,"alg":"HS256"}`,
		"alg empty":             ec + `,"alg":""}`,
		"alg null":              ec + `,"alg":null}`,
		"EdDSA on RSA":          rsaKey + `,"alg":"EdDSA"}`,
		"RS256 on Ed25519":      ed + `,"alg":"RS256"}`,
		"duplicate member":      ec + `,"kty":"EC"}`,
		"duplicate unknown":     ec + `,"a":1,"a":2}`,
		"number for x":          `{"kty":"OKP","crv":"Ed25519","x":1}`,
		"padded x":              strings.Replace(rfc8037Ed, `Ro"`, `Ro="`, 1),
		"newline in x":          strings.Replace(rfc8037Ed, `Ro"`, `\nRo"`, 1),
		"trailing bits in x":    strings.Replace(rfc8037Ed, `Ro"`, `Rp"`, 1),
		"standard alphabet":     strings.Replace(rfc7515EC, "x_FE", "x/FE", 1),
		"short x":               strings.Replace(rfc7515EC, "f83O", "", 1),
		"long x":                strings.Replace(rfc7515EC, "f83O", "AAAAf83O", 1),
		"a set":                 `{"keys":[` + rfc7515EC + `]}`,
		"array":                 `[` + rfc7515EC + `]`,
		"two":                   rfc7515EC + rfc7515EC,
		"trailing":              rfc7515EC + "x",
		"not UTF-8":             ec + ",\"a\":\"\xff\"}",
		"lone surrogate":        ec + `,"a":"\ud800"}`,
		"x and y cut elsewhere": `{"kty":"EC","crv":"P-256","x":"` + b64.EncodeToString(xy[:31]) + `","y":"` + b64.EncodeToString(xy[31:]) + `"}`,
		"empty object":          `{}`,
		"nothing":               ``,
		"too large":             ec + `,"a":"` + strings.Repeat("a", 16<<10) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			key, err := jose.ParsePublicKey([]byte(jwk))
			if err == nil {
				t.Fatalf("accepted as %s", key.JWK())
			}
			if key.Key() != nil {
				t.Error("a key came with the error")
			}
		})
	}
}

func TestGoodJWKs(t *testing.T) {
	ec := strings.TrimSuffix(rfc7515EC, "}")
	for name, v := range map[string]struct {
		jwk   string
		bound jose.Algorithm
	}{
		"bare":             {rfc7515EC, ""},
		"white space":      {" \r\n\t" + rfc7515EC + " \n", ""},
		"bound":            {ec + `,"alg":"ES256"}`, jose.ES256},
		"use and key_ops":  {ec + `,"use":"sig","key_ops":["verify"]}`, ""},
		"kid, x5u ignored": {ec + `,"kid":7,"x5u":"http://127.0.0.1/","x5c":["no certificate"],"x5t":{}}`, ""},
	} {
		key, err := jose.ParsePublicKey([]byte(v.jwk))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if bound, ok := key.Bound(); bound != v.bound || ok != (v.bound != "") {
			t.Errorf("%s: bound to %q", name, bound)
		}
		if key.KID() == "7" {
			t.Errorf("%s: the sender's kid was taken", name)
		}
	}
}

func TestJWKHasPublicMembersOnly(t *testing.T) {
	members := map[jose.Algorithm]string{
		jose.RS256: "alg e kid kty n use", jose.PS256: "alg e kid kty n use",
		jose.ES256: "alg crv kid kty use x y", jose.ES384: "alg crv kid kty use x y", jose.EdDSA: "alg crv kid kty use x",
	}
	for alg, want := range members {
		key, err := newKey(t, alg).Public().Bind(alg)
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(struct{ Keys []jose.PublicKey }{[]jose.PublicKey{key}})
		if err != nil {
			t.Fatal(err)
		}
		var set struct{ Keys []map[string]string }
		if err := json.Unmarshal(data, &set); err != nil {
			t.Fatal(err)
		}
		jwk := set.Keys[0]
		for _, name := range strings.Fields(want) {
			if jwk[name] == "" {
				t.Errorf("%s: no member %s", alg, name)
			}
			delete(jwk, name)
		}
		if len(jwk) > 0 {
			t.Errorf("%s: further members %v", alg, jwk)
		}
		if !strings.Contains(key.JWK(), `"kid":"`+key.KID()+`"`) || !strings.Contains(key.JWK(), `"use":"sig"`) ||
			!strings.Contains(key.JWK(), `"alg":"`+string(alg)+`"`) {
			t.Errorf("%s: %s", alg, key.JWK())
		}
	}
}
