package token_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/token"
)

// family is a session and every refresh token of it, in order.
type family struct {
	*desk
	sessions *token.Sessions
	id       string
	tokens   []identity.Secret
}

// newFamily begins a session that may be refreshed three times, and refreshes it.
func newFamily(d *desk, refreshes int) *family {
	d.Helper()
	sessions, err := token.NewSessions(d.Installation.DB, d.Installation.Follower, d.issuer)
	d.must(err)
	user := d.AddUser("user-"+identity.NewID(d.Clock.Now()), "a long password")
	begun, err := sessions.Begin(d.Context(), token.Grant{
		Principal: identity.Principal{ID: user.ID, User: true, TokensFrom: user.TokensFrom, AuthTime: d.Clock.Now(), AMR: []string{"pwd"}}, Audience: token.Audience{"orders"},
	})
	d.must(err)
	f := &family{desk: d, sessions: sessions, tokens: []identity.Secret{begun.RefreshToken}}
	for range refreshes {
		d.Clock.Move(time.Minute)
		next, err := f.use(len(f.tokens) - 1)
		d.must(err)
		f.tokens = append(f.tokens, next.RefreshToken)
	}
	all, err := d.Installation.Admin.Sessions(d.Context(), identity.LocalAdministrator("test"), store.SessionFilter{UserID: user.ID, Limit: 2})
	d.must(err)
	if len(all) != 1 {
		d.Fatalf("%d sessions, want 1", len(all))
	}
	f.id = all[0].ID
	return f
}

// use uses one of the tokens; the user may go on.
func (f *family) use(at int) (token.Refreshable, error) {
	f.Helper()
	return f.sessions.Refresh(f.Context(), f.tokens[at], func(u identity.User, s identity.Session) (token.Grant, error) {
		return token.Grant{Principal: identity.Principal{ID: u.ID, User: true}, Audience: token.Audience{s.Audience}}, nil
	})
}

// stored is how often the session was refreshed and what ended it.
func (f *family) stored() (refreshes int, endedBy string) {
	f.Helper()
	standing, err := f.Installation.DB.Standing(f.Context(), f.id)
	f.must(err)
	return standing.Refreshes, standing.EndedBy
}

// What a use of each token of a session is, at each count and time.
func TestUsesOfRefreshTokens(t *testing.T) {
	d := newDesk(t, "ES256")
	const most = 3
	d.update(admin.ConfigurationUpdate{MaxRefreshes: ptr(most), SessionMaxAge: ptr(time.Hour)})
	const (
		rotate    = "rotate"    // the next token, for the first time
		repeat    = "repeat"    // the next token again
		exhausted = "exhausted" // refused, and nothing happens
		reuse     = "reuse"     // refused, and the session ends
	)
	for _, tc := range []struct {
		refreshes, use int
		after, grace   time.Duration
		back           int // by how much the database is an older one
		want           string
	}{
		{0, 0, 0, 10 * time.Second, 0, rotate},
		{0, 0, 59 * time.Minute, 10 * time.Second, 0, rotate},
		{1, 1, 0, 0, 0, rotate},
		{1, 0, 0, 10 * time.Second, 0, repeat},
		{1, 0, 10*time.Second - time.Millisecond, 10 * time.Second, 0, repeat},
		{1, 0, 10 * time.Second, 10 * time.Second, 0, reuse},
		{1, 0, time.Millisecond, time.Second, 0, repeat},
		{1, 0, 0, 0, 0, reuse},
		{2, 0, 0, time.Minute, 0, reuse},
		{2, 1, 0, time.Minute, 0, repeat},
		{2, 2, time.Minute, 0, 0, rotate},
		{3, 3, 0, time.Minute, 0, exhausted},
		{3, 3, 30 * time.Minute, 0, 0, exhausted},
		{3, 2, 0, time.Minute, 0, repeat},
		{3, 2, time.Minute, time.Minute, 0, reuse},
		{3, 0, 0, time.Minute, 0, reuse},
		{2, 2, 0, time.Minute, 1, reuse}, // the token is from the future
		{3, 3, 0, time.Minute, 3, reuse},
		{3, 1, 0, 0, 2, rotate}, // in an older database it is the good one
	} {
		f := newFamily(d, tc.refreshes)
		d.update(admin.ConfigurationUpdate{RefreshGrace: &tc.grace})
		if tc.back > 0 {
			d.ChangeElsewhere("session", f.id, `UPDATE sessions SET counter = counter - ? WHERE id = ?`, tc.back, f.id)
		}
		count := tc.refreshes - tc.back
		d.Clock.Move(tc.after)
		got, err := f.use(tc.use)
		now, by := f.stored()
		switch tc.want {
		case rotate:
			if err != nil || now != count+1 || by != "" || got.RefreshesLeft != most-now || got.RefreshToken.Empty() {
				t.Errorf("%+v: %v; %d refreshes, ended by %q, %d left", tc, err, now, by, got.RefreshesLeft)
			}
		case repeat:
			if err != nil || now != count || by != "" || got.RefreshToken.Reveal() != f.tokens[tc.use+1].Reveal() || got.RefreshesLeft != most-now {
				t.Errorf("%+v: %v; %d refreshes, ended by %q", tc, err, now, by)
			}
		case exhausted:
			if identity.KindOf(err) != identity.InvalidRefreshToken || now != count || by != "" {
				t.Errorf("%+v: %v; %d refreshes, ended by %q", tc, err, now, by)
			}
		case reuse:
			if identity.KindOf(err) != identity.InvalidRefreshToken || now != count || by != identity.EndReuse {
				t.Errorf("%+v: %v; %d refreshes, ended by %q", tc, err, now, by)
			}
		}
	}
}

