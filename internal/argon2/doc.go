// Package argon2 hashes passwords and client secrets with Argon2id (RFC 9106)
// and hides how expensive that is.
//
// Hashes are PHC strings:
//
//	$argon2id$v=19$m=19456,t=2,p=1$<salt>$<tag>
//
// with unpadded standard base64, as argon2-cffi writes them. Parse reads them
// strictly and refuses a hash whose parameters exceed the limits of this
// package before any memory is taken for it. Argon2i is read too; Argon2d and
// the version before 1.3 are refused.
//
// A Pool bounds what hashing costs the process: how many hashes run at once, its
// slots, and what they take together, its memory. A hash takes one slot and its
// true memory, both at once or neither, so that two bounds cannot deadlock. One
// that needs more than all the memory gets ErrTooLarge; one that needs most of it
// runs when it is free, and the others wait for it.
//
// Callers that find no slot wait in a queue, which is bounded in length and in
// time; beyond it they get ErrOverloaded. They say on whose behalf they come, a
// Party: people, machines, administrators and the verification of imported hashes
// take turns, and in each class the sources do. When the queue is full, the one
// who crowds it gives way, not whoever comes last.
//
// Burn costs what Verify of a hash made by the pool costs, so that a refusal
// for an unknown principal takes the time of one for a known principal.
package argon2
