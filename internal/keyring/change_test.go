package keyring_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func TestFirstKey(t *testing.T) {
	for _, algorithm := range jose.SigningAlgorithms() {
		t.Run(string(algorithm), func(t *testing.T) {
			n := first(t, algorithm)
			token, kid, signed := n.sign() // at once
			if signed != algorithm || !n.verifies(token) {
				t.Errorf("it signs with %s; verifies: %v", signed, n.verifies(token))
			}
			n.wantPublished("after the first start", kid)
			jwk := n.published()[kid]
			if jwk["alg"] != string(algorithm) || jwk["use"] != "sig" {
				t.Errorf("published as %v", jwk)
			}
			// RFC 7518 section 6: every other member is public.
			for member := range jwk {
				if !slices.Contains([]string{"kty", "kid", "use", "alg", "crv", "x", "y", "n", "e"}, member) {
					t.Errorf("the JWKS has a member %q", member)
				}
			}
			n.again().wantSigns("after a restart", kid)
		})
	}
}

func TestNoKey(t *testing.T) {
	n := first(t, jose.ES256)
	n.exec(`DELETE FROM signing_keys`)
	_, err := n.Sign(n.Context(), "", []byte(`{}`))
	n.wantKind(err, identity.Unavailable)
	_, err = keyring.Current(n.Context(), n.db)
	n.wantKind(err, identity.Unavailable)
	n.wantPublished("without a key")
}

// texts returns the private key in every form of PEM that it has.
func texts(t *testing.T, private jose.PrivateKey) map[string]string {
	t.Helper()
	block := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	forms := map[string]string{"PKCS#8": block("PRIVATE KEY", private.PKCS8())}
	key, err := x509.ParsePKCS8PrivateKey(private.PKCS8())
	if err != nil {
		t.Fatal(err)
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		forms["PKCS#1"] = block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	case *ecdsa.PrivateKey:
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		forms["SEC 1"] = block("EC PRIVATE KEY", der)
		// What "openssl ecparam -genkey" writes before it: the curve's name.
		curve := []byte{0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22}
		forms["SEC 1 after its parameters"] = block("EC PARAMETERS", curve) + forms["SEC 1"]
	}
	return forms
}

func TestImport(t *testing.T) {
	for _, algorithm := range []jose.Algorithm{jose.RS256, jose.ES256, jose.ES384, jose.EdDSA} {
		original := generate(t, algorithm)
		for form, text := range texts(t, original) {
			t.Run(string(algorithm)+" "+form, func(t *testing.T) {
				n := first(t, jose.ES256)
				oldToken, old, _ := n.sign()
				private, err := jose.ParsePrivateKey([]byte(text))
				n.must(err)
				key := n.imported(private)
				if !key.Public.Equal(original.Public()) || key.KID != original.Public().KID() || key.Algorithm != string(algorithm) {
					t.Errorf("imported as %s for %s", key.KID, key.Algorithm)
				}
				latest, err := keyring.Current(n.Context(), n.db)
				n.must(err)
				if latest.KID != key.KID || !latest.Public.Equal(original.Public()) {
					t.Errorf("what is stored is %s", latest.KID)
				}

				n.wantPublished("at once", old, key.KID)
				n.wantSigns("before the takeover", old)
				n.clock.Move(time.Second)
				n.wantSigns("while a node may not have seen it", old)
				n.clock.Move(time.Second)
				token, kid, signed := n.sign()
				if kid != key.KID || signed != algorithm {
					t.Errorf("after two seconds %s signs with %s", kid, signed)
				}
				n.wantPublished("after the takeover", old, key.KID)
				for _, m := range []*node{n, n.again()} {
					if !m.verifies(oldToken) || !m.verifies(token) {
						t.Error("a token of one of the keys does not verify")
					}
				}
			})
		}
	}
}

