package identity

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"
)

// Throttle is the account of the attempts to be one principal that have not succeeded,
// whether or not there is that principal. Each key has one: the name, and for whoever has
// proven themselves a short while ago, the name with the address they came from.
type Throttle struct {
	// ID is the key: see ThrottleID.
	ID string
	// Owner is, of a familiar address, the key of the name alone; else empty.
	Owner string
	Kind  ThrottleKind
	// Name is the canonical name, or the client_id, of somebody there is; else it is not
	// stored, for what was typed may have been a password.
	Name string
	// Source is the address, or /64 of IPv6, that is familiar; empty for the name.
	Source string
	// Attempts are those that have begun since BeganAt and have not succeeded.
	Attempts int
	// BeganAt is when the first of them began.
	BeganAt time.Time
	// NextAt is the time before which no other one may begin.
	NextAt time.Time
	// UpdatedAt is when the last of them began, or of a familiar address the last success.
	UpdatedAt time.Time
	// ExpiresAt is when it can be forgotten; of a familiar address when it is one no more.
	ExpiresAt time.Time
}

// ThrottleKind says whose attempts are counted.
type ThrottleKind string

// The kinds of throttle.
const (
	ThrottleUser   ThrottleKind = "user"
	ThrottleClient ThrottleKind = "client"
)

const (
	// throttleWindow is how long attempts count, from the first of them.
	throttleWindow = 24 * time.Hour
	// familiarFor is how long an address is familiar after a success.
	familiarFor = 30 * 24 * time.Hour
	// MaxFamiliar is how many addresses of one name are familiar; the oldest goes.
	MaxFamiliar = 10
)

// throttleTiers are the waits: after so many attempts without success, so long.
var throttleTiers = []struct {
	attempts int
	wait     time.Duration
}{{100, 10 * time.Second}, {25, 5 * time.Second}, {9, 3 * time.Second}, {ThrottledFrom, time.Second}}

// ThrottledFrom is the number of attempts from which each has to wait.
const ThrottledFrom = 3

// ThrottleID names a key: SHA-256 over its parts, each with its length before it, in
// base64url. So it is short whatever is sent, and no two lists of parts have the same.
func ThrottleID(kind ThrottleKind, parts ...string) string {
	sum := sha256.New()
	for _, part := range append([]string{string(kind)}, parts...) {
		sum.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		sum.Write([]byte(part))
	}
	return base64.RawURLEncoding.EncodeToString(sum.Sum(nil))
}

// UserThrottle is the empty account of a username, by its canonical form, which is empty
// for what is no name; that has an account of its own.
func UserThrottle(canonical, username string) Throttle {
	if canonical == "" {
		return Throttle{ID: ThrottleID(ThrottleUser, "", username), Kind: ThrottleUser}
	}
	return Throttle{ID: ThrottleID(ThrottleUser, canonical), Kind: ThrottleUser, Name: canonical}
}

// ClientThrottle is the empty account of a client_id; secretID is that of the generated
// secret which was presented, where the client has it, so that who does not know it
// shares no account with who does.
func ClientThrottle(clientID, secretID string) Throttle {
	t := Throttle{ID: ThrottleID(ThrottleClient, clientID), Kind: ThrottleClient, Name: clientID}
	if secretID != "" {
		t.ID = ThrottleID(ThrottleClient, clientID, secretID)
	}
	return t
}

// From is the empty account of the same name from a familiar address; itself if there is
// no address.
func (t Throttle) From(source string) Throttle {
	if source == "" {
		return t
	}
	return Throttle{ID: ThrottleID(t.Kind, t.ID, source, "familiar"), Owner: t.ID, Kind: t.Kind, Name: t.Name, Source: source}
}

// Open reports whether an attempt may begin: of a familiar address only as long as it is.
func (t Throttle) Open(now time.Time) bool {
	return !now.Before(t.NextAt) && (t.Owner == "" || now.Before(t.ExpiresAt))
}

// Begin returns the account with one attempt more, and reports whether that is the one
// from which on the wait is longer.
func (t Throttle) Begin(now time.Time) (begun Throttle, longer bool) {
	if !now.Before(t.BeganAt.Add(throttleWindow)) {
		t.Attempts, t.BeganAt = 0, now
	}
	t.Attempts++
	t.NextAt, t.UpdatedAt = now, now
	for _, tier := range throttleTiers {
		if t.Attempts >= tier.attempts {
			t.NextAt = now.Add(tier.wait)
			longer = t.Attempts == tier.attempts
			break
		}
	}
	if t.Owner == "" {
		t.ExpiresAt = now.Add(throttleWindow)
	}
	return t, longer
}

// Proven returns the account of a familiar address after a success.
func (t Throttle) Proven(now time.Time) Throttle {
	t.Attempts, t.BeganAt, t.NextAt, t.UpdatedAt, t.ExpiresAt = 0, now, now, now, now.Add(familiarFor)
	return t
}

// ThrottleWindow returns the time since which attempts count.
func ThrottleWindow(now time.Time) time.Time { return now.Add(-throttleWindow) }
