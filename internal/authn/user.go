package authn

import (
	"context"
	"errors"
	"log/slog"
	"runtime/trace"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/foreignhash"
)

// User returns the user with this name and password. Its error is
// InvalidCredentials whatever is wrong with them, at the cost of one Argon2id; or
// RateLimited before that.
func (a *Authenticator) User(ctx context.Context, username string, password identity.Secret) (_ identity.Principal, err error) {
	defer trace.StartRegion(ctx, "authn.User").End()
	began := time.Now()
	end, err := a.attempt(ctx, a.addresses.proofs, true)
	if err != nil {
		return identity.Principal{}, err
	}
	defer func() { end(err) }()
	// Computed once, for all that is done with it. Empty is a name that cannot exist,
	// which is asked for too, so that it costs what others cost.
	canonical, nameErr := identity.CanonicalUsername(username)
	if nameErr != nil {
		canonical = ""
	}
	slot, err := a.slot(ctx, identity.UserThrottle(canonical, username), familiarSource(ctx), nil)
	if err != nil {
		return identity.Principal{}, err
	}
	defer func() { slot.end(ctx, err) }()
	user, err := a.findUser(ctx, canonical)
	if err != nil {
		return identity.Principal{}, err
	}
	hashing := time.Now()
	ok, err := a.verifyPassword(ctx, user, password)
	if err != nil {
		return identity.Principal{}, err
	}
	began = began.Add(time.Since(hashing))
	var refusal error
	switch {
	case user.ID == "":
		refusal = refused(identity.Refuse(identity.RefusedUserUnknown, "unknown username: nobody has it"))
	case !ok:
		refusal = refused(identity.Refuse(identity.RefusedPasswordWrong, "wrong password").Of(user.ID))
	case !user.Enabled:
		refusal = refused(disabled(user))
	}
	if refusal != nil {
		return identity.Principal{}, unhurried(ctx, began, refusal)
	}
	slot.proven(ctx)
	if user.HashImported || a.pool.NeedsRehash(user.PasswordHash) {
		a.rehash(ctx, argon2.People, "user", user.ID, identity.NormalPassword(password), func(hash string) error {
			return a.db.RehashPassword(ctx, user.ID, user.PasswordHash, hash)
		})
	}
	return userPrincipal(user, a.db.Now()), nil
}

// Continues returns what the user of a session is and may now. Its errors are InvalidToken
// for one who is disabled, and PasswordChangeRequired.
func Continues(u identity.User, s identity.Session) (identity.Principal, error) {
	switch {
	case !u.Enabled:
		return identity.Principal{}, identity.Errorf(identity.InvalidToken, "The session is over.").Because(disabled(u))
	case u.OneTime:
		return identity.Principal{}, identity.Errorf(identity.PasswordChangeRequired, "The session is over.").Because(OneTime(u.ID))
	}
	p := userPrincipal(u, s.CreatedAt)
	p.AMR = s.AMR
	return p, nil
}

func disabled(u identity.User) *identity.Reason {
	return identity.Refuse(identity.RefusedUserDisabled, "the user is disabled").Of(u.ID)
}

// OneTime is the reason for which a user with a password that works once gets no token.
func OneTime(id string) *identity.Reason {
	return identity.Refuse(identity.RefusedPasswordOneTime, "the password is marked as one-time: it must be changed first").Of(id)
}

func userPrincipal(u identity.User, now time.Time) identity.Principal {
	return identity.Principal{
		ID: u.ID, User: true, Permissions: heldBy(u.Permissions, u.Roles), Audiences: u.Audiences,
		AuthTime: now, AMR: []string{"pwd"}, Version: u.Version, TokensFrom: u.TokensFrom, RevokedAt: u.RevokedAt(), MustChangePassword: u.OneTime, // RFC 8176 section 2
	}
}

// verifyPassword reports whether the password is the user's. A hash that was brought
// in from another system is one of the password's own bytes, and has costs of its own:
// its verification comes on top of the one Argon2id, until the first success.
func (a *Authenticator) verifyPassword(ctx context.Context, user identity.User, password identity.Secret) (bool, error) {
	if !user.HashImported {
		return a.verify(ctx, argon2.People, user.PasswordHash, identity.NormalPassword(password))
	}
	if err := a.burn(ctx, argon2.People); err != nil {
		return false, err
	}
	// The pool runs these one at a time: what a hash from elsewhere costs must not be
	// what all wait for.
	if _, ok := foreignhash.Argon2(user.PasswordHash); ok {
		return a.verify(ctx, argon2.Imported, user.PasswordHash, password)
	}
	hash, err := foreignhash.Parse(user.PasswordHash)
	if err != nil {
		a.logger.WarnContext(ctx, "a stored hash cannot be used", "user", user.ID, "reason", err.Error())
		return false, nil
	}
	var ok bool
	err = a.pool.Do(ctx, party(ctx, argon2.Imported), hash.Memory(), func() { ok = hash.Verify([]byte(password.Reveal())) })
	if unusable(err) {
		a.logger.WarnContext(ctx, "a stored hash cannot be used", "user", user.ID, "reason", err.Error())
		return false, nil
	}
	return ok, hashing(err)
}

// findUser returns the user with the canonical name, or the zero User.
func (a *Authenticator) findUser(ctx context.Context, canonical string) (identity.User, error) {
	defer trace.StartRegion(ctx, "store.UserByName").End()
	user, err := a.db.UserByName(ctx, canonical)
	if identity.KindOf(err) == identity.NotFound {
		return identity.User{}, nil
	}
	return user, err
}

// verify reports whether hash is one of the password. It computes exactly one
// Argon2id: against a dummy where there is no hash, or none that may be used.
func (a *Authenticator) verify(ctx context.Context, class argon2.Class, hash string, password identity.Secret) (bool, error) {
	defer trace.StartRegion(ctx, "argon2.Verify").End()
	if hash == "" {
		return false, a.burn(ctx, class)
	}
	ok, err := a.pool.Verify(ctx, party(ctx, class), hash, []byte(password.Reveal()))
	if unusable(err) {
		a.logger.WarnContext(ctx, "a stored hash cannot be used", "reason", err.Error())
		return false, a.burn(ctx, class)
	}
	return ok, hashing(err)
}

// burn computes one Argon2id that decides nothing.
func (a *Authenticator) burn(ctx context.Context, class argon2.Class) error {
	defer trace.StartRegion(ctx, "argon2.Burn").End()
	return hashing(a.pool.Burn(ctx, party(ctx, class)))
}

func unusable(err error) bool {
	return errors.Is(err, argon2.ErrMalformed) || errors.Is(err, argon2.ErrArgon2d) ||
		errors.Is(err, argon2.ErrVersion) || errors.Is(err, argon2.ErrLimits) || errors.Is(err, argon2.ErrTooLarge)
}

// rehash replaces a hash that is weaker than today's, or of another form, now
// that its password is at hand. The proof held, so a failure is only logged.
func (a *Authenticator) rehash(ctx context.Context, class argon2.Class, kind, id string, password identity.Secret, store func(hash string) error) {
	hash, err := a.pool.Hash(ctx, party(ctx, class), []byte(password.Reveal()))
	if err == nil {
		err = store(hash)
	}
	if err != nil {
		a.logger.WarnContext(ctx, "a weak hash could not be replaced; the next success tries again", slog.String(kind, id), slog.String("reason", err.Error()))
	}
}
