package guessable

import (
	"crypto/sha256"
	_ "embed"
	"sort"
	"strings"

	"golang.org/x/text/unicode/norm"
	"golang.org/x/text/width"
)

// EntryLength is the length of an entry of the list, in bytes.
const EntryLength = 5

//go:embed passwords.sha256
var list string

// Count returns how many passwords are on the list of common ones.
func Count() int { return len(list) / EntryLength }

// Common reports whether the password is on the list, in whatever case and width. Its
// normalisation is the caller's.
func Common(password string) bool {
	entry := Entry(password)
	at := func(i int) string { return list[i*EntryLength : (i+1)*EntryLength] }
	i := sort.Search(Count(), func(i int) bool { return at(i) >= entry })
	return i < Count() && at(i) == entry
}

// Entry returns what the list has of a password.
func Entry(password string) string {
	sum := sha256.Sum256([]byte(Fold(password)))
	return string(sum[:EntryLength])
}

// Fold returns a password in lower case, and its full-width and half-width characters in
// their usual width: how people vary what they think is theirs alone.
func Fold(password string) string {
	return norm.NFC.String(strings.ToLower(width.Fold.String(password)))
}
