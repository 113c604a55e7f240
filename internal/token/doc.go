// Package token makes what callers are given and recognises it again: access
// tokens, which are JWTs after RFC 9068. It hides the claims and their rules.
//
// An Issuer turns a Grant, which says who gets a token for which audience, into
// a signed token. It asks nobody: configuration and keys are in memory. A token
// that it verifies for this service's own interfaces has been checked whole:
// type, algorithm, key, signature, issuer, audience and times, each of which
// must be there (RFC 8725 section 3).
package token
