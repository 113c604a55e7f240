package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// desk is a recorder on a database of its own. Nothing is stored but by Flush.
type desk struct {
	testing.TB
	*audit.Recorder
	db *store.DB
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	db, err := store.Open(store.Config{Path: filepath.Join(t.TempDir(), "identity.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := audit.NewRecorder(db, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return &desk{t, r, db}
}

// stored returns all events with their details, after all was stored.
func (d *desk) stored() (events []identity.Event, details []api.EventDetail) {
	d.Helper()
	if err := d.Flush(d.Context()); err != nil {
		d.Fatal(err)
	}
	events, err := d.db.Events(d.Context(), store.EventFilter{Limit: 100_000})
	if err != nil {
		d.Fatal(err)
	}
	details = make([]api.EventDetail, len(events))
	for i, e := range events {
		if err := json.Unmarshal(e.Detail, &details[i]); err != nil {
			d.Fatal(err)
		}
	}
	return events, details
}

func refusal(principal string, i int) web.Refusal {
	return web.Refusal{
		RequestID: fmt.Sprint("r", i), IP: netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), Method: "POST", Pattern: "/auth/login",
		Status: http.StatusUnauthorized, Code: identity.InvalidCredentials.String(), Principal: principal,
		Reason: identity.Refuse(identity.RefusedUserUnknown, "there is no user with this name"),
	}
}

// Equal successes of one batch are one row with a count, others their own.
func TestEqualSuccessesShareARow(t *testing.T) {
	d := newDesk(t)
	same := audit.Success{Event: audit.TokenIssued, Actor: "machine", SecretID: "s", KeyID: "k", Audience: "orders"}
	other := same
	other.Audience = "billing"
	for range 1000 {
		d.Succeeded(t.Context(), same)
	}
	d.Succeeded(t.Context(), other)
	if n := d.Waiting(); n != 2 {
		t.Errorf("%d rows wait, want 2", n)
	}
	events, details := d.stored()
	counts := map[string]int64{}
	for i, e := range events {
		counts[details[i].Audience] = details[i].Count
		if e.Actor != "machine" || details[i].Credential != "s" || details[i].Key != "k" || e.Outcome != identity.OutcomeSuccess {
			t.Errorf("%+v %s", e, e.Detail)
		}
		if shared := details[i].Count > 0; shared != (details[i].First != nil && details[i].Last != nil) {
			t.Errorf("%s", e.Detail)
		}
	}
	if len(events) != 2 || counts["orders"] != 1000 || counts["billing"] != 0 {
		t.Errorf("%d events, counts %v", len(events), counts)
	}
}

// However many refusals strangers cause, they leave a bounded number of rows, and all of
// them are counted; who has proven to be somebody has rows all the same.
func TestStrangersCauseFewRows(t *testing.T) {
	d := newDesk(t)
	const flood = 20_000
	for i := range flood {
		d.Refused(t.Context(), refusal("", i))
	}
	d.Refused(t.Context(), refusal("ann", flood))
	events, details := d.stored()
	alone, shared, counted, ann := 0, 0, int64(0), 0
	for i, e := range events {
		switch {
		case e.Actor == "ann":
			ann++
		case e.Name == audit.RequestRefused:
			alone++
		case e.Name == audit.RequestsRefused && details[i].Check == string(identity.RefusedUserUnknown) && e.RequestID == "" && e.IP == "":
			shared++
			counted += details[i].Count
		default:
			t.Errorf("%+v %s", e, e.Detail)
		}
	}
	if ann != 1 {
		t.Error("a flood of strangers has kept a refusal of somebody known out")
	}
	const budget = 1100 // and a few for the seconds that it takes
	if alone < 1000 || alone > budget || shared > 65 {
		t.Errorf("%d rows alone and %d shared", alone, shared)
	}
	if int64(alone)+counted != flood || d.Merged() != uint64(counted) {
		t.Errorf("%d alone and %d counted, merged %d; want %d in all", alone, counted, d.Merged(), flood)
	}
}

// A program that is refused in a tight loop does not fill the audit either.
func TestCallersCauseFewRows(t *testing.T) {
	d := newDesk(t)
	for i := range 5000 {
		d.Refused(t.Context(), refusal("ann", 0))
		if i%2 == 0 {
			d.Refused(t.Context(), refusal("bob", 0))
		}
	}
	events, details := d.stored()
	of := map[string]int64{}
	for i, e := range events {
		of[e.Actor] += max(1, details[i].Count)
	}
	if len(events) != 42 || of["ann"] != 5000 || of["bob"] != 2500 {
		t.Errorf("%d events, refused %v", len(events), of)
	}
}

// Where the database is away, memory fills up, requests wait, and are Unavailable at their
// deadline. Nothing of what was recorded is lost, and when it is back all go on.
func TestRequestsWaitForRoom(t *testing.T) {
	d := newDesk(t)
	held, release := make(chan struct{}), make(chan struct{})
	away := make(chan error, 1)
	go func() {
		away <- d.db.Tx(t.Context(), func(*store.DB) error { close(held); <-release; return nil })
	}()
	<-held
	ctx, stop := context.WithCancel(t.Context())
	ran := make(chan struct{})
	go func() { d.Run(ctx); close(ran) }()

	n := 0
	for d.Waiting() < 10_000 {
		if err := d.Room(t.Context()); err != nil {
			t.Fatal(err)
		}
		d.Succeeded(t.Context(), audit.Success{Event: audit.TokenIssued, Actor: fmt.Sprint("machine ", n), Audience: "orders"})
		n++
	}
	late, cancel := context.WithDeadline(t.Context(), time.Now())
	defer cancel()
	if err := d.Room(late); identity.KindOf(err) != identity.Unavailable {
		t.Errorf("a request that waited until its deadline: %v", err)
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if err := d.Room(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("a request whose caller left: %v", err)
	}
	// The answer to it is no reason to wait either: it is counted.
	refused := refusal("", 1)
	refused.Status, refused.Code, refused.Reason = http.StatusServiceUnavailable, identity.Unavailable.String(), nil
	d.Refused(t.Context(), refused)
	waited := make(chan error, 1)
	go func() { waited <- d.Room(t.Context()) }()
	close(release)
	if err := <-waited; err != nil {
		t.Errorf("a request that waited for room: %v", err)
	}
	stop()
	<-ran
	if err := <-away; err != nil {
		t.Fatal(err)
	}
	events, _ := d.stored()
	seen := map[string]bool{}
	for _, e := range events {
		seen[e.Actor] = true
	}
	if len(events) != n+1 || len(seen) != n+1 {
		t.Errorf("%d events of %d, of %d actors", len(events), n+1, len(seen))
	}
}

// An answer that was lost after the commit does not make events be stored twice.
func TestLostAnswerOfAFlush(t *testing.T) {
	d := newDesk(t)
	d.Refused(t.Context(), refusal("ann", 1))
	gone, leave := context.WithCancel(t.Context())
	leave()
	if d.Flush(gone) == nil {
		t.Fatal("stored with a context that has ended")
	}
	// As if that had been committed.
	d.Pending(func(events []identity.Event) {
		if err := d.db.AppendEvents(t.Context(), events); err != nil {
			t.Fatal(err)
		}
	})
	if events, _ := d.stored(); len(events) != 1 || d.Waiting() != 0 {
		t.Errorf("%d events, and %d wait", len(events), d.Waiting())
	}
}

// The longest that can come is stored.
func TestLongestEvents(t *testing.T) {
	d := newDesk(t)
	r := refusal(strings.Repeat("p", 128), 1)
	r.RequestID, r.Text = strings.Repeat("r", 128), strings.Repeat("ü", 5000)
	r.Reason = identity.Refuse(identity.RefusedAssertionAudience, strings.Repeat("x", 2000)).With("actual", identity.Shown(strings.Repeat("\x00", 5000)))
	d.Refused(t.Context(), r)
	if events, details := d.stored(); len(events) != 1 || len(details[0].Facts) == 0 {
		t.Errorf("%d events", len(events))
	}
}

// BenchmarkSucceeded is what the audit costs a machine that gets a token from memory.
func BenchmarkSucceeded(b *testing.B) {
	d := newDesk(b)
	s := audit.Success{Event: audit.TokenIssued, Actor: "a-client-of-some-length", SecretID: "abcdefgh", Audience: "https://orders.example.com"}
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			_ = d.Room(b.Context())
			d.Succeeded(b.Context(), s)
		}
	})
}
