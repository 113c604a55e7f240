package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

const (
	issuer        = "https://id.example.com"
	adminPassword = "the administrator's password"
	// readyEver is how long after a fault a node may take until it is ready.
	readyEver = 30 * time.Second
)

// world is two nodes and their database.
type world struct {
	testing.TB
	options
	server *dbserver.Server // nil for SQLite
	proxy  *faults.Proxy    // nil for SQLite
	nodes  [2]*faults.Process
	folder string
}

// newWorld starts a database and nodes, and waits until they serve.
func newWorld(t testing.TB, o options) *world {
	t.Helper()
	w := &world{TB: t, options: o, folder: t.TempDir()}
	env := map[string]string{
		"ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": adminPassword, "JWT_ISSUER": issuer, "ENCRYPTION_KEY": seal.GenerateKey().Reveal(),
		"ADDRESS_FAILURES_PER_MINUTE": "0", // all come from one address
	}
	if o.database == "" {
		env["DATABASE_PATH"] = filepath.Join(w.folder, "identity.db")
	} else {
		if !dbserver.Here(t, o.database) {
			t.Fatalf("%s is not here", o.database)
		}
		w.server = dbserver.Start(t, o.database, dbserver.Options{})
		name := w.server.NewDatabase(t)
		w.proxy = faults.StartProxy(t, w.server.Host+":"+strconv.Itoa(w.server.Port))
		maps.Copy(env, faults.Reach(w.server, name, w.proxy.Port()))
	}
	for i := range w.nodes {
		w.nodes[i] = faults.Start(t, faults.Build(t), env)
		if _, err := w.nodes[i].Ready(readyEver); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// url is that of either node.
func (w *world) url() string { return w.nodes[rand.IntN(len(w.nodes))].URL() } //nolint:gosec // a die

// ready waits until all nodes are, and returns how long that took and which is not.
func (w *world) ready() (time.Duration, error) {
	began := time.Now()
	for i, node := range w.nodes {
		if _, err := node.Ready(readyEver); err != nil {
			return 0, fmt.Errorf("node %d: %w", i, err)
		}
	}
	return time.Since(began), nil
}

// chapter works and is hurt for a while, and is judged.
func (w *world) chapter(number int, length time.Duration, dice *rand.Rand, r *report) []faults.Violation {
	w.Helper()
	ledger := faults.NewLedger(w, filepath.Join(w.folder, fmt.Sprintf("ledger-%d", number)))
	admin := faults.NewClient(faults.ClientConfig{URL: w.url, Ledger: ledger.With("admin")})
	defer admin.Close()
	if err := w.authorize(admin); err != nil {
		w.Fatal(err)
	}
	l := newLoad(w, number, admin, ledger)
	ctx, cancel := context.WithTimeout(w.Context(), length)
	defer cancel()
	working := l.start(ctx)
	found := w.hurt(ctx, dice, r)
	working.Wait()
	if err := w.authorize(admin); err != nil {
		return r.judged(nil, append(found, violation("the administrator cannot log in: %v", err)))
	}
	// What was begun is read, with what was begun meanwhile by nobody.
	judging, end := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer end()
	state, err := admin.ReadState(judging)
	if err != nil {
		return r.judged(nil, append(found, violation("nobody can say what there is: %v", err)))
	}
	operations, broken, err := faults.Judge(judging, ledger, state, append(l.clients(), admin)...)
	if err != nil {
		w.Fatal(err)
	}
	l.leave(judging)
	return r.judged(operations, append(found, broken...))
}

// authorize logs the administrator in, which may take more than one try right after a
// fault.
func (w *world) authorize(admin *faults.Client) (err error) {
	for range 20 {
		if err = admin.Authorize(context.WithoutCancel(w.Context()), "admin", adminPassword); err == nil {
			return nil
		}
		time.Sleep(500 * time.Millisecond)
	}
	return err
}

// violation is one of the rule that nodes recover by themselves.
func violation(format string, args ...any) faults.Violation {
	return faults.Violation{Rule: "nodes recover by themselves", Text: fmt.Sprintf(format, args...)}
}
