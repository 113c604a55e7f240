// Package authn finds out who is calling. It hides how each proof works:
// passwords, client secrets, client assertions (RFC 7523) and the static
// signatures of the original service.
//
// # Rules
//
// A client must present every proof that it requires; a proof that it does not
// require is not looked at. Whatever is wrong, the caller learns the same:
// invalid credentials. The reason goes to the log.
//
// What a refusal costs follows from the shape of the request, never from whom
// it names: with a password or a secret in it exactly one Argon2id, with a
// signature in it exactly one verification, or none for anybody where its text
// can be no signature. Where the principal is unknown or has nothing to compare
// with, a dummy is used. A refusal without a hash is so quick that reading what is
// stored would show in its time, so it comes at a time drawn by chance that is later.
//
// One-time things come last: an assertion is spent only after every other proof
// has held.
//
// # Memory
//
// Argon2id proves a client secret the first time. Then memory keeps an HMAC of
// it under a random key of this process for a bounded time, beside the client
// it belongs to, so that it goes when the client or any credential of it
// changes. Passwords of people are never kept.
package authn
