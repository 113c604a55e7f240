package store

import (
	"context"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

const sessionColumns = `id, user_id, audience, epoch, tokens_from, proofs, counter, maximum, created_at, refreshed_at, expires_at, ended_at, ended_by, ip, user_agent`

// BeginSession stores a new session.
func (db *DB) BeginSession(ctx context.Context, s identity.Session) error {
	_, err := db.exec(ctx, "storing a session", `INSERT INTO sessions (`+sessionColumns+`) VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, 0, ?, 0, '', ?, ?)`,
		s.ID, s.UserID, s.Audience, s.Epoch, millis(s.TokensFrom), listText(s.AMR), s.MaxRefreshes, millis(s.CreatedAt), millis(s.ExpiresAt), s.IP, s.UserAgent)
	return err
}

// Standing is a session with what decides whether it goes on.
type Standing struct {
	identity.Session
	User identity.User
	// InstallationEpoch is the epoch that counts now.
	InstallationEpoch int64
}

// Standing reads a session together with its user, in one query; NotFound if either is
// gone.
func (db *DB) Standing(ctx context.Context, id string) (Standing, error) {
	return one(principals(ctx, db, standings, standingColumns, `WHERE session_id = ?`, "username", []any{id},
		func(scan func(...any) error) (s Standing, err error) {
			s.User, err = scanUser(func(ofUser ...any) error {
				s.Session, err = scanSession(func(ofSession ...any) error {
					return scan(append(append(ofUser, &s.InstallationEpoch), ofSession...)...)
				})
				return err
			})
			return s, err
		},
		func(s *Standing) (string, *identity.Roles) { return s.User.ID, &s.User.Roles }))("session")
}

// standings is a table of sessions with their users; the names of the session's columns
// begin with "session_".
var standings, standingColumns = func() (table, columns string) {
	const prefix = "session_"
	named := strings.Split(sessionColumns, ", ")
	for i, column := range named {
		named[i] = `s.` + column + ` AS ` + prefix + column
	}
	table = `(SELECT u.` + strings.ReplaceAll(userColumns, ", ", ", u.") + `, c.epoch AS installation_epoch, ` + strings.Join(named, ", ") +
		` FROM sessions s JOIN users u ON u.id = s.user_id JOIN configuration c ON c.id = 1) j`
	return table, userColumns + ", installation_epoch, " + prefix + strings.ReplaceAll(sessionColumns, ", ", ", "+prefix)
}()

// RefreshUse is one use of a refresh token.
type RefreshUse struct {
	SessionID string
	// Refreshes is how often the session was refreshed before this token was made: what
	// the token says.
	Refreshes int
	Epoch     int64
	At        time.Time
	// IP and UserAgent are where it comes from.
	IP, UserAgent string
}

// UseRefresh counts one refresh of a session that is not over, and reports whether this
// call did. One statement decides that nobody has used the token before, that the session
// may still be refreshed and that it is not over, so of any number of simultaneous calls
// on all nodes one succeeds.
func (db *DB) UseRefresh(ctx context.Context, u RefreshUse) (used bool, err error) {
	n, err := db.exec(ctx, "refreshing a session", `UPDATE sessions SET counter = counter + 1, refreshed_at = ?, ip = ?, user_agent = ?
		WHERE id = ? AND counter = ? AND counter < maximum AND ended_at = 0 AND expires_at > ? AND epoch = ?`,
		millis(u.At), u.IP, u.UserAgent, u.SessionID, u.Refreshes, millis(u.At), u.Epoch)
	return n == 1, err
}

// endedRetention is how long a session that was ended before its time is remembered: its
// refresh tokens are refused with or without it.
const endedRetention = 24 * time.Hour

// EndSession ends a session and reports whether this call did: it was not over before. Where
// somebody else may have its tokens, or was to lose them, they are revoked: that needs Change.
// After a logout they are with whoever has logged out, and would be most of all revocations.
func (db *DB) EndSession(ctx context.Context, id, by string) (ended bool, err error) {
	n, err := db.endSessions(ctx, by, `id = ?`, id)
	if err == nil && n == 1 && (by == identity.EndAdministrator || by == identity.EndReuse) {
		err = db.RevokeIssued(ctx, identity.RevokedSession, id)
	}
	return n == 1, err
}

// SessionUsers returns whose the sessions with these ids are, as far as they are still
// remembered.
func (db *DB) SessionUsers(ctx context.Context, ids []string) (map[string]string, error) {
	users := map[string]string{}
	for chunk := range pieces(ids, namedAtOnce) {
		args := make([]any, len(chunk))
		for i, id := range chunk {
			args[i] = id
		}
		_, err := rows(ctx, db, "whose sessions they are", `SELECT id, user_id FROM sessions WHERE id IN (?`+strings.Repeat(", ?", len(chunk)-1)+`)`, args,
			func(scan func(...any) error) (id string, err error) {
				var user string
				err = scan(&id, &user)
				users[id] = user
				return id, err
			})
		if err != nil {
			return nil, err
		}
	}
	return users, nil
}

// listedSessions is how many sessions of a user have revocations of their own.
const listedSessions = 100

// EndSessionsOf ends all sessions of a user and returns how many. Where an administrator has
// asked for it, their tokens are revoked, and of very many sessions the user's tokens: that
// needs Change.
func (db *DB) EndSessionsOf(ctx context.Context, userID, by string) (int64, error) {
	if by != identity.EndAdministrator {
		return db.endSessions(ctx, by, `user_id = ?`, userID)
	}
	living, err := db.Sessions(ctx, SessionFilter{UserID: userID, Limit: listedSessions + 1})
	if err != nil {
		return 0, err
	}
	if len(living) > listedSessions {
		err = db.RevokeIssued(ctx, identity.RevokedPrincipal, userID)
	} else {
		for _, s := range living {
			if err := db.RevokeIssued(ctx, identity.RevokedSession, s.ID); err != nil {
				return 0, err
			}
		}
	}
	if err != nil {
		return 0, err
	}
	return db.endSessions(ctx, by, `user_id = ?`, userID)
}

// endSessions ends sessions, and has them forgotten soon.
func (db *DB) endSessions(ctx context.Context, by, which string, arg any) (int64, error) {
	now := db.now()
	forgotten := millis(now.Add(endedRetention))
	return db.exec(ctx, "ending sessions", `UPDATE sessions SET ended_at = ?, ended_by = ?, expires_at = CASE WHEN expires_at > ? THEN ? ELSE expires_at END
		WHERE `+which+` AND ended_at = 0 AND expires_at > ?`, millis(now), by, forgotten, forgotten, arg, millis(now))
}

// RaiseEpoch ends all sessions at once, and returns the new epoch. It needs Change.
func (db *DB) RaiseEpoch(ctx context.Context) (int64, error) {
	cfg, err := db.Configuration(ctx)
	if err != nil {
		return 0, err
	}
	// A time, so that after restoring a backup it is none that ever was.
	epoch := max(cfg.Epoch+1, millis(db.now()))
	if _, err := db.exec(ctx, "raising the epoch", `UPDATE configuration SET epoch = ? WHERE id = 1`, epoch); err != nil {
		return 0, err
	}
	return epoch, db.touched(ctx, KindConfiguration, "")
}

// Session returns a session; NotFound if there is none, or if it is over.
func (db *DB) Session(ctx context.Context, id string) (identity.Session, error) {
	return one(db.sessions(ctx, ` AND id = ?`, id))("session")
}

// SessionFilter chooses sessions that are not over; what is zero does not matter. Before
// is the id behind which the page begins.
type SessionFilter struct {
	UserID, Before string
	Limit          int
}

// Sessions returns a page of the sessions that are not over, those that began last
// first.
func (db *DB) Sessions(ctx context.Context, f SessionFilter) ([]identity.Session, error) {
	where, args := ``, []any{}
	if f.UserID != "" {
		where, args = where+` AND user_id = ?`, append(args, f.UserID)
	}
	if f.Before != "" {
		where, args = where+` AND id < ?`, append(args, f.Before)
	}
	return db.sessions(ctx, where+` ORDER BY id DESC LIMIT ?`, append(args, f.Limit)...)
}

// sessions reads those that are not over. choice goes on with the conditions.
func (db *DB) sessions(ctx context.Context, choice string, args ...any) ([]identity.Session, error) {
	return rows(ctx, db, "sessions", `SELECT `+sessionColumns+` FROM sessions
		WHERE ended_at = 0 AND expires_at > ? AND epoch = (SELECT epoch FROM configuration WHERE id = 1)
		AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id)`+choice,
		append([]any{millis(db.now())}, args...), scanSession)
}

func scanSession(scan func(...any) error) (identity.Session, error) {
	var s identity.Session
	var proofs string
	var from, created, refreshed, expires, ended int64
	if err := scan(&s.ID, &s.UserID, &s.Audience, &s.Epoch, &from, &proofs, &s.Refreshes, &s.MaxRefreshes,
		&created, &refreshed, &expires, &ended, &s.EndedBy, &s.IP, &s.UserAgent); err != nil {
		return s, err
	}
	s.TokensFrom, s.CreatedAt, s.RefreshedAt = fromMillis(from), fromMillis(created), fromMillis(refreshed)
	s.ExpiresAt, s.EndedAt = fromMillis(expires), fromMillis(ended)
	var err error
	s.AMR, err = fromListText(proofs)
	return s, err
}
