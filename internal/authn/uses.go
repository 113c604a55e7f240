package authn

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// usesHeld bounds what waits to be stored of each kind. Beyond, a use is not noted:
// the next one will be.
const usesHeld = 10_000

// uses notes who logged in and which credentials were used, to be stored together,
// off the way of the requests.
type uses struct {
	mu                    sync.Mutex
	logins, secrets, keys map[string]time.Time
}

// NoteLogin notes that a user has got a token.
func (a *Authenticator) NoteLogin(p identity.Principal) {
	a.uses.mu.Lock()
	defer a.uses.mu.Unlock()
	noteUse(&a.uses.logins, p.ID, p.AuthTime)
}

func (u *uses) client(try *attempt, at time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	noteUse(&u.secrets, try.secretID, at)
	noteUse(&u.keys, try.keyID, at)
}

func noteUse(to *map[string]time.Time, id string, at time.Time) {
	if *to == nil {
		*to = map[string]time.Time{}
	}
	if _, known := (*to)[id]; id != "" && (known || len(*to) < usesHeld) {
		(*to)[id] = at
	}
}

// StoreUses stores what was noted since the last call. What cannot be stored is lost:
// it says when something was last used, and nothing depends on it.
func (a *Authenticator) StoreUses(ctx context.Context) error {
	a.uses.mu.Lock()
	logins, secrets, keys := a.uses.logins, a.uses.secrets, a.uses.keys
	a.uses.logins, a.uses.secrets, a.uses.keys = nil, nil, nil
	a.uses.mu.Unlock()
	return errors.Join(a.db.RecordLogins(ctx, logins), a.db.RecordSecretUse(ctx, secrets), a.db.RecordKeyUse(ctx, keys))
}
