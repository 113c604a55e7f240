package identitytest_test

import (
	"database/sql"
	"encoding/json"
	"net/url"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
)

var rotating = identity.LocalAdministrator("test")

// verifier keeps the JWKS for five minutes, and asks no sooner, whatever it meets. One
// without patience asks every time.
type verifier struct {
	name    string
	patient bool
	asked   time.Time
	set     jose.JSONWebKeySet
}

func (v *verifier) refuses(token string) string {
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.ES256, jose.EdDSA, jose.RS256})
	if err != nil {
		return err.Error()
	}
	if len(v.set.Key(signed.Signatures[0].Header.KeyID)) == 0 {
		return "its key is unknown"
	}
	if _, err := signed.Verify(&v.set); err != nil {
		return err.Error()
	}
	return ""
}

// live is a token until it expires.
type live struct {
	text string
	exp  time.Time
}

// traffic is two nodes on one database whose keys rotate, machines that ask for tokens and
// verifiers that look at them.
type traffic struct {
	*testing.T
	nodes     []*identitytest.Service
	verifiers []*verifier
	tokens    []live
	secret    string
	refused   int
}

func newTraffic(t *testing.T, interval time.Duration, options identitytest.Options) *traffic {
	t.Helper()
	a := identitytest.New(t, options)
	r := &traffic{T: t, nodes: []*identitytest.Service{a}}
	r.join()
	_, r.secret = a.AddClient(admin.NewClient{ID: "machine"})
	r.setInterval(interval)
	r.verifiers = []*verifier{{name: "asks one node every time"}, {name: "asks the other every time"}}
	for offset := range 3 { // they ask at different times
		v := &verifier{name: "asks every five minutes", patient: true, asked: r.now().Add(-time.Duration(offset) * 100 * time.Second)}
		r.must(json.Unmarshal(a.JWKS(), &v.set))
		r.verifiers = append(r.verifiers, v)
	}
	return r
}

// join adds a node that shares the database and the clock.
func (r *traffic) join() {
	r.Helper()
	r.nodes = append(r.nodes, r.nodes[0].Another())
}

func (r *traffic) setInterval(interval time.Duration) {
	r.Helper()
	_, err := r.nodes[0].Installation.Admin.UpdateConfiguration(r.Context(), rotating, admin.ConfigurationUpdate{KeyRotationInterval: &interval}, nil)
	r.must(err)
	r.settle()
}

// settle has every node know what was changed, as it does after a second.
func (r *traffic) settle() {
	r.Helper()
	for _, n := range r.nodes {
		r.must(n.Installation.Follower.Poll(r.Context()))
	}
}

func (r *traffic) now() time.Time { return r.nodes[0].Clock.Now() }

func (r *traffic) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// upkeep runs the job on every node at once.
func (r *traffic) upkeep() {
	var together sync.WaitGroup
	for _, n := range r.nodes {
		together.Go(func() { n.Upkeep(r.Context()) })
	}
	together.Wait()
	r.settle()
}

// ask has every node issue tokens, which every verifier looks at.
func (r *traffic) ask() {
	r.Helper()
	for _, n := range r.nodes {
		for _, audience := range []string{"orders", "old"} {
			token := n.Token(audience, map[string]string{"client_id": "machine", "client_secret": r.secret})
			r.tokens = append(r.tokens, live{token, r.now().Add(900 * time.Second).Truncate(time.Second)})
			r.look(token, "new")
		}
	}
}

// look has every verifier look at a token. Whoever asks for the keys asks both nodes in
// turn.
func (r *traffic) look(token, when string) {
	r.Helper()
	for i, v := range r.verifiers {
		if age := r.now().Sub(v.asked); !v.patient || age > keyring.MaxAge {
			r.must(json.Unmarshal(r.nodes[i%len(r.nodes)].JWKS(), &v.set))
			v.asked = r.now()
		}
		if why := v.refuses(token); why != "" {
			r.refused++
			r.Errorf("a verifier that %s refuses a %s token: %s", v.name, when, why)
		}
	}
	if r.refused > 10 {
		r.FailNow()
	}
}

// pass lets time pass. In the last millisecond in which a key signs, and in the first one,
// it has tokens issued: those are the last that the key has to cover, and the first.
func (r *traffic) pass(d time.Duration) {
	r.Helper()
	end := r.now().Add(d)
	keys, err := r.nodes[0].Installation.Admin.Keys(r.Context(), rotating)
	r.must(err)
	var moments []time.Time
	for _, k := range keys {
		for _, at := range []time.Time{k.SupersededAt.Add(-time.Millisecond), k.ActivatesAt} {
			if at.After(r.now()) && !at.After(end) {
				moments = append(moments, at)
			}
		}
	}
	slices.SortFunc(moments, time.Time.Compare)
	for _, at := range moments {
		r.passTo(at)
		r.ask()
	}
	r.passTo(end)
}

