package jose_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const (
	rfc7515Payload = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
	rfc7515Claims  = "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

	rfc7515RSA = `{"kty":"RSA","n":"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ","e":"AQAB"}`
	rfc7515EC  = `{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}`
	rfc8037Ed  = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`
	rfc7638RSA = `{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}`

	rfc7515RS256 = "eyJhbGciOiJSUzI1NiJ9." + rfc7515Payload + ".cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
	rfc7515ES256 = "eyJhbGciOiJFUzI1NiJ9." + rfc7515Payload + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"
	rfc8037EdDSA = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
)

func TestMessagesOfOthersVerify(t *testing.T) {
	original := loadClientKey(t)
	for name, v := range map[string]struct{ key, compact, payload string }{
		"RFC 7515 A.2": {rfc7515RSA, rfc7515RS256, rfc7515Claims},
		"RFC 7515 A.3": {rfc7515EC, rfc7515ES256, rfc7515Claims},
		"RFC 8037 A.4": {rfc8037Ed, rfc8037EdDSA, "Example of Ed25519 signing"},
		"jwcrypto":     {original.SPKI, original.JWS, `{"aud":"a","sub":"x"}`},
	} {
		t.Run(name, func(t *testing.T) {
			key, err := jose.ParsePublicKey([]byte(v.key))
			if err != nil {
				t.Fatal(err)
			}
			m, err := jose.Parse(v.compact, jose.AssertionAlgorithms())
			if err != nil {
				t.Fatal(err)
			}
			payload, err := m.Verify(key)
			if err != nil {
				t.Fatal(err)
			}
			if string(payload) != v.payload {
				t.Errorf("payload %q, want %q", payload, v.payload)
			}
		})
	}
}

func TestThumbprints(t *testing.T) {
	original := loadClientKey(t)
	for name, v := range map[string]struct{ key, kid string }{
		"RFC 7638 3.1": {rfc7638RSA, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		"RFC 8037 A.3": {rfc8037Ed, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
		"jwcrypto":     {original.SPKI, original.Thumbprint},
	} {
		key, err := jose.ParsePublicKey([]byte(v.key))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if key.KID() != v.kid {
			t.Errorf("%s: kid %s, want %s", name, key.KID(), v.kid)
		}
	}
}

func TestStaticSignaturesOfTheOriginal(t *testing.T) {
	original := loadClientKey(t)
	key, err := jose.ParsePublicKey([]byte(original.SPKI))
	if err != nil {
		t.Fatal(err)
	}
	if len(original.Signatures) == 0 {
		t.Fatal("no vectors")
	}
	for _, s := range original.Signatures {
		if err := jose.VerifyPSS(key, []byte(original.ClientID), s.Signature); err != nil {
			t.Errorf("salt %s: %v", s.Salt, err)
		}
		if jose.VerifyPSS(key, []byte(original.ClientID+"0"), s.Signature) == nil {
			t.Errorf("salt %s: accepted over another message", s.Salt)
		}
		s.Signature[100] ^= 1
		if jose.VerifyPSS(key, []byte(original.ClientID), s.Signature) == nil {
			t.Errorf("salt %s: accepted with a bit changed", s.Salt)
		}
	}
}

func TestStaticSignatureNeedsAnRSAKeyForIt(t *testing.T) {
	original := loadClientKey(t)
	key, err := jose.ParsePublicKey([]byte(original.SPKI))
	if err != nil {
		t.Fatal(err)
	}
	signature := original.Signatures[0].Signature
	for alg, want := range map[jose.Algorithm]bool{jose.PS256: true, jose.RS256: false, jose.PS512: false} {
		bound, err := key.Bind(alg)
		if err != nil {
			t.Fatal(err)
		}
		if got := jose.VerifyPSS(bound, []byte(original.ClientID), signature) == nil; got != want {
			t.Errorf("bound to %s: accepted %v, want %v", alg, got, want)
		}
	}
	for _, other := range []jose.PublicKey{{}, newKey(t, jose.ES256).Public(), newKey(t, jose.EdDSA).Public()} {
		if jose.VerifyPSS(other, []byte(original.ClientID), signature) == nil {
			t.Error("accepted with another kind of key")
		}
	}
}
