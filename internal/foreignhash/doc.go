// Package foreignhash verifies password hashes that other identity systems made,
// so that their users move in without new passwords. It hides what those systems
// write. It makes no hashes: at the first success the caller has the password at
// hand and replaces the hash with its own Argon2id.
//
// Parse reads these forms, strictly: canonical decimals, canonical base64, nothing
// missing and nothing more. Whatever a hash would cost is bounded by the constants
// of this package before anything is computed.
//
//	$2b$12$<salt and hash>                   bcrypt; also $2a$ and $2y$
//	$pbkdf2-sha256$i=27500,l=32$<s>$<h>      PBKDF2, PHC; l may be left out;
//	                                         also -sha512, and -sha1 or $pbkdf2$
//	$pbkdf2-sha256$29000$<s>$<h>             the same as passlib writes it
//	$scrypt$ln=15,r=8,p=1$<s>$<h>            scrypt, PHC (also of passlib)
//	pbkdf2_sha256$1000000$<salt text>$<h=>   Django; also pbkdf2_sha1
//	bcrypt$$2b$12$<salt and hash>            Django
//	bcrypt_sha256$$2b$12$<salt and hash>     Django: bcrypt of the hexadecimal SHA-256
//	scrypt$16384$<salt text>$8$5$<h=>        Django: N, salt, r, p
//
// Here <s> and <h> are unpadded standard base64 (passlib's PBKDF2 has '.' for '+')
// and <h=> is padded. Some systems need a hand:
//
//   - Keycloak exports the parts. With algorithm and hashIterations of
//     credentialData, salt and value of secretData, the hash is
//     $<algorithm>$i=<hashIterations>$<salt>$<value>, less the '=' at the ends of
//     salt and value.
//   - Spring Security writes the id in braces before the hash: {bcrypt}$2a$…
//     becomes $2a$….
//   - Argon2 is not verified here, since the memory of Argon2 belongs into a pool.
//     Argon2 finds its PHC string, also in Django's argon2$argon2id$….
//
// The algorithms tell passwords apart less well than Argon2, here as there:
//
//   - bcrypt sees the first 72 bytes. A longer password that begins rightly is
//     accepted, and after the caller has hashed it anew, only that one is.
//   - bcrypt repeats the password with a NUL after each turn, so that "a" and
//     "a\x00a" are one. PBKDF2 and scrypt key an HMAC with the password, so that
//     NULs at its end make no difference (RFC 2104 section 2), nor does taking its
//     digest instead of a password longer than the digest's block.
//
// No such twin is easier to guess than the password. Anywhere else, a NUL is a byte
// like others.
package foreignhash
