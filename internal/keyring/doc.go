// Package keyring keeps the keys that sign tokens. It hides where they are and
// how they are protected: it is the only package that unseals one, and nothing
// above it ever holds a private key.
//
// A Ring holds the keys in memory, so signing needs no query. What a key does
// at a moment (published, signing, only verifying) follows from its times; see
// identity.SigningKey. A new key is stored together with the moment at which
// it takes over, a little ahead, so that every node has published it before
// any node signs with it. The key before it stays in the JWKS until the last
// token under it has expired.
//
// A key is never silently replaced. One whose private half does not open, or
// does not belong to its stored public half, is quarantined: it signs nothing.
// If it is the one that should sign, issuing stops and says so; verifying goes
// on with the others.
package keyring
