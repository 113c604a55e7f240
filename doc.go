// Package identity holds the nouns of the Identity Service and their
// invariants: users and machine clients, the proofs a client must present,
// signing keys, the configuration, secrets, sealed values and errors.
//
// It knows nothing of HTTP, SQL or cryptographic formats. Every other package
// speaks in these types, so a newcomer who has read this one knows the
// vocabulary of the whole service. The verbs live in internal/: authn proves
// who is calling, token makes what they are given, keyring keeps the keys,
// store remembers.
package identity
