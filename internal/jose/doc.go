// Package jose makes and reads compact JWS (RFC 7515), JWK (RFC 7517) and PEM
// keys. It hides go-jose and the standard library's crypto behind types that
// cannot hold a weak key, an unknown algorithm or an unverified claim.
//
// A key is parsed once, into a PublicKey or a PrivateKey, and meets the policy
// from then on: RSA of 2048 to 8192 bits with an odd exponent of at least
// 65537, P-256, P-384 or Ed25519. Nine asymmetric algorithms exist; "none" and
// the HMAC family have no name here, so no list of allowed algorithms can let
// them in. The key decides which algorithms it may be used with, and the header
// must agree with it, never the other way round.
//
// A message goes through Parse, which reads it strictly and looks at nothing
// but its form, and then Message.Verify with a key that the caller chose; only
// that yields the payload. Verifier does the same at a cost that does not tell
// whether there was a key. A Signer makes messages.
//
// Everything is strict: one JSON object without duplicate members, member names
// compared exactly, valid UTF-8, unpadded canonical base64url. What a message
// says about keys (jwk, jku, x5u, x5c) is refused, and nothing is ever fetched.
//
// The text of every error is fit to be shown to whoever sent the input: it says
// what was expected and repeats nothing of what came.
package jose
