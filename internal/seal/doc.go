// Package seal encrypts what the service keeps secret at rest.
//
// A value is sealed under a data key of its own: AES-256-GCM with a random
// 12-byte nonce, and the place where the value is stored (table, column, row,
// version) as associated data, so that a value moved to another place does not
// open. The data key is wrapped by a KeyWrapper: a Fernet token
// (https://github.com/fernet/spec) under the first ENCRYPTION_KEY, with the id
// of that key beside it. Every listed key opens, so keys rotate by putting a
// new one in front and rewrapping, which never touches the encrypted value.
//
// A FernetKey has 64 bytes (HMAC-SHA256 and AES-256-CBC, what the service
// makes) or the 32 of the Fernet specification (AES-128-CBC). Tokens are
// authenticated before anything in them is looked at. Their time is not: at
// rest, nothing expires.
//
// Open tells ErrUnknownKey, a matter of configuration, from ErrDamaged, a
// matter of the stored value. No error and no formatter shows key material.
//
// OpenOriginal reads the form in which the original Python service stored its
// signing key.
package seal
