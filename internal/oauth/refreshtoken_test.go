package oauth_test

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
)

// Where the fields of a refresh token are, as docs/sessions.md has it.
const (
	refreshPrefix = "idr_"
	keyAt         = 1
	sessionAt     = 5
	countAt       = 21
	macAt         = 25
	refreshLength = 57
)

// refreshBytes reads a refresh token.
func refreshBytes(t *testing.T, token string) []byte {
	t.Helper()
	body, ok := strings.CutPrefix(token, refreshPrefix)
	b, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || err != nil || len(b) != refreshLength || b[0] != 1 {
		t.Fatalf("not the form of a refresh token: %d bytes (%v)", len(b), err)
	}
	return b
}

func refreshText(b []byte) string { return refreshPrefix + base64.RawURLEncoding.EncodeToString(b) }

// sessionOf is the id of the session that a refresh token is of.
func sessionOf(t *testing.T, token string) string {
	t.Helper()
	id := hex.EncodeToString(refreshBytes(t, token)[sessionAt:countAt])
	return id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:]
}

// countOf is how often the session was refreshed before the token was made.
func countOf(t *testing.T, token string) uint32 {
	t.Helper()
	return binary.BigEndian.Uint32(refreshBytes(t, token)[countAt:macAt])
}
