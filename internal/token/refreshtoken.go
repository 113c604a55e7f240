package token

import (
	"crypto/hmac"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"strings"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

// A refresh token is "idr_" and 76 characters of base64url without padding, which are
//
//	version     1 byte, 1
//	key         4 bytes, the id of the key of the MAC
//	session    16 bytes, its id
//	refreshes   4 bytes, big-endian: how often the session was refreshed before
//	MAC        32 bytes, HMAC-SHA256 over all of these and then the epoch, 8 bytes big-endian
//
// It is made from the session and stored nowhere, so that the same one can be made again.
const (
	RefreshPrefix  = "idr_" // how every refresh token begins
	refreshVersion = 1
	macStart       = 1 + 4 + 16 + 4
	refreshLength  = macStart + 32
)

// refreshClaim is what an authentic refresh token says.
type refreshClaim struct {
	sessionID string // a UUID
	refreshes int
}

// refreshToken makes the token that refreshes the session once it has been refreshed as
// often as it says.
func refreshToken(key *keyring.RefreshKey, s identity.Session, refreshes int) (identity.Secret, error) {
	id, err := hex.DecodeString(strings.ReplaceAll(s.ID, "-", ""))
	if err != nil || len(id) != 16 || refreshes < 0 || refreshes > math.MaxUint32 {
		return identity.Secret{}, errors.New("the session cannot be put into a token")
	}
	b := make([]byte, 0, refreshLength)
	b = append(b, refreshVersion)
	b = append(b, key.ID[:]...)
	b = append(b, id...)
	b = binary.BigEndian.AppendUint32(b, uint32(refreshes))
	b = append(b, refreshMAC(key, b, s.Epoch)...)
	return identity.NewSecret(RefreshPrefix + base64.RawURLEncoding.EncodeToString(b)), nil
}

func refreshMAC(key *keyring.RefreshKey, fields []byte, epoch int64) []byte {
	message := make([]byte, 0, macStart+8)
	message = append(message, fields...)
	return key.MAC(binary.BigEndian.AppendUint64(message, uint64(epoch))) //nolint:gosec // one to one, also for negative numbers
}

// checkRefreshForm refuses what no refresh token looks like, before anything is asked for it.
func checkRefreshForm(text identity.Secret) error {
	body, ok := strings.CutPrefix(text.Reveal(), RefreshPrefix)
	if !ok || len(body) != base64.RawURLEncoding.EncodedLen(refreshLength) {
		return identity.Refuse(identity.RefusedRefreshForm, "it has not the form of a refresh token")
	}
	return nil
}

// SessionOf returns the id of the session of a refresh token that was made under the key in
// the epoch, or why it is none.
func SessionOf(key *keyring.RefreshKey, text identity.Secret, epoch int64) (string, *identity.Reason) {
	claim, err := readRefreshToken(key, text, epoch)
	return claim.sessionID, identity.ReasonOf(err)
}

// errOtherKey is within the refusal of a token that may be good where the key is known.
var errOtherKey = identity.Refuse(identity.RefusedRefreshKey, "it was made under another key: before all sessions were ended, or by another installation")

// readRefreshToken returns what a token says that was made under the key in the epoch.
func readRefreshToken(key *keyring.RefreshKey, text identity.Secret, epoch int64) (refreshClaim, error) {
	if err := checkRefreshForm(text); err != nil {
		return refreshClaim{}, err
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimPrefix(text.Reveal(), RefreshPrefix))
	if err != nil || len(b) != refreshLength { // the decoder skips line breaks
		return refreshClaim{}, identity.Refuse(identity.RefusedRefreshForm, "it is not base64url")
	}
	if b[0] != refreshVersion || [4]byte(b[1:5]) != key.ID {
		return refreshClaim{}, errOtherKey
	}
	if !hmac.Equal(b[macStart:], refreshMAC(key, b[:macStart], epoch)) {
		return refreshClaim{}, identity.Refuse(identity.RefusedRefreshMAC, "its MAC does not fit: it was changed, or is from before all sessions were ended")
	}
	id := hex.EncodeToString(b[5:21])
	return refreshClaim{
		sessionID: id[:8] + "-" + id[8:12] + "-" + id[12:16] + "-" + id[16:20] + "-" + id[20:],
		refreshes: int(binary.BigEndian.Uint32(b[21:macStart])),
	}, nil
}