func TestFormerKeyStaysForItsLastToken(t *testing.T) {
	n := first(t, jose.ES256)
	_, old, _ := n.sign()
	n.imported(generate(t, jose.ES256))
	n.clock.Move(time.Second)
	last, by, _ := n.sign() // the former key may go on for up to two seconds
	if by != old {
		t.Fatal("the former key has stopped already")
	}
	n.clock.Move(lifetime)
	if !n.verifies(last) {
		t.Error("the last token has just expired, with no clock skew allowed")
	}
	n.clock.Move(time.Minute + soon)
	if n.verifies(last) || len(n.published()) != 1 {
		t.Errorf("%d keys are published long after the last token has expired", len(n.published()))
	}
	if n.again().verifies(last) {
		t.Error("after a restart it is back")
	}
}

func TestFormerKeyCoversTokensOfALongerLifetime(t *testing.T) {
	const month = 30 * 24 * time.Hour
	for name, between := range map[string]func(n *node){
		"lowered before": func(n *node) {
			n.setLifetime(time.Minute)
			n.replaced(generate(n.T, jose.ES256))
		},
		"lowered long before": func(n *node) {
			n.setLifetime(time.Minute)
			n.clock.Move(24 * time.Hour)
			n.replaced(generate(n.T, jose.ES256))
		},
		"lowered after": func(n *node) {
			n.replaced(generate(n.T, jose.ES256))
			n.setLifetime(time.Minute)
		},
		"lowered twice": func(n *node) {
			n.setLifetime(time.Hour)
			n.setLifetime(time.Minute)
			n.replaced(generate(n.T, jose.ES256))
		},
	} {
		t.Run(name, func(t *testing.T) {
			n := first(t, jose.ES256)
			n.setLifetime(month)
			begun := n.clock.Now()
			token, _, _ := n.sign()
			between(n)
			n.must(n.Upkeep(n.Context()))
			n.clock.Move(begun.Add(month).Sub(n.clock.Now()) - time.Second)
			n.must(n.Upkeep(n.Context()))
			if !n.verifies(token) || !n.again().verifies(token) {
				t.Error("a token that lives has lost its key")
			}
			n.clock.Move(time.Hour)
			if n.verifies(token) {
				t.Error("the key is published for ever")
			}
		})
	}
}

func TestKeyThatComesBackStillCoversItsTokens(t *testing.T) {
	const month = 30 * 24 * time.Hour
	n := first(t, jose.ES256)
	n.setLifetime(month)
	again := generate(t, jose.ES256)
	n.replaced(again)
	token, kid, _ := n.sign()
	if kid != again.Public().KID() {
		t.Fatal("the imported key does not sign")
	}
	n.setLifetime(time.Minute)
	n.replaced(generate(t, jose.ES256))
	n.replaced(again)
	n.replaced(generate(t, jose.ES256))
	n.clock.Move(month - time.Hour)
	if !n.verifies(token) {
		t.Error("a token that lives has lost its key")
	}
	n.clock.Move(2 * time.Hour)
	if n.verifies(token) {
		t.Error("the key is published for ever")
	}
}

// A key that is imported again before it was to end is kept for the tokens that it signs, and
// not for those that it was to sign by then.
func TestKeyThatDidNotEndCoversNoMore(t *testing.T) {
	n := first(t, jose.ES256)
	again := generate(t, jose.ES256)
	n.replaced(again)
	n.activated(n.made(jose.ES256), keyring.Activation{})
	n.imported(again)
	n.imported(generate(t, jose.ES256))
	k := n.key(again.Public().KID())
	if want := k.SupersededAt.Add(lifetime + store.KeyMargin); !k.RetiresAt.Equal(want) {
		t.Errorf("it is published for %v longer than its last token lives", k.RetiresAt.Sub(want))
	}
}

func TestSameKeyAgainChangesNothing(t *testing.T) {
	n := first(t, jose.ES256)
	private := generate(t, jose.ES384)
	n.imported(private)
	stored := n.rows()
	n.clock.Move(time.Second)
	n.imported(private) // before its takeover
	n.wantRows("the same key again", stored)
	n.clock.Move(time.Hour)
	n.imported(private)
	n.wantRows("the same key again later", stored)
	n.wantSigns("the same key again", private.Public().KID())
}

