package jose_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func TestSignedMessagesVerify(t *testing.T) {
	for _, alg := range jose.AssertionAlgorithms() {
		key := newKey(t, alg)
		for _, payload := range []string{claims, "", "\x00\xff", strings.Repeat("x", 10_000)} {
			m, err := jose.Parse(sign(t, key, alg, payload), []jose.Algorithm{alg})
			if err != nil {
				t.Fatalf("%s: %v", alg, err)
			}
			got, err := m.Verify(key.Public())
			if err != nil || string(got) != payload {
				t.Errorf("%s: %v", alg, err)
			}
		}
	}
}

func TestHeaderOfOurMessages(t *testing.T) {
	key := newKey(t, jose.ES256)
	for typ, want := range map[string]string{
		"at+jwt": `{"alg":"ES256","kid":"` + key.Public().KID() + `","typ":"at+jwt"}`,
		"":       `{"alg":"ES256","kid":"` + key.Public().KID() + `"}`,
	} {
		signer, err := jose.NewSigner(key, jose.ES256, typ)
		if err != nil {
			t.Fatal(err)
		}
		compact, err := signer.Sign([]byte(claims))
		if err != nil {
			t.Fatal(err)
		}
		first, _, _ := strings.Cut(compact, ".")
		header, err := b64.DecodeString(first)
		if err != nil || string(header) != want {
			t.Errorf("header %s, want %s", header, want)
		}
		if signer.KID() != key.Public().KID() || signer.Algorithm() != jose.ES256 {
			t.Errorf("signer of %s under %s", signer.Algorithm(), signer.KID())
		}
	}
}

func TestSignersThatCannotBe(t *testing.T) {
	key := newKey(t, jose.ES256)
	for _, alg := range []jose.Algorithm{jose.ES384, jose.RS256, jose.EdDSA, "none", "HS256", ""} {
		if _, err := jose.NewSigner(key, alg, "JWT"); err == nil {
			t.Errorf("%q with a P-256 key was accepted", alg)
		}
	}
	for _, typ := range []string{"\xff", strings.Repeat("x", 4<<10)} {
		if _, err := jose.NewSigner(key, jose.ES256, typ); err == nil {
			t.Errorf("a type of %d bytes was accepted", len(typ))
		}
	}
}

func TestSignRefusesWhatParseWould(t *testing.T) {
	signer, err := jose.NewSigner(newKey(t, jose.RS256), jose.RS256, "")
	if err != nil {
		t.Fatal(err)
	}
	longest := 0
	for n := 11_000; n < 13_000; n++ {
		if n%50 != 0 && n < 11_800 { // near the limit byte by byte, before it in steps
			continue
		}
		compact, err := signer.Sign(make([]byte, n))
		if err != nil {
			break
		}
		if _, err := jose.Parse(compact, jose.SigningAlgorithms()); err != nil {
			t.Fatalf("%d bytes of payload: signed, but %v", n, err)
		}
		longest = len(compact)
	}
	if longest > jose.MaxMessage || longest < jose.MaxMessage-4 {
		t.Errorf("the longest message has %d bytes", longest)
	}
	if _, err := signer.Sign(make([]byte, 1<<20)); err == nil {
		t.Error("1 MiB was signed")
	}
}

func TestSignerIsSafeForConcurrentUse(t *testing.T) {
	for _, alg := range jose.SigningAlgorithms() {
		key := newKey(t, alg)
		signer, err := jose.NewSigner(key, alg, "at+jwt")
		if err != nil {
			t.Fatal(err)
		}
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				compact, err := signer.Sign([]byte(claims))
				if err != nil {
					t.Error(err)
					return
				}
				m, err := jose.Parse(compact, []jose.Algorithm{alg})
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := m.Verify(key.Public()); err != nil {
					t.Error(err)
				}
			})
		}
		group.Wait()
	}
}
