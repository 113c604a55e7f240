package clientkeys_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Whatever an answer is, its keys are few, public, and found under the ids they go by.
func FuzzSet(f *testing.F) {
	const key = `{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"`
	for _, body := range []string{
		"", "{}", `{"keys":null}`, setOf(), setOf(key + "}"), setOf(key+`,"kid":"a"}`, key+`,"kid":""}`), setOf(key + `,"kid":null}`), setOf(key + `,"d":"a"}`),
		setOf(`{"kty":"oct","k":""}`, "null", "1"), setOf(strings.Repeat(key+"},", 30) + key + "}"), `{"keys":[],"keys":[]}`, `{"keys":[` + key + `}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		set, _, err := clientkeys.ReadSet(body)
		if err != nil && set != nil || len(set) > 20 {
			t.Fatalf("%d keys and error %v", len(set), err)
		}
		for _, key := range set {
			again, err := jose.ParsePublicKey([]byte(key.JWK()))
			if err != nil || again.KID() != key.KID() {
				t.Fatalf("%s: %v", key.JWK(), err)
			}
			name := key.Published
			if name == "" {
				name = key.KID()
			}
			found, ok := set.For(name, jose.EdDSA)
			if key.Fits(jose.EdDSA) && !ok || ok && !found.Fits(jose.EdDSA) {
				t.Fatalf("%q is not found, or is what does not fit", name)
			}
		}
	})
}

// Whatever URL is accepted, the request goes to its host, over TLS, or to where the
// operator allows.
func FuzzURI(f *testing.F) {
	for _, text := range []string{
		"https://example.com/keys?a=b", "http://10.0.0.1/", "https://127.0.0.1/", "https://a@b@c/", `https://a\@b/`, "https://example.com/%0d%0a", "https://[::1%25eth0]/",
		"https://[::ffff:10.0.0.1]:1/", "HTTPS://EXAMPLE.COM", "https://example.com:0x50/", "https://[::1]:", "https://0/", "https://127.1/", "https://example.com#",
	} {
		f.Add(text)
	}
	cfg := newKitConfig()
	cfg.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	fetcher, err := clientkeys.New(cfg)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := fetcher.CheckURI(text); err != nil {
			if len(text) > 12 && strings.Contains(err.Error(), text) {
				t.Fatal("the error repeats it")
			}
			return
		}
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Fragment != "" || u.Hostname() == "" {
			t.Fatalf("%q is accepted", text)
		}
		if a, err := netip.ParseAddr(u.Hostname()); err == nil && !fetcher.MayReach(u.Scheme, a) {
			t.Fatalf("%q leads to %s", text, a)
		}
	})
}
