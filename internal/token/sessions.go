package token

import (
	"context"
	"errors"
	"log/slog"
	"runtime/trace"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// Sessions begins sessions, refreshes them and ends them.
type Sessions struct {
	db            *store.DB
	follower      *store.Follower
	ring          *keyring.Ring
	issuer        *Issuer
	configuration func(context.Context) (identity.Configuration, error)
}

// NewSessions makes Sessions, whose access tokens the issuer issues. None may be nil.
func NewSessions(db *store.DB, follower *store.Follower, issuer *Issuer) (*Sessions, error) {
	if db == nil || follower == nil || issuer == nil {
		return nil, errors.New("sessions need a database, a follower of it and a token issuer")
	}
	return &Sessions{db: db, follower: follower, ring: issuer.ring, issuer: issuer, configuration: issuer.configuration}, nil
}

// Refreshable is an access token with what refreshes it.
type Refreshable struct {
	Access
	// RefreshToken is empty where sessions are off.
	RefreshToken identity.Secret
	// SessionID is that of the session; empty where sessions are off.
	SessionID string
	// RefreshesLeft is how often the session can still be refreshed.
	RefreshesLeft int
}

// Begin issues the first token of a new session for a user who has just proven themselves;
// where none may be refreshed, a token alone.
func (s *Sessions) Begin(ctx context.Context, g Grant) (Refreshable, error) {
	cfg, err := s.configuration(ctx)
	if err != nil {
		return Refreshable{}, err
	}
	if cfg.MaxRefreshes == 0 {
		access, err := s.issuer.Issue(ctx, g)
		return Refreshable{Access: access}, err
	}
	key, err := s.ring.RefreshKey(ctx)
	if err != nil {
		return Refreshable{}, err
	}
	now := s.db.Now()
	from := origin(ctx)
	begun := identity.Session{
		ID: identity.NewID(now), UserID: g.Principal.ID, Audience: g.Audience.String(), Epoch: cfg.Epoch, TokensFrom: g.Principal.TokensFrom,
		AMR: g.Principal.AMR, MaxRefreshes: cfg.MaxRefreshes, CreatedAt: now,
		ExpiresAt: now.Add(cfg.SessionMaxAge).Truncate(time.Second), IP: from.ip, UserAgent: from.userAgent,
	}
	issued, err := s.issue(ctx, key, begun, g)
	if err == nil {
		err = s.store(ctx, begun)
	}
	if err != nil {
		return Refreshable{}, err
	}
	return issued, nil
}

func (s *Sessions) store(ctx context.Context, begun identity.Session) error {
	defer trace.StartRegion(ctx, "store.BeginSession").End()
	return s.db.BeginSession(ctx, begun)
}

// issue issues a token of the session, and makes the refresh token that is good now.
func (s *Sessions) issue(ctx context.Context, key *keyring.RefreshKey, session identity.Session, g Grant) (Refreshable, error) {
	g.SessionID, g.Until = session.ID, session.ExpiresAt
	access, err := s.issuer.Issue(ctx, g)
	if err != nil {
		return Refreshable{}, err
	}
	refresh, err := refreshToken(key, session, session.Refreshes)
	return Refreshable{access, refresh, session.ID, session.RefreshesLeft()}, err
}

// Decide says what the user of a session is granted now, given all that is stored of
// them. Its errors InvalidToken, InvalidAudience and PasswordChangeRequired are refusals,
// and end the session.
type Decide func(identity.User, identity.Session) (Grant, error)

// Refresh uses a refresh token and issues the next tokens of its session, or says
// InvalidRefreshToken. The user is read again, and decide asked, at each use. A token
// that was used before, unless it was just now, ends its session, though the answer is
// an error.
func (s *Sessions) Refresh(ctx context.Context, token identity.Secret, decide Decide) (Refreshable, error) {
	claim, key, err := s.read(ctx, token)
	if err != nil {
		return Refreshable{}, err
	}
	const tries = 3 // each but the last lost a race, after which it is clear what the token is
	for range tries {
		cfg, err := s.configuration(ctx)
		if err != nil {
			return Refreshable{}, err
		}
		standing, err := s.standing(ctx, claim.sessionID)
		if err != nil {
			return Refreshable{}, err
		}
		next := standing.Session
		said := judge(next, claim.refreshes, standing.InstallationEpoch, cfg.RefreshGrace, s.db.Now())
		switch said {
		case over:
			return Refreshable{}, refused(whyOver(standing))
		case exhausted:
			return Refreshable{}, refused(of(standing.Session, identity.Refuse(identity.RefusedSessionUsedUp, "the session was refreshed as often as it may be")).
				With("refreshes", next.Refreshes))
		case reuse:
			return Refreshable{}, s.reused(ctx, standing.Session, claim.refreshes)
		case rotate:
			next.Refreshes++
		case repeat:
		}
		granted, err := s.decide(ctx, standing, decide)
		if err != nil {
			return Refreshable{}, err
		}
		// Nothing of it leaves before the token is spent; but where nothing can be signed
		// it is not spent either.
		issued, err := s.issue(ctx, key, next, granted)
		if err != nil || said == repeat {
			return issued, err
		}
		used, err := s.use(ctx, standing)
		if err != nil {
			return Refreshable{}, err
		}
		if used {
			return issued, nil
		}
	}
	return Refreshable{}, errors.New("the session changes all the time")
}

// read returns what an authentic token says. Before it refuses one under another key it
// asks what other nodes may have changed: right after all sessions were ended, the key of
// the new ones may not be known here yet.
func (s *Sessions) read(ctx context.Context, token identity.Secret) (refreshClaim, *keyring.RefreshKey, error) {
	if err := checkRefreshForm(token); err != nil {
		return refreshClaim{}, nil, refused(err)
	}
	claim, key, err := s.authenticate(ctx, token)
	if errors.Is(err, errOtherKey) {
		if err := s.follower.Ask(ctx); err != nil {
			return claim, nil, err
		}
		claim, key, err = s.authenticate(ctx, token)
	}
	if err == nil {
		web.Note(ctx, slog.String("sid", claim.sessionID))
	}
	return claim, key, err
}

func (s *Sessions) authenticate(ctx context.Context, token identity.Secret) (refreshClaim, *keyring.RefreshKey, error) {
	cfg, err := s.configuration(ctx)
	if err != nil {
		return refreshClaim{}, nil, err
	}
	key, err := s.ring.RefreshKey(ctx)
	if err != nil {
		return refreshClaim{}, nil, err
	}
	claim, err := readRefreshToken(key, token, cfg.Epoch)
	if err != nil {
		return claim, nil, refused(err)
	}
	return claim, key, nil
}

// standing reads the session with its user.
func (s *Sessions) standing(ctx context.Context, id string) (store.Standing, error) {
	defer trace.StartRegion(ctx, "store.Standing").End()
	standing, err := s.db.Standing(ctx, id)
	if identity.KindOf(err) == identity.NotFound {
		err = refused(identity.Refuse(identity.RefusedSessionGone, "the session is no more: it ended a while ago, or its user was deleted").With("session", id))
	}
	return standing, err
}

// decide asks what the user is granted now. Whoever is refused has no session any more.
func (s *Sessions) decide(ctx context.Context, standing store.Standing, decide Decide) (Grant, error) {
	var granted Grant
	err := identity.Errorf(identity.InvalidToken, "The user was changed.").
		Because(of(standing.Session, identity.Refuse(identity.RefusedSessionChanged, "the user has another password, or was disabled, since the login")).
			At("logged_in_at", standing.CreatedAt).At("sessions_count_from", standing.User.TokensFrom))
	if standing.User.TokensFrom.Equal(standing.TokensFrom) {
		var decided error
		if granted, decided = decide(standing.User, standing.Session); decided == nil {
			return granted, nil
		}
		e, known := errors.AsType[*identity.Error](decided)
		if !known {
			return granted, decided
		}
		err = e
	}
	switch err.Kind {
	case identity.InvalidToken, identity.InvalidAudience, identity.PasswordChangeRequired:
		if _, failure := s.db.EndSession(ctx, standing.ID, identity.EndRefused); failure != nil {
			return granted, failure
		}
		return granted, refused(err)
	default:
		return granted, err
	}
}

// use spends the token that is good.
func (s *Sessions) use(ctx context.Context, standing store.Standing) (bool, error) {
	defer trace.StartRegion(ctx, "store.UseRefresh").End()
	from := origin(ctx)
	return s.db.UseRefresh(ctx, store.RefreshUse{
		SessionID: standing.ID, Refreshes: standing.Refreshes, Epoch: standing.InstallationEpoch, At: s.db.Now(), IP: from.ip, UserAgent: from.userAgent,
	})
}

// reused ends a session of which a token was used a second time, and says so in the
// audit: both are stored though the answer is a refusal.
func (s *Sessions) reused(ctx context.Context, session identity.Session, refreshes int) error {
	type view struct {
		Refreshes int    `json:"refreshes"`
		Token     int    `json:"token_of_refresh"`
		EndedBy   string `json:"ended_by"`
	}
	err := s.db.Change(ctx, func(tx *store.DB) error {
		ended, err := tx.EndSession(ctx, session.ID, identity.EndReuse)
		if err != nil || !ended {
			return err
		}
		return audit.Record(ctx, tx, identity.Caller{ID: session.UserID}, audit.Change{
			Name: "session.reused", Target: session.ID, Failed: true, After: view{session.Refreshes, refreshes, identity.EndReuse},
		})
	})
	if err != nil {
		return err
	}
	s.follower.Changed(ctx)
	return refused(of(session, identity.Refuse(identity.RefusedSessionReused, "a refresh token was used a second time, or is from after a backup: its session has ended")).
		With("token_of_refresh", refreshes).With("refreshes", session.Refreshes).At("refreshed_at", session.RefreshedAt))
}

// End ends the session of a refresh token, whichever of its tokens it is, and returns its
// id if this call did. One that is over is as good as ended. Its error is InvalidRefreshToken for a token that was not made here,
// or not since all sessions were ended.
func (s *Sessions) End(ctx context.Context, token identity.Secret) (id string, err error) {
	claim, _, err := s.read(ctx, token)
	if err != nil {
		return "", err
	}
	defer trace.StartRegion(ctx, "store.EndSession").End()
	ended, err := s.db.EndSession(ctx, claim.sessionID, identity.EndLogout)
	if !ended {
		return "", err
	}
	return claim.sessionID, err
}

// Live returns InvalidToken for an access token whose session is over.
func (s *Sessions) Live(ctx context.Context, c Claims) error {
	if c.SessionID == "" {
		return nil
	}
	defer trace.StartRegion(ctx, "store.Session").End()
	_, err := s.db.Session(ctx, c.SessionID)
	if identity.KindOf(err) == identity.NotFound {
		err = notValid(identity.Refuse(identity.RefusedSessionOver, "the session of the token is over").Of(c.Subject).With("session", c.SessionID))
	}
	return err
}

// refused is the one answer to every refresh token that cannot be used. Its reason is for
// the log and the audit only.
func refused(reason error) error {
	return &identity.Error{Kind: identity.InvalidRefreshToken, Message: "The refresh token is not valid.", Err: reason}
}

// of adds to a reason which session it is about, and whose.
func of(s identity.Session, reason *identity.Reason) *identity.Reason {
	return reason.Of(s.UserID).With("session", s.ID)
}

// whyOver is why a session is over.
func whyOver(s store.Standing) *identity.Reason {
	reason := of(s.Session, identity.Refuse(identity.RefusedSessionOver, "the session has expired")).At("expired_at", s.ExpiresAt)
	switch {
	case !s.EndedAt.IsZero():
		reason.Text = "the session was ended"
		reason = reason.At("ended_at", s.EndedAt).With("ended_by", s.EndedBy)
	case s.Epoch != s.InstallationEpoch:
		reason.Text = "all sessions were ended at once"
	}
	return reason
}
