package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// credentials judges what clients prove themselves with.
func (e *examination) credentials(f Facts) {
	for _, s := range f.ExpiringSecrets.List {
		e.add(Care, "secret.expiring", s.about(), "The secret expires on "+s.ExpiresAt.Format(time.DateOnly)+".", "Before that: identity client secret create "+identity.Argument(s.Client))
	}
	more(e, Care, "secret.expiring", f.ExpiringSecrets, "identity client secret list CLIENT shows when.")
	for _, id := range f.Powerless.List {
		e.add(Care, "client.powerless", id, "The client can prove nothing: what it must present has expired, or was deleted.", "identity client secret create "+identity.Argument(id)+" (or identity client key create), or: identity client disable "+identity.Argument(id))
	}
	more(e, Care, "client.powerless", f.Powerless, "identity client list shows what each has.")
	for _, k := range f.SharedKeys.List {
		e.add(Care, "client_key.shared", k.KID, "Several clients have this key: "+strings.Join(k.Clients, ", ")+". Each can pass for the others.", "Give each a key of its own: identity client key create CLIENT --public-key FILE, and delete this one.")
	}
	more(e, Care, "client_key.shared", f.SharedKeys, "Give each client a key of its own.")
	e.unused(f, "secret", f.UnusedSecrets, "identity client secret delete %s %s")
	e.unused(f, "client_key", f.UnusedKeys, "identity client key delete %s %s")
	for _, s := range f.ExpiredSecrets.List {
		e.add(Note, "secret.expired", s.about(), "The secret expired on "+s.ExpiresAt.Format(time.DateOnly)+".", fmt.Sprintf("Once nobody tries it any more: identity client secret delete %s %s", identity.Argument(s.Client), s.ID))
	}
	more(e, Note, "secret.expired", f.ExpiredSecrets, "identity client secret list CLIENT shows them.")
}

func (e *examination) unused(f Facts, kind string, of Some[Credential], cure string) {
	for _, c := range of.List {
		cause := fmt.Sprintf("It was last used %s ago.", days(f.Now.Sub(c.LastUsedAt)))
		if c.LastUsedAt.IsZero() {
			cause = fmt.Sprintf("It was made %s ago, and never used.", days(f.Now.Sub(c.CreatedAt)))
		}
		e.add(Care, kind+".unused", c.about(), cause, "If nobody needs it: "+fmt.Sprintf(cure, identity.Argument(c.Client), c.ID))
	}
	more(e, Care, kind+".unused", of, "identity client show CLIENT shows when each was last used.")
}

// about names a credential.
func (c Credential) about() string {
	about := c.Client + " " + c.ID
	if c.Label != "" {
		about += " (" + c.Label + ")"
	}
	return about
}

// people judges who can log in.
func (e *examination) people(f Facts) {
	for _, name := range f.NeverLoggedIn.List {
		e.add(Care, "user.never", name, fmt.Sprintf("The user was made more than %s ago, and has never logged in.", days(f.Unused)), "Somebody may know the first password. If nobody waits for it: identity user disable "+identity.Argument(name))
	}
	more(e, Care, "user.never", f.NeverLoggedIn, "identity user list -o json shows last_login_at.")
}
