// Package keyring keeps the keys that sign tokens. It hides where they are and
// how they are protected: it is the only package that unseals one, and nothing
// above it ever holds a private key.
//
// A Ring holds the keys in memory, so signing needs no query. What a key does
// at a moment (published, signing, only verifying) follows from its times; see
// identity.SigningKey. Keys of one algorithm stand in a line, in which the next
// takes over from the one before once it has been published for MaxAge, so that
// no verifier meets a key that it does not know. Importing a key, and activating
// one that is to replace a leaked one, do not wait: they sign as soon as every
// node has published them. The key before stays in the JWKS until the last token
// under it has expired.
//
// A key is never silently replaced. One whose private half does not open, or
// does not belong to its stored public half, is quarantined: it signs nothing.
// If it is the one that should sign, issuing stops and says so; verifying goes
// on with the others.
package keyring
