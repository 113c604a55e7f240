package guessable

import (
	"slices"
	"strings"
	"unicode"
)

// What must remain of a password when the name has been taken out of it. A short name
// is in many a password by chance, and gives little away.
const (
	shortName      = 4 // characters; a name with fewer is short
	remains        = 6
	remainsOfShort = 3
)

// Similar reports whether the password is little more than the username: it or one of
// its parts, as it is, reversed, with the usual substitutions, any number of times, and
// only a few characters around. Taken out is every occurrence of the name; counted is
// what remains, of runs such as "111" and "1234" one character. The cost is bounded by
// the length of both. An empty username is none.
func Similar(username, password string) bool {
	if username == "" {
		return false
	}
	name, text := []rune(Fold(username)), []rune(Fold(password))
	if slices.Equal(name, text) {
		return true
	}
	pieces, enough := namePieces(name)
	plain, at := plainly(text, separates)
	if len(pieces) == 0 { // the name is nothing but separators
		pieces = [][]rune{name}
		plain, at = plainly(text, nothing)
	}
	found, left := false, 0
	for i, last := 0, rune(-2); i < len(plain); { // next to no character
		if n := longest(pieces, plain[i:]); n > 0 {
			found = true
			i += n
			continue
		}
		c := text[at[i]]
		if c < last-1 || c > last+1 {
			left++
		}
		last = c
		i++
	}
	return found && left < enough
}

// namePieces returns what is looked for, the longest first, and how many characters must
// remain beside it.
func namePieces(name []rune) (pieces [][]rune, enough int) {
	whole, _ := plainly(name, separates)
	if len(whole) < shortName {
		return both(whole), remainsOfShort
	}
	pieces = both(whole)
	parts := strings.FieldsFunc(string(name), func(r rune) bool { return r == '@' || separates(r) })
	for _, part := range parts {
		if p, _ := plainly([]rune(part), separates); len(p) >= shortName {
			pieces = append(pieces, both(p)...)
		}
	}
	slices.SortStableFunc(pieces, func(a, b []rune) int { return len(b) - len(a) })
	return pieces, remains
}

// both returns a name forwards and backwards; nothing if it is empty.
func both(name []rune) [][]rune {
	if len(name) == 0 {
		return nil
	}
	backwards := slices.Clone(name)
	slices.Reverse(backwards)
	return [][]rune{name, backwards}
}

// longest returns the length of the first of the pieces with which text begins, or 0.
func longest(pieces [][]rune, text []rune) int {
	for _, p := range pieces {
		if len(p) <= len(text) && slices.Equal(p, text[:len(p)]) {
			return len(p)
		}
	}
	return 0
}

// plainly returns the characters of a text without those to skip and with substitutions
// undone, and where in the text each was.
func plainly(text []rune, skip func(rune) bool) (plain []rune, at []int) {
	for i, c := range text {
		if !skip(c) {
			plain, at = append(plain, undone(c)), append(at, i)
		}
	}
	return plain, at
}

// separates reports whether a character does no more than keep others apart.
func separates(c rune) bool { return strings.ContainsRune(".-_,+", c) || unicode.IsSpace(c) }

func nothing(rune) bool { return false }

// undone returns the letter for which a character is commonly put; itself if there is
// none. "1" stands for two letters, so these are one here.
func undone(c rune) rune {
	switch c {
	case '0':
		return 'o'
	case '1', 'l', '!', '|':
		return 'i'
	case '3':
		return 'e'
	case '4', '@':
		return 'a'
	case '5', '$':
		return 's'
	case '7':
		return 't'
	}
	return c
}
