// Package guessable knows the passwords that attackers try first: those that many people
// have, and those that are made of the username. It hides how so many are held without a
// cost to whoever never asks, and what counts as alike.
//
// # Common passwords
//
// The list has some twenty thousand passwords of at least 8 characters, from published
// breaches. It is sorted, and has of each password the first 5 bytes of the SHA-256 of
// its folded form, which differs from it in case and width only. It is searched where it
// lies in the program's read-only data: nothing is made of it at the start, and the
// operating system reads the pages that are looked at. A password that is not on the
// list is taken for one that is with a probability of the list's length / 2^40, about
// one in fifty million.
//
// "go generate" makes the list from passwords.txt.gz, which scripts/common-passwords.sh
// makes from the sources. They are named there and in passwords.LICENSE.txt.
//
// # Passwords like the username
//
// A name in a password gives away little where enough else is beside it, so Similar takes
// the name out and counts what remains.
package guessable

//go:generate go run ./generate
