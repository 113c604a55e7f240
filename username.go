package identity

import (
	"errors"
	"unicode/utf8"

	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"
)

const maxUsernameBytes = 255

// CanonicalUsername returns the one form under which a username is stored,
// looked up, throttled and audited: PRECIS UsernameCaseMapped (RFC 8265
// section 3.3), nothing trimmed. Names that differ only in case or width have
// the same canonical form. A name that PRECIS refuses, that is empty or longer
// than 255 bytes is an InvalidRequest.
func CanonicalUsername(name string) (string, error) {
	if len(name) > maxUsernameBytes {
		return "", InvalidField("username", "must have at most %d bytes", maxUsernameBytes)
	}
	canonical, err := precis.UsernameCaseMapped.String(name)
	if err == nil && canonical != "" {
		// RFC 8264 section 7: the rules are not idempotent for every string.
		// A name that has no stable form has no canonical one.
		var again string
		if again, err = precis.UsernameCaseMapped.String(canonical); err == nil && again != canonical {
			err = errors.New("no stable form")
		}
	}
	if err != nil || canonical == "" || len(canonical) > maxUsernameBytes {
		return "", InvalidField("username", "must be a PRECIS username (RFC 8265): letters, digits and ASCII punctuation, no spaces")
	}
	return canonical, nil
}

// NormalPassword returns the form of a password that is hashed: NFC, as
// RFC 8265 section 4.2 (OpaqueString) has it, so that the same password typed
// on two systems is one. Nothing is trimmed, mapped or refused here.
func NormalPassword(password Secret) Secret {
	return NewSecret(norm.NFC.String(password.Reveal()))
}

func runeLen(s string) int { return utf8.RuneCountInString(s) }
