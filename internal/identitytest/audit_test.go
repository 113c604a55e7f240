package identitytest_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// sealed is an installation whose audit is sealed.
type sealed struct {
	*testing.T
	*identitytest.Service
	key jose.PublicKey
}

func newSealed(t *testing.T, options identitytest.Options) *sealed {
	t.Helper()
	s := &sealed{T: t, Service: identitytest.New(t, options)}
	signer, err := s.Installation.Ring.AuditSigner(t.Context())
	s.must(err)
	s.key = signer.Public()
	return s
}

func (s *sealed) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// record adds so many events, an hour apart.
func (s *sealed) record(n int) {
	s.Helper()
	for i := range n {
		s.Clock.Move(time.Hour)
		now := s.Installation.DB.Now()
		s.must(s.Installation.DB.AppendEvent(s.Context(), identity.Event{
			ID: identity.NewID(now), At: now, Name: "user.created", Outcome: "success", Actor: "an actor", Target: fmt.Sprint("täget ", i),
			IP: "2001:db8::1", RequestID: "r", Detail: []byte(`{"after":{"text":"<\u003c\"\\ 😀"}}`),
		}))
	}
}

func (s *sealed) seal() {
	s.Helper()
	_, err := s.Installation.Sealer.Seal(s.Context())
	s.must(err)
}

func (s *sealed) verify(kept *chain.Statement) chain.Report {
	s.Helper()
	report, err := audit.Verify(s.Context(), s.Installation.DB, []jose.PublicKey{s.key}, kept)
	s.must(err)
	return report
}

// head is the newest statement, as somebody has it who kept it.
func (s *sealed) head() *chain.Statement {
	s.Helper()
	last, err := s.Installation.DB.LastStatement(s.Context(), store.StatementHead)
	s.must(err)
	st, err := chain.ReadStatement(last.Statement, s.key)
	s.must(err)
	return &st
}

// intact expects so many events from the first on, all signed.
func (s *sealed) intact(first, last int64) {
	s.Helper()
	r := s.verify(s.head())
	if r.Broken != nil || r.First != first || r.Last != last || r.Signed != last || r.Events != last-first+1 || len(r.Unknown) != 0 {
		s.Fatalf("%+v, broken: %+v", r, r.Broken)
	}
	var export bytes.Buffer
	_, err := audit.Export(s.Context(), s.Installation.DB, &export)
	s.must(err)
	v := chain.NewVerifier([]jose.PublicKey{s.key}, s.head())
	s.must(chain.Read(&export, v))
	if e := v.End(0, 0); e.Broken != nil || e.Events != r.Events || e.Hash != r.Hash {
		s.Fatalf("exported: %+v", e)
	}
}

// tampering is what somebody does who has the database: statements, of which each changes
// something, for an audit of which the last number is given.
type tampering struct {
	name string
	do   func(r *rand.Rand, last int64) (statements []string, kind string, at int64)
}

func some(r *rand.Rand, last int64) int64 { return 1 + r.Int64N(last) }

var tamperings = []tampering{
	{"a column", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last)
		set := []string{
			"id = 'x'", "at = at + 1", "event = 'x'", "outcome = 'failure'", "actor = 'x'", "target = ''", "ip = ''", "request_id = 'R'", "detail = '{}'",
		}
		return []string{fmt.Sprintf("UPDATE audit_events SET %s WHERE number = %d", set[r.IntN(len(set))], k)}, chain.Changed, k
	}},
	{"a hash", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last-1)
		return []string{fmt.Sprintf("UPDATE audit_events SET hash = (SELECT hash FROM (SELECT hash FROM audit_events WHERE number = %d) t) WHERE number = %d", k+1, k)}, chain.Changed, k
	}},
	{"one less", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last-1)
		return []string{fmt.Sprintf("DELETE FROM audit_events WHERE number = %d", k)}, chain.Deleted, k
	}},
	{"one that was not sealed", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last-1)
		return []string{fmt.Sprintf("UPDATE audit_events SET number = 0 WHERE number = %d", k)}, chain.Deleted, k
	}},
	{"one more", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last)
		return []string{fmt.Sprintf(`INSERT INTO audit_events (seq, id, at, event, outcome, actor, target, ip, request_id, detail, number, hash)
			SELECT seq + 1000, 'x', at, event, outcome, actor, target, ip, request_id, detail, number, hash FROM audit_events WHERE number = %d`, k)}, chain.Inserted, k
	}},
	{"two the other way round", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last-1)
		j := k + 1 + r.Int64N(last-k)
		move := "UPDATE audit_events SET number = %d WHERE number = %d"
		return []string{fmt.Sprintf(move, 1000, k), fmt.Sprintf(move, k, j), fmt.Sprintf(move, j, 1000)}, chain.Reordered, k
	}},
	{"the last ones", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last)
		return []string{fmt.Sprintf("DELETE FROM audit_events WHERE number >= %d", k)}, chain.Truncated, k
	}},
	{"the last ones, and the end", func(r *rand.Rand, last int64) ([]string, string, int64) {
		k := some(r, last)
		return []string{
			fmt.Sprintf("DELETE FROM audit_events WHERE number >= %d", k), fmt.Sprintf("DELETE FROM audit_statements WHERE number >= %d", k),
			fmt.Sprintf("UPDATE audit_chain SET number = %d", k-1),
		}, chain.Truncated, k
	}},
	{"all", func(_ *rand.Rand, _ int64) ([]string, string, int64) {
		return []string{"DELETE FROM audit_events", "DELETE FROM audit_statements", "UPDATE audit_chain SET number = 0"}, chain.Truncated, 1
	}},
	{"the first ones", func(r *rand.Rand, last int64) ([]string, string, int64) {
		return []string{fmt.Sprintf("DELETE FROM audit_events WHERE number <= %d", some(r, last-1))}, chain.Deleted, 1
	}},
}

