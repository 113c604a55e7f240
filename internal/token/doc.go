// Package token makes what callers are given and recognises it again: access
// tokens, which are JWTs after RFC 9068, and the refresh tokens of sessions. It hides the
// claims and their rules, and what makes a family of refresh tokens one.
//
// An Issuer turns a Grant, which says who gets a token for which audience, into
// a signed token. It asks nobody: configuration and keys are in memory. A token
// that it verifies for this service's own interfaces has been checked whole:
// type, algorithm, key, signature, issuer, audience and times, each of which
// must be there (RFC 8725 section 3).
//
// Sessions hands out refresh tokens, each of which works once. A session is one row with
// a counter; a token says at which count it is good, under a MAC. So nothing is stored
// for a token, and one conditional write decides that it is used for the first time. A
// second use is told from a lost answer by the time since the first: within the grace it
// gives the same next token again, after it ends the session.
package token
