// Package doctor says what is not as it should be with an installation, why, and what to do
// about it. It hides the judgement: what is too old, too slow, too little. It knows no
// database and no network: whoever has the facts hands them over, and what is not known is
// not judged.
package doctor

import (
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// Severity says how much a finding matters.
type Severity string

// The severities.
const (
	Care Severity = "care" // somebody has to do something
	Note Severity = "note" // worth knowing
)

// Finding is one thing that is not as it should be.
type Finding struct {
	// ID is stable: an area and what it is, such as "key.old".
	ID       string
	Severity Severity
	// About is what it is about: an id, a name, an address; empty for the whole.
	About string
	// Cause says what was found, Cure what to do.
	Cause, Cure string
}

// NeedsCare reports whether any of the findings does.
func NeedsCare(findings []Finding) bool {
	for _, f := range findings {
		if f.Severity == Care {
			return true
		}
	}
	return false
}

// Value is a setting, and where its value comes from.
type Value struct {
	// Value is "[set]" for a secret, and empty where there is none.
	Name, Value string
	// Origin is one of the Origin constants.
	Origin string
}

// Where values come from.
const (
	OriginEnvironment = "environment"
	OriginFile        = "file" // that a variable of the environment names
	OriginDefault     = "default"
	OriginStored      = "stored" // in the database, by an administrator or at the first start
)

// Facts are what a node knows of its installation.
type Facts struct {
	Now time.Time
	// Unused is after how long what was not used is said to be unused.
	Unused time.Duration

	Configuration identity.Configuration
	Keys          []Key
	Sealed        []Sealed
	// WeakKey reports whether the first encryption key is of the 32-byte form.
	WeakKey bool
	// KeyBeside reports whether the encryption key is in a file beside the database.
	KeyBeside bool

	// ClockOffset is how far the database's clock is ahead of this machine's.
	ClockOffset time.Duration
	// Hash is how long one hash takes on this machine, zero where nobody measured, and
	// HashSlots how many may run at once on its Cores.
	Hash             time.Duration
	HashSlots, Cores int

	// Connections to the database.
	Connections Connections
	Disk        *Disk // nil where it is not known
	// UnsealedSince is when the oldest event of the audit happened that is not sealed; zero
	// if all are.
	UnsealedSince time.Time

	// What is unused, has expired or is about to, of enabled clients and users.
	UnusedSecrets, ExpiredSecrets, ExpiringSecrets, UnusedKeys Some[Credential]
	SharedKeys                                                 Some[Shared]
	// Powerless are clients that can prove nothing: without a live secret, or without a
	// key, where one is required.
	Powerless Some[string]
	// NeverLoggedIn are names of users.
	NeverLoggedIn Some[string]
}

// Some are some of a number of things.
type Some[T any] struct {
	List  []T
	Total int64
}

// Key is a signing key.
type Key struct {
	identity.SigningKey
	Default bool
	// Fault is why it is quarantined; nil if it is not.
	Fault error
}

// Sealed is something that is sealed under an encryption key.
type Sealed struct {
	Title string
	// First reports whether it is under the first of the listed keys, Listed under any.
	First, Listed bool
	// Fault is why it does not open; nil if it does.
	Fault error
}

// Connections are those to the database.
type Connections struct {
	Open, InUse, Limit int
	Waits              int64
	Waited             time.Duration
}

// Disk is the file system that the database is on, in bytes.
type Disk struct{ Free, Total uint64 }

// Credential is a secret or key of a client.
type Credential struct {
	Client, ID, Label                string
	CreatedAt, LastUsedAt, ExpiresAt time.Time
}

// Shared is a key that several clients have.
type Shared struct {
	KID     string
	Clients []string
}

// Examine judges the facts. What needs care comes first.
func Examine(f Facts) []Finding {
	var e examination
	e.keys(f)
	e.machine(f)
	e.credentials(f)
	e.people(f)
	return e.sorted()
}

// examination gathers findings.
type examination struct{ found []Finding }

func (e *examination) sorted() []Finding {
	sorted := []Finding{}
	for _, s := range []Severity{Care, Note} {
		for _, f := range e.found {
			if f.Severity == s {
				sorted = append(sorted, f)
			}
		}
	}
	return sorted
}

func (e *examination) add(s Severity, id, about, cause, cure string) {
	e.found = append(e.found, Finding{ID: id, Severity: s, About: about, Cause: cause, Cure: cure})
}

// more says how many there are that were not listed.
func more[T any](e *examination, s Severity, id string, of Some[T], cure string) {
	if left := of.Total - int64(len(of.List)); left > 0 {
		e.add(s, id, "", fmt.Sprintf("%d more are like that.", left), cure)
	}
}

// days is a length of time in whole days, for sentences.
func days(d time.Duration) string {
	n := int(d / (24 * time.Hour))
	if n == 1 {
		return "a day"
	}
	return fmt.Sprintf("%d days", n)
}