// Whatever is done to the stored audit is found, with the event to which it was done.
func TestTamperingIsFound(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		s := newSealed(t, identitytest.Options{Database: database})
		const last = 12
		for range last / 3 {
			s.record(3)
			s.seal()
		}
		s.intact(1, last)
		kept, db := s.head(), s.raw()
		exec := func(statements ...string) {
			t.Helper()
			for _, statement := range statements {
				result, err := db.ExecContext(t.Context(), statement)
				s.must(err)
				if n, err := result.RowsAffected(); err == nil && n == 0 && !strings.HasPrefix(statement, "DELETE FROM audit_statements") && !strings.HasPrefix(statement, "CREATE") {
					t.Fatalf("it changed nothing: %s", statement)
				}
			}
		}
		tables := []string{"audit_events", "audit_statements", "audit_chain"}
		for _, table := range tables {
			exec("CREATE TABLE kept_" + table + " AS SELECT * FROM " + table) //nolint:unqueryvet // all that there is
		}
		rounds := map[store.Driver]uint64{"": 40}[database.Driver]
		for _, way := range tamperings {
			for seed := range max(rounds, 8) {
				statements, kind, at := way.do(rand.New(rand.NewPCG(seed, 7)), last)
				exec(statements...)
				b := s.verify(kept).Broken
				if b == nil || b.Kind != kind || at < b.First || at > b.Last || kind == chain.Changed && b.Last-b.First > 1 {
					t.Errorf("%s: %v: %+v, want %s at %d", way.name, statements, b, kind, at)
				}
				for _, table := range tables {
					_, err := db.ExecContext(t.Context(), "DELETE FROM "+table)
					s.must(err)
					exec("INSERT INTO " + table + " SELECT * FROM kept_" + table) //nolint:unqueryvet // all that there was
				}
			}
		}
		s.intact(1, last)
	})
}

// raw is a connection to the database of its own.
func (s *sealed) raw() *sql.DB {
	s.Helper()
	db := s.Beside()
	s.Cleanup(func() { _ = db.Close() })
	return db
}

