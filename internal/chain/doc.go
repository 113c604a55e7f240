// Package chain makes the audit something that can be proven: each event has a number, from
// 1 without gaps, and a hash over itself and the hash of the event before, and signed
// statements say which hash stands at a number. Whoever has the public key, and one such
// statement from elsewhere, can tell whether any event up to it was changed, deleted, added
// or put elsewhere.
//
// The package knows no database. A Verifier takes events and statements one after the other,
// from wherever they come; Writer and Read carry them as JSON lines.
package chain
