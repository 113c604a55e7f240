//go:build openssl && cgo

package jose_test

import (
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// TestLibcrypto: a program that was built for it has it, from many goroutines, and its
// signatures verify. Every other test of this package is run with it, too.
func TestLibcrypto(t *testing.T) {
	name, err := jose.RSA()
	if err != nil || !strings.HasPrefix(name, "OpenSSL ") {
		t.Fatalf("%q, %v", name, err)
	}
	for _, alg := range []jose.Algorithm{jose.RS256, jose.PS256, jose.RS512, jose.PS384} {
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				key, err := jose.GeneratePrivateKey(alg)
				if err != nil {
					t.Error(err)
					return
				}
				signer, err := jose.NewSigner(key, alg, "at+jwt")
				if err != nil {
					t.Error(err)
					return
				}
				public := key.Public()
				for range 20 {
					text, err := signer.Sign([]byte(`{"sub":"x"}`))
					if err != nil {
						t.Error(err)
						return
					}
					message, err := jose.Parse(text, []jose.Algorithm{alg})
					if err == nil {
						_, err = message.Verify(public)
					}
					if err != nil {
						t.Error(err)
					}
					runtime.GC() // the key is not freed while it signs
				}
			})
		}
		all.Wait()
	}
}
