package chain

import (
	"bytes"
	"fmt"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// The ways in which an audit can be broken.
const (
	Changed   = "changed"   // an event is another than the one that was sealed
	Deleted   = "deleted"   // events are missing
	Inserted  = "inserted"  // an event was never sealed
	Reordered = "reordered" // an event stands where another was
	Truncated = "truncated" // the last events are missing
	Forged    = "forged"    // a statement was not signed with the key
)

// Break is the first place where an audit is not as it was sealed.
type Break struct {
	Kind string `json:"kind"`
	// First and Last are the numbers between which it is; often the same.
	First int64 `json:"first"`
	Last  int64 `json:"last"`
	// Why is for people.
	Why string `json:"why"`
}

// Report is what a Verifier found.
type Report struct {
	// Events is how many were looked at, from the number First to the number Last.
	Events int64 `json:"events"`
	First  int64 `json:"first"`
	Last   int64 `json:"last"`
	// Hash is that of the last, in hexadecimal.
	Hash string `json:"hash,omitempty"`
	// Signed is the number up to which heads were found that hold.
	Signed int64 `json:"signed"`
	// Cut is the number up to which the audit was cut, by a signed statement; 0 for not.
	Cut int64 `json:"cut"`
	// Broken is nil where all is as it was sealed.
	Broken *Break `json:"broken"`
	// Unknown is what could not be found out.
	Unknown []string `json:"unknown"`
}

// Verifier proves an audit. It is given, in the order of their numbers, the events, and
// after each what is stated about it; a cut comes before the events that follow it.
type Verifier struct {
	keys []jose.PublicKey
	kept *Statement

	report   Report
	hash     []byte // of the last event, as stored
	began    bool
	keptSeen bool
	ahead    int64 // the last number that a statement is about
	// suspects are the events that do not have the hash that stands with them: where two
	// have changed places there are two.
	suspects []suspect
}

// suspect is an event that does not fit its hash, and the hash before it.
type suspect struct {
	event    identity.Event
	previous []byte
}

// mostSuspects is how many are compared with each other; the first break is among the
// first of them anyway.
const mostSuspects = 1000

// NewVerifier verifies statements with the keys, which the caller knows from elsewhere, and
// the audit with kept, if it is not nil: a statement that was kept elsewhere.
func NewVerifier(keys []jose.PublicKey, kept *Statement) *Verifier {
	return &Verifier{keys: keys, kept: kept}
}

// Event takes the next event.
func (v *Verifier) Event(e identity.Event) {
	v.began = true // what follows is no cut of the beginning
	r := &v.report
	next := r.Last + 1
	switch {
	case e.Number > next:
		v.broken(Deleted, next, e.Number-1, "events are missing")
	case e.Number < next:
		v.broken(Inserted, e.Number, e.Number, "another event has the same number")
	}
	if r.Events == 0 {
		r.First = e.Number
	}
	r.Events++
	r.Last = e.Number
	if e.Number == next && !bytes.Equal(Hash(v.hash, e), e.Hash) && len(v.suspects) < mostSuspects {
		v.suspects = append(v.suspects, suspect{e, v.hash})
	}
	v.hash = e.Hash
	if v.kept != nil && v.kept.Number == e.Number {
		v.keptSeen = true
		v.compare(*v.kept, "the statement that was kept elsewhere")
	}
}

// Stray notes an event with a number that none can have, beside the chain.
func (v *Verifier) Stray(number int64) {
	v.broken(Inserted, number, number, "it has a number that no event can have")
}

// Statement takes what is stated next.
func (v *Verifier) Statement(compact string) {
	st, err := ReadStatement(compact, v.keys...)
	if err != nil {
		v.broken(Forged, v.report.Last, v.report.Last, "a statement does not hold: "+err.Error())
		return
	}
	r := &v.report
	switch {
	case st.Kind == Cut && !v.began:
		v.began = true
		r.Cut, r.Last, r.Signed, v.hash = st.Number, st.Number, st.Number, st.Hash
		if v.kept != nil && v.kept.Number == st.Number {
			v.keptSeen = true
			v.compare(*v.kept, "the statement that was kept elsewhere")
		}
	case st.Number > r.Last:
		v.ahead = max(v.ahead, st.Number) // an event that follows tells what is missing
	case st.Number < r.Last: // as in exports that were joined
		v.broken(Forged, st.Number, st.Number, "a statement stands behind what it is about")
	default:
		v.compare(st, "a signed statement")
	}
}

// compare holds the last event to a statement about it.
func (v *Verifier) compare(st Statement, what string) {
	r := &v.report
	if bytes.Equal(st.Hash, v.hash) {
		if r.Broken == nil && len(v.suspects) == 0 {
			r.Signed = max(r.Signed, st.Number)
		}
		return
	}
	if len(v.suspects) > 0 {
		return // they say where it is
	}
	v.broken(Changed, r.Signed+1, st.Number, what+" has another hash at this number: somewhere up to it events were changed and hashed anew")
}

// settle says of the first suspect what happened to it.
func (v *Verifier) settle() {
	if len(v.suspects) == 0 {
		return
	}
	first, n := v.suspects[0], v.suspects[0].event.Number
	for _, other := range v.suspects[1:] {
		moved := other.event
		moved.Number = n
		hash := Hash(first.previous, moved)
		if bytes.Equal(hash, first.event.Hash) || bytes.Equal(hash, other.event.Hash) {
			v.broken(Reordered, n, n, fmt.Sprintf("the event of this place stands at %d", other.event.Number))
			return
		}
	}
	from, why := n, "it does not have the hash that stands with it"
	if n > v.report.First && n > v.report.Signed+1 {
		from, why = n-1, fmt.Sprintf("%d does not follow from the hash of %d: one of them was changed, the earlier one together with its hash", n, n-1)
	}
	v.broken(Changed, from, n, why)
}

// broken notes a break, unless an earlier one is known.
func (v *Verifier) broken(kind string, first, last int64, why string) {
	if b := v.report.Broken; b == nil || first < b.First {
		v.report.Broken = &Break{kind, first, last, why}
	}
}

// End returns what was found. newest is the number at which the audit ends by what its
// keeper says, 0 where there is none; unsealed is how many events have no number yet.
func (v *Verifier) End(newest int64, unsealed int64) Report {
	r := &v.report
	v.settle()
	if newest = max(newest, v.ahead); newest > r.Last {
		v.broken(Truncated, r.Last+1, newest, "the last events are missing")
	}
	if v.kept != nil && !v.keptSeen {
		if v.kept.Number > r.Last {
			v.broken(Truncated, r.Last+1, v.kept.Number, "the statement that was kept elsewhere is about a later event than there is")
		} else {
			r.Unknown = append(r.Unknown, fmt.Sprintf("the kept statement is about event %d, which is not here: it proves nothing", v.kept.Number))
		}
	}
	if r.Broken == nil && r.Signed < r.Last {
		v.broken(Inserted, r.Signed+1, r.Last, "no signed statement is about them or about a later event")
	}
	if v.kept == nil {
		r.Unknown = append(r.Unknown, "without a statement that was kept elsewhere, whether the last events were cut off together with what was signed about them")
	}
	if unsealed > 0 {
		r.Unknown = append(r.Unknown, fmt.Sprintf("%d events are not sealed yet", unsealed))
	}
	if v.hash != nil {
		r.Hash = fmt.Sprintf("%x", v.hash)
	}
	return *r
}
