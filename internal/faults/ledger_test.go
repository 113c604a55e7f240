package faults_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

func newLedger(t *testing.T) *faults.Ledger {
	return faults.NewLedger(t, filepath.Join(t.TempDir(), "ledger"))
}

func read(t *testing.T, path string) []faults.Operation {
	t.Helper()
	operations, err := faults.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return operations
}

func TestLedgerJoins(t *testing.T) {
	ledger := newLedger(t)
	alice := ledger.With("alice")
	alice.Begin("login", "a", faults.Detail{"x": "1"}).Ok(200, faults.Detail{"y": "2"})
	alice.Begin("login", "b", nil).Fail(401, nil)
	alice.Begin("user.create", "c", nil).Unknown(errors.New("reset"))
	ledger.Begin("user.create", "d", nil)
	got := read(t, ledger.Path())
	want := []struct {
		client, key string
		outcome     faults.Outcome
		status      int
		ended       bool
	}{
		{"alice", "a", faults.Succeeded, 200, true}, {"alice", "b", faults.Failed, 401, true},
		{"alice", "c", faults.Unknown, 0, false}, {"", "d", faults.Unknown, 0, false},
	}
	if len(got) != len(want) {
		t.Fatalf("%d operations, want %d: %v", len(got), len(want), got)
	}
	for i, w := range want {
		o := got[i]
		if o.Client != w.client || o.Key != w.key || o.Outcome != w.outcome || o.Status != w.status || (o.Ended != faults.Never) != w.ended {
			t.Errorf("%v, want %+v", o, w)
		}
		if o.Ended < o.Invoked || o.At.IsZero() || i > 0 && o.Invoked < got[i-1].Invoked {
			t.Errorf("the times of %v are out of order", o)
		}
	}
	if d := got[0].Detail; d["x"] != "1" || d["y"] != "2" {
		t.Errorf("detail %v", d)
	}
	if d := got[2].Detail; d["error"] != "reset" {
		t.Errorf("detail %v", d)
	}
}

// TestLedgerTorn reads every beginning of a ledger, as a crash would leave it.
func TestLedgerTorn(t *testing.T) {
	ledger := newLedger(t)
	ledger.Begin("user.create", "a", nil).Ok(201, nil)
	ledger.Begin("user.create", "b", nil).Ok(201, nil)
	whole, err := os.ReadFile(ledger.Path())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "torn")
	for length := range len(whole) + 1 {
		if err := os.WriteFile(path, whole[:length], 0o600); err != nil {
			t.Fatal(err)
		}
		lines := strings.Count(string(whole[:length]), "\n")
		got := read(t, path)
		if len(got) != (lines+1)/2 {
			t.Fatalf("%d of %d bytes: %v", length, len(whole), got)
		}
		for i, o := range got {
			if acknowledged := lines >= 2*i+2; (o.Outcome == faults.Succeeded) != acknowledged || !acknowledged && o.Outcome != faults.Unknown {
				t.Errorf("%d of %d bytes: %v", length, len(whole), o)
			}
		}
	}
}

func TestLedgerDamaged(t *testing.T) {
	for name, text := range map[string]string{
		"torn in the middle": `{"id":1,"pha` + "\n" + `{"id":2,"phase":"invoke"}` + "\n",
		"end without begin":  `{"id":1,"phase":"ok"}` + "\n",
		"begins twice":       strings.Repeat(`{"id":1,"phase":"invoke"}`+"\n", 2),
		"no phase":           `{"id":1}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), "ledger")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := faults.Read(path); err == nil {
			t.Errorf("%s: read as %v", name, got)
		}
	}
}

func TestLedgerConcurrent(t *testing.T) {
	const clients, each = 32, 20
	ledger := newLedger(t)
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			mine := ledger.With(fmt.Sprint(i))
			for k := range each {
				entry := mine.Begin("op", fmt.Sprint(k), nil)
				if text, err := os.ReadFile(ledger.Path()); err != nil || !strings.Contains(string(text), fmt.Sprintf(`{"id":%d,"phase":"invoke"`, entry.ID())) {
					t.Errorf("Begin returned before its line was in the file (%v)", err)
				}
				entry.Ok(200, nil)
			}
		})
	}
	running.Wait()
	got := read(t, ledger.Path())
	if len(got) != clients*each {
		t.Fatalf("%d operations, want %d", len(got), clients*each)
	}
	for _, o := range got {
		if o.Outcome != faults.Succeeded {
			t.Errorf("%v", o)
		}
	}
}

func TestCredentialTellsNoSecret(t *testing.T) {
	a, b := newLedger(t), newLedger(t)
	if got := a.Credential("ids_abcd1234_" + strings.Repeat("x", 49)); got != "abcd1234" {
		t.Errorf("a generated secret is %q, want its id", got)
	}
	one := a.Credential("hunter2")
	if one != a.Credential("hunter2") || one == a.Credential("hunter3") || one == b.Credential("hunter2") || strings.Contains(one, "hunter") {
		t.Errorf("hunter2 is %q", one)
	}
}

// TestLedgerRefusesAnother keeps two runs out of one file.
func TestLedgerRefusesAnother(t *testing.T) {
	ledger := newLedger(t)
	if probe := (&failing{TB: t}); !probe.fails(func() { faults.NewLedger(probe, ledger.Path()) }) {
		t.Error("a second ledger writes into the first one's file")
	}
}

// failing is a test that may fail without failing this one.
type failing struct {
	testing.TB
	errors []string
}

type fatal struct{}

func (f *failing) Error(args ...any)                 { f.errors = append(f.errors, fmt.Sprint(args...)) }
func (f *failing) Errorf(format string, args ...any) { f.Error(fmt.Sprintf(format, args...)) }
func (f *failing) Fatal(args ...any)                 { f.Error(args...); panic(fatal{}) }

// fails runs what should fail and reports whether it did.
func (f *failing) fails(run func()) bool {
	func() {
		defer func() {
			if r := recover(); r != nil && r != (fatal{}) {
				panic(r)
			}
		}()
		run()
	}()
	return len(f.errors) > 0
}
