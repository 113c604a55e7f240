package authn

import (
	"strings"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/foreignhash"
	"github.com/seed-60f9e3ad/identity/internal/guessable"
)

// Bounds of a password, in characters after NFC.
const (
	minPassword = 8
	maxPassword = 1024
)

// CheckNewPassword refuses a password that a user may not choose: one that is too
// short or too long, among the common ones, or little more than the username; empty is
// no username. There are no rules of composition (NIST SP 800-63B section 3.1.1.2):
// they make passwords worse. The error never repeats the password.
func CheckNewPassword(username string, password identity.Secret) error {
	return CheckPassword("password", username, password)
}

// CheckPassword is CheckNewPassword for a request that has the password in another
// member.
func CheckPassword(member, username string, password identity.Secret) error {
	text := identity.NormalPassword(password).Reveal()
	if !utf8.ValidString(text) || strings.ContainsRune(text, 0) {
		return identity.InvalidField(member, "must be valid UTF-8 without U+0000")
	}
	if n := utf8.RuneCountInString(text); n < minPassword || n > maxPassword {
		return identity.InvalidField(member, "must have %d to %d characters", minPassword, maxPassword)
	}
	if guessable.Similar(username, text) {
		return identity.InvalidField(member, "is too similar to the username")
	}
	if guessable.Common(text) {
		return identity.InvalidField(member, "is one of the most common passwords")
	}
	return nil
}

// ImportedHash returns a hash brought in from another system as it is stored: an
// Argon2id or Argon2i PHC string, or one of the forms of package foreignhash; and
// what verifying it takes, in KiB. It refuses what could never be verified.
func ImportedHash(hash identity.Secret) (stored string, memory uint32, err error) {
	stored, isArgon2 := foreignhash.Argon2(hash.Reveal())
	if isArgon2 {
		var parsed argon2.Hash
		parsed, err = argon2.Parse(stored)
		memory = parsed.Params.Memory
	} else {
		var parsed foreignhash.Hash
		parsed, err = foreignhash.Parse(stored)
		memory = parsed.Memory()
	}
	if err != nil {
		return "", 0, identity.InvalidField("password_hash", "cannot be used: %s", err)
	}
	return stored, memory, nil
}
