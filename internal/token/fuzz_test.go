package token_test

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// A refresh token says what it was made of, has one spelling, and holds in its epoch and
// under its key only; no other text is one.
func FuzzRefreshToken(f *testing.F) {
	key, other := &keyring.RefreshKey{ID: [4]byte{1, 2, 3, 4}}, &keyring.RefreshKey{ID: [4]byte{1, 2, 3, 5}}
	f.Add("", []byte("0123456789abcdef"), uint32(0), int64(0), 4)
	f.Add("idr_"+strings.Repeat("A", 76), make([]byte, 16), uint32(1<<32-1), int64(-1), 79)
	f.Add("idr_"+strings.Repeat("A", 70)+"\r\n\n\n\n\n", []byte{0xff}, uint32(100_000), int64(1)<<62, 30)
	f.Add("IDR_"+strings.Repeat("-", 76), []byte("0123456789abcdefg"), uint32(7), int64(3), 0)
	f.Fuzz(func(t *testing.T, text string, id []byte, refreshes uint32, epoch int64, at int) {
		if _, _, err := token.ReadRefreshToken(key, identity.NewSecret(text), epoch); err == nil {
			t.Fatalf("%q is a token", text) // or HMAC-SHA256 is broken
		} else if len(text) > 8 && strings.Contains(err.Error(), text) {
			t.Fatal("the error repeats it")
		}
		digits := hex.EncodeToString(id)
		if len(id) == 16 {
			digits = digits[:8] + "-" + digits[8:12] + "-" + digits[12:16] + "-" + digits[16:20] + "-" + digits[20:]
		}
		made, err := token.RefreshToken(key, identity.Session{ID: digits, Epoch: epoch}, int(refreshes))
		if (err == nil) != (len(id) == 16) {
			t.Fatalf("an id of %d bytes: %v", len(id), err)
		}
		if err != nil {
			return
		}
		sessionID, counted, err := token.ReadRefreshToken(key, made, epoch)
		if err != nil || sessionID != digits || counted != int(refreshes) {
			t.Fatalf("came back as %s, %d (%v)", sessionID, counted, err)
		}
		genuine := made.Reveal()
		at = int(uint(at) % uint(len(genuine)))
		for _, changed := range []string{
			genuine[:at] + string(genuine[at]^1) + genuine[at+1:], genuine[:at] + genuine[at+1:], genuine[:at] + "A" + genuine[at:],
			genuine[:at] + "\n" + genuine[at+1:], genuine + "=",
		} {
			if _, _, err := token.ReadRefreshToken(key, identity.NewSecret(changed), epoch); err == nil {
				t.Fatalf("%q is as good as %q", changed, genuine)
			}
		}
		if _, _, err := token.ReadRefreshToken(key, made, epoch+1); err == nil {
			t.Fatal("it holds in another epoch")
		}
		if _, _, err := token.ReadRefreshToken(other, made, epoch); err == nil {
			t.Fatal("it holds under another key")
		}
	})
}
