package token

import (
	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

// RefreshToken makes a refresh token.
func RefreshToken(key *keyring.RefreshKey, s identity.Session, refreshes int) (identity.Secret, error) {
	return refreshToken(key, s, refreshes)
}

// ReadRefreshToken reads one.
func ReadRefreshToken(key *keyring.RefreshKey, text identity.Secret, epoch int64) (sessionID string, refreshes int, err error) {
	claim, err := readRefreshToken(key, text, epoch)
	return claim.sessionID, claim.refreshes, err
}

// Encode makes the payload of a token.
func Encode(c Claims) ([]byte, error) { return c.encode() }
