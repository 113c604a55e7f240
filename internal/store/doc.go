// Package store remembers. It hides SQL: everything above it sees *DB, whose
// methods are atomic verbs of the domain (SpendAssertion, ActivateSigningKey),
// not tables and rows.
//
// # Transactions
//
// Tx and Change hand a function the same type again, bound to one transaction.
// Change is for administrative writes: it takes the one revision row first, so
// that such writes happen one after another and a check made inside one cannot
// be overtaken, and every verb that needs it says so. What was touched is
// appended to the changes table, from which the Followers of all nodes learn
// what to drop from memory.
//
// # Promises
//
// A verb that returned nil is durable: it survives the loss of the process and
// of power. A verb that failed changed nothing. One-time things are one
// conditional statement whose affected rows are checked, never a read followed
// by a write. Secrets are stored as identity.Sealed or as Argon2 hashes only.
//
// # SQL
//
// One query text serves every database: a portable subset with integer
// milliseconds for times, ids made in Go, no RETURNING and no FOR UPDATE. What
// differs between databases is in the dialect value.
package store