// passTo lets time pass until then, and looks at every token in its last millisecond.
func (r *traffic) passTo(end time.Time) {
	r.Helper()
	for len(r.tokens) > 0 && !r.tokens[0].exp.After(end) {
		r.moveTo(r.tokens[0].exp.Add(-time.Millisecond))
		r.look(r.tokens[0].text, "expiring")
		r.tokens = r.tokens[1:]
	}
	r.moveTo(end)
}

func (r *traffic) moveTo(at time.Time) { r.nodes[0].Clock.Move(at.Sub(r.now())) }

// lines expects one key to sign in each line, and one at most to follow it.
func (r *traffic) lines() (signing map[string]string) {
	r.Helper()
	count := map[string]int{}
	signing = map[string]string{}
	for _, n := range r.nodes {
		keys, err := n.Installation.Admin.Keys(r.Context(), rotating)
		r.must(err)
		clear(count)
		for _, k := range keys {
			state := k.State(r.now())
			count[k.Algorithm+" "+string(state)]++
			if state == identity.KeyActive {
				signing[k.Algorithm] = k.KID
			}
		}
		for _, algorithm := range []string{"ES256", "EdDSA"} {
			if count[algorithm+" active"] != 1 || count[algorithm+" next"] > 1 {
				r.Fatalf("the line of %s: %v", algorithm, count)
			}
		}
	}
	return signing
}

// cuts has the database cut the nth write to some tables of every transaction; 0 is none.
type cuts struct{ *sql.DB }

func newCuts(t *testing.T, path string, tables ...string) cuts {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: path, RawQuery: "_pragma=busy_timeout(10000)"}).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	c := cuts{db}
	c.exec(t, `CREATE TABLE cuts (at INTEGER, done INTEGER)`)
	c.exec(t, `INSERT INTO cuts VALUES (0, 0)`)
	for _, table := range tables {
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			c.exec(t, `CREATE TRIGGER cut_`+event+`_`+table+` BEFORE `+event+` ON `+table+` WHEN (SELECT at FROM cuts) > 0 BEGIN
				UPDATE cuts SET done = done + 1;
				SELECT RAISE(ABORT, 'cut') WHERE (SELECT done = at FROM cuts);
			END`)
		}
	}
	return c
}

func (c cuts) exec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := c.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

func (c cuts) at(t *testing.T, n int) {
	t.Helper()
	c.exec(t, `UPDATE cuts SET at = ?, done = 0`, n)
}

// Ten rotations of two lines under live traffic: each transaction is cut at every write
// before it is let through, and the node that was cut is gone.
func TestRotationUnderLiveTraffic(t *testing.T) {
	r := newTraffic(t, time.Hour, identitytest.Options{})
	a := r.nodes[0]
	_, err := a.Installation.Admin.CreateAudience(t.Context(), rotating, admin.NewAudience{Audience: "old", Name: "old", Algorithm: "EdDSA"})
	r.must(err)
	r.settle()
	r.pass(keyring.Lead)
	failpoints := cuts{}
	if a.Database.Path != "" {
		failpoints = newCuts(t, a.Database.Path, "revision", "changes", "signing_keys", "audit_events")
	}
	seen, cut := map[string]map[string]bool{"ES256": {}, "EdDSA": {}}, 0
	for len(seen["ES256"]) <= 10 || len(seen["EdDSA"]) <= 10 {
		for n := 1; failpoints.DB != nil; n++ {
			due, err := keyring.Due(t.Context(), a.Installation.DB, time.Hour)
			r.must(err)
			if len(due) == 0 {
				break
			}
			failpoints.at(t, n)
			last := r.nodes[len(r.nodes)-1]
			last.Upkeep(t.Context())
			left, err := keyring.Due(t.Context(), a.Installation.DB, time.Hour)
			failpoints.at(t, 0)
			if err == nil && len(left) < len(due) {
				continue // it was let through
			}
			cut++
			last.Stop()
			r.nodes = r.nodes[:1]
			r.join()
		}
		r.upkeep()
		for algorithm, kid := range r.lines() {
			seen[algorithm][kid] = true
		}
		r.ask()
		r.pass(100 * time.Second)
	}
	r.pass(900 * time.Second)
	if failpoints.DB != nil && cut < 10*12 {
		t.Errorf("transactions were cut %d times only", cut)
	}
}
