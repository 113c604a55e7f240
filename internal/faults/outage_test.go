package faults_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// people are who asks during a fault: ann with a password, bob who has just been
// disabled, and two machines, of which one has a secret that is known.
type people struct {
	*load
	secret string
	asked  atomic.Int64 // how often crowd has asked to log in
	filled int          // how many clients were to fill the disk
}

func (d *database) people(p *faults.Process) *people {
	d.Helper()
	l, ctx := d.newLoad(p), d.Context()
	l.public.Timeout = 20 * time.Second // longer than any deadline of the service
	must(l.admin.CreateUser(ctx, api.CreateUserRequest{Username: "ann", Password: firstPassword}))(d.T)
	made := must(l.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: "shop", Name: "Shop"}))(d.T)
	must(l.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: "robot", Name: "Robot", PublicKey: l.key.Public()}))(d.T)
	// Memory knows the secret from now on: the first time its proof takes a write.
	must(l.public.Token(ctx, faults.Secret("shop", made.ClientSecret), "shop"))(d.T)
	return &people{load: l, secret: made.ClientSecret}
}

// disable makes bob, and disables him.
func (p *people) disable(d *database) {
	d.Helper()
	bob := must(p.admin.CreateUser(d.Context(), api.CreateUserRequest{Username: "bob", Password: firstPassword}))(d.T)
	must(p.public.Login(d.Context(), "bob", firstPassword, "shop"))(d.T)
	must(0, p.admin.EnableUser(d.Context(), bob, false))(d.T)
}

// ask makes one request of each kind, and tells how each failed, nil where it did not,
// and how long the slowest took; a list that is not refused is several.
func (p *people) ask(d *database) (failed map[string]error, slowest time.Duration) {
	d.Helper()
	ctx := d.Context()
	failed = map[string]error{}
	timed := func(do func() error) error {
		began := time.Now()
		err := do()
		slowest = max(slowest, time.Since(began))
		return err
	}
	proof := must(p.key.Assertion("robot", issuer))(d.T)
	show := func() error { _, err := p.public.Token(ctx, proof, "shop"); return err }
	failed["login"] = timed(func() error { _, err := p.public.Login(ctx, "ann", firstPassword, "shop"); return err })
	failed["secret"] = timed(func() error { _, err := p.public.Token(ctx, faults.Secret("shop", p.secret), "shop"); return err })
	failed["signature"] = timed(show)
	_ = timed(show) // as once does
	failed["creation"] = timed(func() error {
		_, err := p.admin.CreateUser(ctx, api.CreateUserRequest{Username: "carol", Password: firstPassword})
		return err
	})
	failed["list"] = timed(func() error { _, err := p.admin.ReadState(ctx); return err })
	return failed, slowest
}

// unavailable expects a refusal of everything, that says when to come again.
func unavailable(t *testing.T, failed map[string]error) {
	t.Helper()
	for what, err := range failed {
		refused, is := err.(*faults.StatusError)
		if !is || refused.Status != 503 || refused.RetryAfter == "" {
			t.Errorf("%s: %v, want 503 with Retry-After", what, err)
		}
	}
}

// reads expects that what needs no write goes on. A login stores a session, for which
// there may be room or not.
func (p *people) reads(d *database, node *faults.Process) {
	d.Helper()
	ctx := d.Context()
	if _, err := p.public.Login(ctx, "ann", firstPassword, "shop"); err != nil {
		unavailable(d.T, map[string]error{"login": err})
	}
	must(p.public.Token(ctx, faults.Secret("shop", p.secret), "shop"))(d.T)
	must(p.admin.ReadState(ctx))(d.T)
	// An attempt is counted before it is looked at, which takes a write too.
	if _, err := p.public.Login(ctx, "bob", firstPassword, "shop"); !refusedLogin(err) && status(err) != 503 {
		d.Errorf("bob, who is disabled: %v", err)
	}
	for _, path := range []string{"/healthz", "/.well-known/jwks.json"} {
		if found := get(d.T, node.URL(), path); found.status != http.StatusOK {
			d.Errorf("%s: %d", path, found.status)
		}
	}
}

// TestOutage ends the database server, as a crash does, and starts it again later.
func TestOutage(t *testing.T) {
	// prompt is how long any answer may take meanwhile. The promise is 2 s; the rest is for
	// a machine on which other tests run.
	prompt, lasts := 4*time.Second, 4*time.Second
	if nightly(t) {
		prompt, lasts = 2*time.Second, 30*time.Second
	}
	onServers(t, func(d *database) {
		d.Cleanup(func() { d.server.Start(d.T) })
		node := d.ready()
		p := d.people(node)
		failed, _ := p.ask(d)
		for what, err := range failed {
			if err != nil {
				d.Fatalf("%s: %v", what, err)
			}
		}
		p.disable(d)
		d.server.StopImmediate(d.T)
		began := time.Now()
		time.Sleep(faults.Bound) // for so long memory may be trusted
		slowest := time.Duration(0)
		for round := 0; round == 0 || time.Since(began) < lasts; round++ {
			failed, took := p.ask(d)
			slowest = max(slowest, took)
			unavailable(d.T, failed)
			if _, err := p.public.Login(d.Context(), "bob", firstPassword, "shop"); status(err) != 503 && !refusedLogin(err) {
				d.Errorf("bob, who is disabled: %v", err)
			}
			for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/.well-known/jwks.json": 200} {
				got := get(d.T, node.URL(), path)
				if got.status != want || (want == 503) != (got.retryAfter != "") || got.took > prompt {
					d.Errorf("%s: %d (Retry-After %q) after %v, want %d", path, got.status, got.retryAfter, got.took, want)
				}
			}
		}
		if slowest > prompt {
			d.Errorf("an answer took %v, want at most %v", slowest, prompt)
		}
		d.server.Start(d.T)
		took := within(d.T, readyEver, "all is as before", func() bool {
			_, err := p.public.Login(d.Context(), "ann", firstPassword, "shop")
			return err == nil && get(d.T, node.URL(), "/readyz").status == 200
		})
		d.Logf("the slowest answer took %v; recovered after %v", slowest, took)
		if took > readySoon {
			d.Errorf("recovered after %v, want at most %v", took, readySoon)
		}
		if _, err := p.public.Login(d.Context(), "bob", firstPassword, "shop"); status(err) != 401 {
			d.Errorf("bob, who is disabled: %v", err)
		}
		if ended := p.judge(d.T); ended[faults.Unknown] == 0 {
			d.Errorf("nothing was hurt: %v", ended)
		}
	})
}

// refusedLogin reports whether a login was refused: as one that is wrong, or as one too many
// of those.
func refusedLogin(err error) bool {
	return status(err) == http.StatusUnauthorized || status(err) == http.StatusTooManyRequests
}
