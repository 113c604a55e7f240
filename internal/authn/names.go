package authn

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime/trace"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// slotTries is how often other nodes may be faster.
const slotTries = 16

// slot is the right to one attempt on a name, which has been counted in the database
// before anything is computed for it. Nil is that of one that needs none.
type slot struct {
	a *Authenticator
	// account is the one on which it was counted: familiar's, or else name's. before is
	// what that was.
	account, before, name, familiar identity.Throttle
	leave                           func()
}

// slot counts an attempt on the name, and returns the right to it. Attempts of one key
// take turns; when it has its own, one that enough says needs no right any more gets nil.
// source is the address that may be familiar; empty for none. The error is RateLimited if
// the next attempt may not begin yet.
func (a *Authenticator) slot(ctx context.Context, name identity.Throttle, source string, enough func() bool) (*slot, error) {
	defer trace.StartRegion(ctx, "authn.slot").End()
	s := &slot{a: a, name: name, familiar: name.From(source)}
	key, leave := "", func() {}
	for range slotTries {
		now := a.db.Now()
		account, wait, err := s.read(ctx, now)
		if err != nil {
			leave()
			return nil, err
		}
		if key != account.ID {
			leave()
			var waited bool
			if key, leave, waited, err = a.turn(ctx, name, account.ID); err != nil {
				return nil, err
			}
			if enough != nil && enough() {
				leave()
				return nil, nil //nolint:nilnil // documented
			}
			if waited {
				continue // the account is another now
			}
		}
		if wait > 0 {
			leave()
			return nil, a.tooMany(PolicyName, wait, s.waits(account))
		}
		next, longer := account.Begin(now)
		swapped, err := a.db.SwapThrottle(ctx, account, next)
		if err == nil && swapped && longer {
			err = a.recordWait(ctx, name, next)
		}
		if err != nil {
			leave()
			return nil, err
		}
		if swapped {
			s.account, s.before, s.leave = next, account, leave
			return s, nil
		}
	}
	leave()
	return nil, a.tooMany(PolicyName, time.Second, turnless(name))
}

// turn waits for the turn of a key.
func (a *Authenticator) turn(ctx context.Context, name identity.Throttle, key string) (_ string, leave func(), waited bool, err error) {
	leave, waited, err = a.turns.take(ctx, key)
	if err == nil {
		return key, leave, waited, nil
	}
	if ctx.Err() != nil {
		return "", nil, waited, ctx.Err()
	}
	return "", nil, waited, a.tooMany(PolicyName, time.Second, turnless(name))
}

// turnless is the reason for which an attempt did not get its turn.
func turnless(name identity.Throttle) *identity.Reason {
	return identity.Refuse(identity.RefusedThrottleTurn, "too many attempts on one "+string(name.Kind)+" at the same moment").With("throttle", name.ID)
}

// waits is the reason for which an attempt on an account has to wait. Its name is known
// where there is somebody who has it.
func (s *slot) waits(account identity.Throttle) *identity.Reason {
	text := "attempts on this " + string(account.Kind) + " have to wait: too many have failed"
	if account.Owner != "" {
		text += ", also from this address, which is familiar"
	}
	reason := identity.Refuse(identity.RefusedThrottleName, text).
		With("throttle", s.name.ID).With("kind", string(account.Kind)).With("attempts", account.Attempts).At("since", account.BeganAt)
	switch {
	case account.Name == "": // nobody's, as far as is known
		return reason
	case account.Kind == identity.ThrottleClient:
		return reason.Of(account.Name)
	default:
		return reason.With("username", account.Name)
	}
}

// read chooses the account on which the attempt counts: that of a familiar address, if it
// is one and an attempt may begin there, or else the name's. wait is how long none may
// begin on either.
func (s *slot) read(ctx context.Context, now time.Time) (account identity.Throttle, wait time.Duration, err error) {
	stored, err := s.a.db.Throttles(ctx, s.name.ID, s.familiar.ID)
	if err != nil {
		return account, 0, err
	}
	account = s.name
	account.Name = "" // whether somebody has it is known later: see recordWait
	var own *identity.Throttle
	for i, t := range stored {
		switch {
		case t.Owner == "":
			account = t
		case now.Before(t.ExpiresAt):
			own = &stored[i]
		}
	}
	switch {
	case own != nil && own.Open(now):
		return *own, 0, nil
	case account.Open(now):
		return account, 0, nil
	case own != nil:
		return *own, min(own.NextAt.Sub(now), account.NextAt.Sub(now)), nil
	default:
		return account, account.NextAt.Sub(now), nil
	}
}

