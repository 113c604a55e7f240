package doctor

import (
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const (
	// oldKey is when a key that nobody replaces has signed for long enough.
	oldKey = 365 * 24 * time.Hour
	// overdue is how late a rotation may be.
	overdue = 24 * time.Hour
)

// keys judges what signs tokens.
func (e *examination) keys(f Facts) {
	signs := false
	for _, k := range f.Keys {
		state := k.State(f.Now)
		signs = signs || state == identity.KeyActive && k.Default && k.Fault == nil
		if k.Fault != nil {
			e.add(Care, "key.quarantined", k.KID, "The key cannot be used: "+k.Fault.Error()+".",
				"docs/runbook.md, \"The signing key\": put it back from a backup, or have another one take over.")
			continue
		}
		if state == identity.KeyActive {
			e.age(f, k)
		}
	}
	if !signs {
		e.add(Care, "key.none", "", "There is no key that signs: nobody gets a token.", "identity key create ES256, and identity key activate KID --now --default.")
	}
	e.sealed(f)
}

// age judges how long a key has signed.
func (e *examination) age(f Facts, k Key) {
	age, interval := f.Now.Sub(k.ActivatesAt), f.Configuration.KeyRotationInterval
	switch {
	case !k.SupersededAt.IsZero(): // another one is to take over
	case interval > 0 && age > interval+overdue:
		e.add(Care, "key.overdue", k.KID, fmt.Sprintf("The %s key has signed for %s, and was to be replaced after %s.", k.Algorithm, days(age), days(interval)),
			"Rotation is done by a running service: see its log for \"rotation\".")
	case interval == 0 && age > oldKey:
		e.add(Care, "key.old", k.KID, fmt.Sprintf("The %s key has signed for %s, and nothing is set that replaces it.", k.Algorithm, days(age)),
			"identity config set --key-rotation-interval 7776000 (90 days) has keys replaced by themselves.")
	}
}

// sealed judges what is under which encryption key.
func (e *examination) sealed(f Facts) {
	others := 0
	for _, s := range f.Sealed {
		switch {
		case !s.Listed:
			e.add(Care, "sealed.key_missing", s.Title, "It is sealed under a key that ENCRYPTION_KEY does not list.", "Put that key back into ENCRYPTION_KEY: no service starts without it.")
		case s.Fault != nil:
			e.add(Care, "sealed.damaged", s.Title, "It does not open: "+s.Fault.Error()+".", "docs/runbook.md says what to do about damage; identity key rewrap --status shows all of it.")
		case !s.First:
			others++
		}
	}
	if others > 0 {
		e.add(Care, "sealed.other_key", "", fmt.Sprintf("%d values are under another encryption key than the first one.", others), "identity key rewrap puts everything under the first one; then the others can be left out.")
	}
	if f.WeakKey {
		e.add(Care, "encryption_key.weak", "", "The first encryption key is of the 32-byte form, whose cipher is AES-128.", "identity encryption-key makes one of 64 bytes (AES-256): put it first and run identity key rewrap.")
	}
	if f.KeyBeside {
		e.add(Note, "encryption_key.beside", "", "The encryption key is in a file beside the database: whoever copies the folder has both.", "Keep a copy elsewhere, and set ENCRYPTION_KEY or ENCRYPTION_KEY_FILE.")
	}
}
