package faults_test

import (
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestProcess ends and restarts a process in every way.
func TestProcess(t *testing.T) {
	p := startService(t, faults.Build(t))
	first := p.URL()
	ledger := newLedger(t)
	admin := newClient(t, p.URL, ledger)
	if err := admin.Authorize(t.Context(), "admin", adminPassword); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Stderr(), `"listening"`) {
		t.Errorf("no record of listening in %s", p.Stderr())
	}
	p.Kill()
	if err := p.Wait(); err == nil {
		t.Error("a killed process ended well")
	}
	if _, err := p.Ready(time.Second); err == nil {
		t.Error("a killed process is ready")
	}
	// Nobody knows of a write to a dead process; a login has gained nothing.
	if _, err := admin.CreateUser(t.Context(), api.CreateUserRequest{Username: "x", Password: "correct horse battery"}); err == nil {
		t.Error("a dead process makes users")
	}
	if _, err := admin.Login(t.Context(), "admin", adminPassword, ""); err == nil {
		t.Error("a dead process logs in")
	}
	operations := read(t, ledger.Path())
	if n := len(operations); operations[n-2].Outcome != faults.Unknown || operations[n-1].Outcome != faults.Failed {
		t.Errorf("want unknown and fail: %v", operations[n-2:])
	}

	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	must(p.Ready(20 * time.Second))(t)
	if p.URL() == first {
		t.Errorf("the port is the dead process's: %s", first)
	}
	if err := admin.Authorize(t.Context(), "admin", adminPassword); err != nil {
		t.Errorf("after the restart: %v", err)
	}
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	within(t, readyEver, "a stopped process answers nothing", func() bool { // its threads stop one after the other
		_, err := p.Ready(50 * time.Millisecond)
		return errors.Is(err, context.DeadlineExceeded)
	})
	if err := p.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := p.Terminate(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
	if err := p.Terminate(); err == nil {
		t.Error("a process that has ended was asked to end")
	}
}

// TestProcessRefuses reports a start that fails, with the reason.
func TestProcessRefuses(t *testing.T) {
	p := faults.Start(t, faults.Build(t), map[string]string{"DATABASE_DRIVER": "oracle"})
	if _, err := p.Ready(20 * time.Second); err == nil || !strings.Contains(err.Error(), "DATABASE_DRIVER") {
		t.Errorf("%v, want the reason", err)
	}
	if err := p.Wait(); err == nil || p.URL() != "" {
		t.Errorf("ended with %v, listening at %q", err, p.URL())
	}
}