// A session that is over is over whatever is used of it: it is no reuse, which would be
// an event, and a repeat gives nothing.
func TestUsesAfterTheEnd(t *testing.T) {
	d := newDesk(t, "ES256")
	d.update(admin.ConfigurationUpdate{MaxRefreshes: ptr(3), SessionMaxAge: ptr(time.Hour), RefreshGrace: ptr(time.Minute)})
	for name, end := range map[string]func(f *family) (by string){
		"expired": func(*family) string { d.Clock.Move(time.Hour); return "" },
		"logged out": func(f *family) string {
			_, err := f.sessions.End(t.Context(), f.tokens[0])
			d.must(err)
			return identity.EndLogout
		},
		"other epoch": func(*family) string {
			d.Change("configuration", "", `UPDATE configuration SET epoch = epoch + 1`)
			return ""
		},
		"by the tests": func(f *family) string {
			var ended bool
			d.must(d.Installation.DB.Change(t.Context(), func(tx *store.DB) (err error) {
				ended, err = tx.EndSession(t.Context(), f.id, identity.EndAdministrator)
				return err
			}))
			if !ended {
				t.Error("it was over before")
			}
			return identity.EndAdministrator
		},
	} {
		f := newFamily(d, 2)
		want := end(f)
		for at := range f.tokens {
			_, err := f.use(at)
			if n, by := f.stored(); identity.KindOf(err) != identity.InvalidRefreshToken || n != 2 || by != want {
				t.Errorf("%s: token %d: %v; %d refreshes, ended by %q, want %q", name, at, err, n, by, want)
			}
		}
	}
}