func TestRetiredKeyComesBack(t *testing.T) {
	n := first(t, jose.ES256)
	a, b := generate(t, jose.ES384), generate(t, jose.EdDSA)
	n.replaced(a)
	ofA, _, _ := n.sign()
	n.replaced(b)
	ofB, _, _ := n.sign()
	n.clock.Move(time.Minute)
	n.must(n.Upkeep(n.Context()))
	if !n.verifies(ofA) {
		t.Fatal("a retired key does not verify")
	}
	n.replaced(a)
	n.wantSigns("brought back", a.Public().KID())
	n.again().wantSigns("brought back, after a restart", a.Public().KID())
	latest, err := keyring.Current(n.Context(), n.db)
	n.must(err)
	if latest.KID != a.Public().KID() {
		t.Errorf("the latest key is %s", latest.KID)
	}
	if !n.verifies(ofA) || !n.verifies(ofB) {
		t.Error("a token that lives has lost its key")
	}
}

// However quickly keys follow one another, there is always one that signs, and it
// is published.
func TestQuickImportsLeaveNoGap(t *testing.T) {
	a, b := generate(t, jose.ES256), generate(t, jose.ES256)
	original := generate(t, jose.ES256)
	for name, keys := range map[string][]jose.PrivateKey{
		"two":                     {a, b},
		"one and back":            {a, original},
		"one, another, the first": {a, b, a},
		"there and back twice":    {a, original, a, original},
	} {
		t.Run(name, func(t *testing.T) {
			n := first(t, jose.ES256)
			n.replaced(original)
			var tokens []string
			for step := range 60 {
				if step%4 == 0 && step/4 < len(keys) { // one every 200 ms
					n.imported(keys[step/4])
				}
				token, kid, _ := n.sign()
				if n.published()[kid] == nil {
					t.Fatalf("after %d ms a key signs that is not published", 50*step)
				}
				tokens = append(tokens, token)
				n.clock.Move(50 * time.Millisecond)
			}
			asked := keys[len(keys)-1].Public().KID()
			n.wantSigns("in the end", asked)
			latest, err := keyring.Current(n.Context(), n.db)
			n.must(err)
			if latest.KID != asked {
				t.Errorf("the latest key is %s", latest.KID)
			}
			for i, token := range tokens {
				if !n.verifies(token) {
					t.Fatalf("the token made after %d ms does not verify", 50*i)
				}
			}
		})
	}
}

func TestImportedRSAKeyGoesOnWithPS256(t *testing.T) {
	rsaKey := generate(t, jose.RS256)
	for name, tc := range map[string]struct {
		first jose.Algorithm
		want  jose.Algorithm
	}{
		"PS256 before": {jose.PS256, jose.PS256},
		"RS256 before": {jose.RS256, jose.RS256},
		"ES256 before": {jose.ES256, jose.RS256},
	} {
		t.Run(name, func(t *testing.T) {
			n := first(t, tc.first)
			n.replaced(rsaKey)
			token, _, signed := n.sign()
			if signed != tc.want || !n.verifies(token) {
				t.Errorf("it signs with %s, want %s", signed, tc.want)
			}
			// RFC 8725 section 3.1: one key, one algorithm, also when it comes
			// back after one of another kind.
			n.replaced(generate(t, jose.ES256))
			n.replaced(rsaKey)
			_, _, signed = n.sign()
			if signed != tc.want || !n.verifies(token) {
				t.Errorf("after coming back it signs with %s, want %s; its former token verifies: %v", signed, tc.want, n.verifies(token))
			}
		})
	}
}

