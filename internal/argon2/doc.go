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
// A Pool bounds what hashing costs the process. It has one weighted semaphore,
// counted in KiB and divided into equal slots: a hash takes one slot, or its
// true memory where that is more. Since every hash takes at least a slot, no
// more than Slots run at once; since every hash takes at least its memory, no
// more than Stats.MemoryLimitKiB are used at once. There is nothing else to
// acquire, so two bounds cannot deadlock. Callers that find no slot wait in a
// first-come-first-served queue, which is bounded in length and in time; beyond
// it they get ErrOverloaded.
//
// Burn costs what Verify of a hash made by the pool costs, so that a refusal
// for an unknown principal takes the time of one for a known principal.
package argon2