// Who is refused now has no session any more; what is no refusal leaves all as it was,
// and the token good.
func TestDecisionsOfARefresh(t *testing.T) {
	d := newDesk(t, "ES256")
	for name, tc := range map[string]struct {
		err  error
		want identity.Kind
		ends bool
	}{
		"not this user":     {identity.Errorf(identity.InvalidToken, "x"), identity.InvalidRefreshToken, true},
		"not this audience": {identity.Errorf(identity.InvalidAudience, "x"), identity.InvalidRefreshToken, true},
		"another password":  {identity.Errorf(identity.PasswordChangeRequired, "x"), identity.InvalidRefreshToken, true},
		"unavailable":       {identity.Errorf(identity.Unavailable, "x"), identity.Unavailable, false},
		"overloaded":        {identity.Errorf(identity.Overloaded, "x"), identity.Overloaded, false},
		"a fault":           {errors.New("x"), identity.Internal, false},
		"gone":              {context.Canceled, identity.Internal, false},
	} {
		f := newFamily(d, 1)
		_, err := f.sessions.Refresh(t.Context(), f.tokens[1], func(identity.User, identity.Session) (token.Grant, error) { return token.Grant{}, tc.err })
		refreshes, by := f.stored()
		if err == nil || identity.KindOf(err) != tc.want || refreshes != 1 || (by == identity.EndRefused) != tc.ends {
			t.Errorf("%s: %v; %d refreshes, ended by %q", name, err, refreshes, by)
		}
		if _, err := f.use(1); (err == nil) == tc.ends {
			t.Errorf("%s: afterwards: %v", name, err)
		}
	}
}

func TestSessionsNeedAll(t *testing.T) {
	d := newDesk(t, "ES256")
	if _, err := token.NewSessions(nil, d.Installation.Follower, d.issuer); err == nil {
		t.Error("made without a database")
	}
	if _, err := token.NewSessions(d.Installation.DB, nil, d.issuer); err == nil {
		t.Error("made without a follower")
	}
	if _, err := token.NewSessions(d.Installation.DB, d.Installation.Follower, nil); err == nil {
		t.Error("made without an issuer")
	}
}

func ptr[T any](v T) *T { return &v }

// quiet is one more node, which asks what has changed only when it has to.
func (d *desk) quiet() (*token.Sessions, *server.Installation) {
	d.Helper()
	database := d.Database
	database.Now = d.Clock.Now
	in, err := server.OpenInstallation(d.Context(), server.InstallationConfig{
		Database: database, EncryptionKey: d.EncryptionKey, Hashing: argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}}, Logger: d.Logger,
	})
	d.must(err)
	d.Cleanup(func() { d.must(in.Close()) })
	issuer, err := token.New(token.Config{Ring: in.Ring, Revocations: revocations(d.T, in), Configuration: in.DB.Configuration, Now: d.Clock.Now})
	d.must(err)
	sessions, err := token.NewSessions(in.DB, in.Follower, issuer)
	d.must(err)
	return sessions, in
}

// A node that does not know yet that all sessions were ended takes the tokens of those
// that have begun since.
func TestTokenUnderAKeyThatIsNew(t *testing.T) {
	d := newDesk(t, "ES256")
	other, _ := d.quiet()
	f := newFamily(d, 0)
	here := f.sessions
	f.sessions = other
	_, err := f.use(0) // it has the key in memory now
	d.must(err)
	d.must(d.Installation.Admin.EndAllSessions(t.Context(), identity.LocalAdministrator("test")))
	f = newFamily(d, 0)
	f.sessions = other
	if _, err := f.use(0); err != nil {
		t.Errorf("on the other node: %v", err)
	}
	f.sessions = here
	if _, err := f.use(0); err != nil { // the grace
		t.Errorf("where it began: %v", err)
	}
}

// However many tokens somebody makes up, the database is asked a bounded number of times.
func TestForgedTokensCauseFewPolls(t *testing.T) {
	d := newDesk(t, "ES256")
	sessions, in := d.quiet()
	forged := identity.NewSecret("idr_" + strings.Repeat("A", 76))
	before, began := in.DB.Stats().Polls, time.Now()
	for range 40 { // the first twenty at once
		var together sync.WaitGroup
		for range 10 {
			together.Go(func() {
				if _, err := sessions.End(t.Context(), forged); identity.KindOf(err) != identity.InvalidRefreshToken {
					t.Error(err)
				}
			})
		}
		together.Wait()
	}
	polls, took := in.DB.Stats().Polls-before, time.Since(began)
	if most := int64(took/(100*time.Millisecond)) + int64(took/time.Second) + 25; polls > most {
		t.Errorf("%d polls in %v, want at most %d", polls, took, most)
	}
}