func TestPrivateHalfIsDestroyed(t *testing.T) {
	n := first(t, jose.ES256)
	_, old, _ := n.sign()
	private := generate(t, jose.ES256)
	var sealed string
	n.one(`SELECT hex(private_ciphertext) FROM signing_keys WHERE kid = ?`, &sealed, old)
	n.imported(private)
	n.must(n.Upkeep(n.Context()))
	n.wantSigns("after upkeep before the takeover", old)
	n.clock.Move(time.Minute)
	n.must(n.Upkeep(n.Context()))

	var left string
	n.one(`SELECT private_wrapper_id || private_data_key || hex(private_ciphertext) FROM signing_keys WHERE kid = ?`, &left, old)
	if left != "" {
		t.Error("the former key still has a private half")
	}
	n.one(`SELECT hex(private_ciphertext) FROM signing_keys WHERE kid = ?`, &left, private.Public().KID())
	if left == "" {
		t.Error("the active key has no private half")
	}
	n.wantPublished("after upkeep", old, private.Public().KID())
	restarted := n.again()
	restarted.wantSigns("after upkeep and a restart", private.Public().KID())

	// Nor does the file keep what it has freed, once it is closed.
	n.must(errors.Join(n.db.Close(), restarted.db.Close()))
	file, err := os.ReadFile(n.path)
	n.must(err)
	ciphertext, err := hex.DecodeString(sealed)
	n.must(err)
	kept, err := hex.DecodeString(left)
	n.must(err)
	if !bytes.Contains(file, kept) {
		t.Fatal("the active key's private half is not in the database file: the search is wrong")
	}
	for piece := range slices.Chunk(ciphertext[:len(ciphertext)/8*8], 8) {
		if bytes.Contains(file, piece) {
			t.Fatal("the database file still has a piece of the former private half")
		}
	}
}

func TestUpkeepForgetsExpiredKeys(t *testing.T) {
	n := first(t, jose.ES256)
	n.replaced(generate(t, jose.ES256))
	n.clock.Move(lifetime)
	n.must(n.Upkeep(n.Context()))
	if got := len(n.rows()); got != 2 {
		t.Errorf("%d keys are stored while a token of the former one may live", got)
	}
	n.clock.Move(time.Hour)
	n.must(n.Upkeep(n.Context()))
	if got := len(n.rows()); got != 1 {
		t.Errorf("%d keys are stored, want only the active one", got)
	}
}

func TestSigningNeedsNoQuery(t *testing.T) {
	n := first(t, jose.ES256)
	next := generate(t, jose.ES256)
	_, old, _ := n.sign()
	n.imported(next)
	n.sign()
	n.must(n.follower.Poll(n.Context()))
	n.must(n.db.Close())
	n.wantSigns("with the database closed", old)
	n.clock.Move(soon)
	n.wantSigns("with the database closed, after a takeover", next.Public().KID())
	n.wantPublished("with the database closed", old, next.Public().KID())
}

// Two nodes on one database sign on while a key is imported through one of them,
// and each verifies at once what the other has just signed.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	n := first(t, jose.ES256)
	n.clock.Move(time.Since(n.clock.Now())) // from here on it goes with real time
	a, b := n.again(), n.again()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, node := range []*node{a, b} {
		go node.follower.Run(ctx)
	}
	private := generate(t, jose.ES256)
	_, old, _ := a.sign()
	var tokens []string
	seen := map[string]int{}
	began, last := time.Now(), time.Now()
	for tick := 0; time.Since(began) < soon-200*time.Millisecond; tick++ {
		n.clock.Move(time.Since(last))
		last = time.Now()
		if tick == 10 {
			a.change(func(tx *store.DB) error {
				_, err := a.Import(ctx, tx, private)
				return err
			})
		}
		for _, pair := range [][2]*node{{a, b}, {b, a}} {
			token, kid, _ := pair[0].sign()
			if !pair[1].verifies(token) || pair[1].published()[kid] == nil {
				t.Fatalf("%v after the start one node does not know the key with which the other signs", time.Since(began))
			}
			tokens = append(tokens, token)
			seen[kid]++
		}
		time.Sleep(5 * time.Millisecond)
	}
	if seen[old] == 0 || seen[private.Public().KID()] == 0 || len(seen) != 2 {
		t.Errorf("tokens by key: %v", seen)
	}
	for _, node := range []*node{a, b} {
		node.wantSigns("in the end", private.Public().KID())
		if slices.ContainsFunc(tokens, func(token string) bool { return !node.verifies(token) }) {
			t.Error("a token does not verify on a node")
		}
	}
}