// familiarSource is the caller's address as accounts have it; empty if there is none.
func familiarSource(ctx context.Context) string {
	source := web.Source(ctx)
	if !source.IsValid() {
		return ""
	}
	if source.Addr().Is4() {
		return source.Addr().String()
	}
	return source.String()
}

// proven gives the attempt back, as one that succeeded, and makes the address familiar.
// The proof held, so a failure is only logged.
func (s *slot) proven(ctx context.Context) {
	if s == nil {
		return
	}
	defer trace.StartRegion(ctx, "authn.proven").End()
	var err error
	if s.account.Owner == "" {
		_, err = s.a.db.ForgetThrottle(ctx, s.account.ID)
	}
	if err == nil && s.familiar.Owner != "" {
		err = s.a.db.KeepFamiliar(ctx, s.familiar.Proven(s.a.db.Now()))
	}
	if err != nil {
		s.a.logger.WarnContext(ctx, "an attempt that succeeded stays counted", slog.String("throttle", s.account.ID), slog.String("reason", err.Error()))
	}
}

// end lets the next attempt begin, after this one came to err. Where there was no room to
// compute anything the attempt was none, and is not counted.
func (s *slot) end(ctx context.Context, err error) {
	if s == nil {
		return
	}
	defer s.leave()
	if identity.KindOf(err) != identity.Overloaded {
		return
	}
	back := s.before
	if back.BeganAt.IsZero() {
		back = s.account
		back.Attempts, back.NextAt = 0, back.BeganAt
	}
	if _, err := s.a.db.SwapThrottle(context.WithoutCancel(ctx), s.account, back); err != nil {
		s.a.logger.WarnContext(ctx, "an attempt that was none stays counted", slog.String("throttle", s.account.ID), slog.String("reason", err.Error()))
	}
}

// throttling is on whose behalf waits are recorded.
var throttling = identity.Caller{ID: "system:throttling"}

// eventPolicy bounds the events that strangers can cause by inventing names.
var eventPolicy = ratelimit.Policy{Burst: 100, Interval: time.Minute}

// recordWait records in the audit that attempts on the name have to wait longer from now
// on, and with the account whose name it is. That is told where there is somebody who has
// it: what else was sent may be anything, also a password in the wrong place.
func (a *Authenticator) recordWait(ctx context.Context, name, t identity.Throttle) error {
	wait := t.NextAt.Sub(t.UpdatedAt)
	web.Note(ctx, slog.String("throttle", t.ID), slog.String("throttle_wait", wait.String()))
	target, err := a.db.WhoHas(ctx, name)
	if err != nil {
		return err
	}
	if target == "" {
		name.Name = ""
	}
	if err := a.db.NameThrottle(ctx, t.ID, name.Name); err != nil { // for nobody's too: it costs the same
		return err
	}
	hold, _, ok := a.events.Take(ctx, netip.Prefix{})
	if !ok {
		return nil
	}
	hold.End(true)
	type view struct {
		ThrottleID string `json:"throttle_id"`
		Kind       string `json:"kind"`
		Source     string `json:"source,omitempty"`
		Attempts   int    `json:"attempts"`
		Wait       int64  `json:"wait"`
	}
	return a.db.Change(ctx, func(tx *store.DB) error {
		err := audit.Record(ctx, tx, throttling, audit.Change{
			Name: "throttle.reached", Target: target, Failed: true,
			After: view{t.ID, string(t.Kind), t.Source, t.Attempts, int64(wait / time.Second)},
		})
		if err != nil {
			return fmt.Errorf("recording a wait: %w", err)
		}
		return nil
	})
}