// Nodes that seal at once, while events come, give no number twice and leave none out.
func TestNodesSealTogether(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		s := newSealed(t, identitytest.Options{Database: database})
		nodes := []*identitytest.Service{s.Service, s.Another()}
		var writing, sealing sync.WaitGroup
		over := make(chan struct{})
		for i := range 4 {
			writing.Go(func() {
				for j := range 20 {
					name := fmt.Sprintf("user-%d-%d", i, j)
					if r := nodes[i%2].Do("POST", "/auth/login", fmt.Sprintf(`{"username":%q,"password":"x"}`, name)); r.Status >= 500 {
						t.Errorf("%d", r.Status)
					}
					now := s.Installation.DB.Now()
					if err := nodes[i%2].Installation.DB.AppendEvent(t.Context(), identity.Event{ID: identity.NewID(now), At: now, Name: name, Detail: []byte("{}")}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range 4 {
			sealing.Go(func() {
				for {
					select {
					case <-over:
						return
					default:
					}
					if _, err := nodes[i%2].Installation.Sealer.Seal(t.Context()); err != nil && identity.KindOf(err) != identity.Unavailable {
						t.Error(err)
						return
					}
				}
			})
		}
		writing.Wait()
		close(over)
		sealing.Wait()
		for _, node := range nodes {
			s.must(node.StoreEvents(t.Context()))
		}
		s.seal()
		s.intact(1, 160) // 80 refusals of those logins too
	})
}

// A sealer, or a cut, that ends at any of its writes leaves nothing half done, and the next
// one goes on without a gap.
func TestSealingIsCutAnywhere(t *testing.T) {
	s := newSealed(t, identitytest.Options{})
	if s.Database.Path == "" {
		return // the cuts are triggers of SQLite; the transaction is the same everywhere
	}
	failpoints := newCuts(t, s.Database.Path, "audit_events", "audit_chain", "audit_statements")
	cut := func(do func() error) (times int) {
		for n := 1; ; n++ {
			failpoints.at(t, n)
			err := do()
			failpoints.at(t, 0)
			if err == nil {
				return times
			}
			times++
			if r := s.verify(nil); r.Broken != nil {
				t.Fatalf("cut at write %d: %+v", n, r.Broken)
			}
		}
	}
	last := int64(0)
	for range 3 {
		s.record(4)
		last += 4
		if times := cut(func() error { _, err := s.Installation.Sealer.Seal(t.Context()); return err }); times < 6 { // the chain, four events, a head
			t.Errorf("sealing was cut %d times", times)
		}
		s.intact(1, last)
	}
	gone := int64(0)
	if times := cut(func() (err error) {
		gone, err = s.Installation.Sealer.Cut(t.Context(), s.Installation.DB.Now().Add(-5*time.Hour), 100)
		return err
	}); times < 7 || gone != 6 { // six events and statements go; a statement and an event come
		t.Errorf("the cut of %d events was cut %d times", gone, times)
	}
	s.seal()
	s.intact(gone+1, last+1)
}

// What is older than the retention goes, in batches, and what is left is proven.
func TestRetention(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		s := newSealed(t, identitytest.Options{Database: database, AuditRetention: 10 * time.Hour})
		s.record(15)
		s.Upkeep(t.Context())
		s.seal()
		s.intact(1, 15) // nothing was sealed, so nothing was cut
		before := s.head()
		s.Upkeep(t.Context())
		s.seal()
		s.intact(5, 16) // the cut is an event too
		if r := s.verify(before); r.Broken != nil || r.Cut != 4 || len(r.Unknown) != 0 {
			t.Errorf("with a head from before: %+v", r)
		}
		events, err := s.Installation.DB.Events(t.Context(), store.EventFilter{Name: "audit.cut", Limit: 10})
		s.must(err)
		if len(events) != 1 || !strings.Contains(string(events[0].Detail), `"up_to":4`) || events[0].Actor != "system:retention" {
			t.Errorf("%+v", events)
		}
		if !strings.Contains(s.Log.String(), `"msg":"audit statement","kind":"cut","number":4,"hash":"`) {
			t.Error("the log has no statement of the cut")
		}
		s.Upkeep(t.Context())
		s.Clock.Move(100 * time.Hour)
		s.Upkeep(t.Context())
		s.seal()
		s.intact(16, 17) // one event always stays, and then the cut
	})
}

// Without its key nothing is sealed, and everything else goes on.
func TestAuditKeyDoesNotOpen(t *testing.T) {
	s := newSealed(t, identitytest.Options{})
	s.record(2)
	stored, err := s.Installation.DB.SealedSecret(t.Context(), keyring.AuditSecret)
	s.must(err)
	broken := damagedSealed(t, stored.Value)
	s.Change(store.KindSecret, keyring.AuditSecret, `UPDATE sealed_secrets SET ciphertext = ? WHERE name = ?`, broken.Ciphertext(), keyring.AuditSecret)
	n, err := s.Installation.Sealer.Seal(t.Context())
	if n != 0 || identity.KindOf(err) != identity.Unavailable || !strings.Contains(err.Error(), "the key of the audit") {
		t.Errorf("%d, %v", n, err)
	}
	s.record(1)
	s.Change(store.KindSecret, keyring.AuditSecret, `UPDATE sealed_secrets SET ciphertext = ? WHERE name = ?`, stored.Value.Ciphertext(), keyring.AuditSecret)
	s.seal()
	s.intact(1, 3)
}

// A service seals by itself, and what is left when it ends.
func TestServiceSeals(t *testing.T) {
	s := newSealed(t, identitytest.Options{OwnUpkeep: true})
	s.record(3)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if n, err := s.Installation.DB.CountUnsealed(t.Context()); err == nil && n == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing is sealed")
		}
	}
	if !strings.Contains(s.Log.String(), `"msg":"audit statement","kind":"head"`) {
		t.Error("the log has no head")
	}
	s.intact(1, 3)
}
