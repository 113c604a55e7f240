package faults_test

import (
	"syscall"
	"testing"
	"unsafe"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// limitFiles sets how large a file a running process may write: the limit that needs no
// file system of its own. Its process gets EFBIG beyond it, as it would ENOSPC.
func limitFiles(t *testing.T, pid int, most uint64) {
	t.Helper()
	const fileSize = 1 // RLIMIT_FSIZE
	limit(t, pid, fileSize, syscall.Rlimit{Cur: most, Max: ^uint64(0)})
}

// limit sets a limit of a running process.
func limit(t *testing.T, pid, of int, to syscall.Rlimit) {
	t.Helper()
	_, _, errno := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(pid), uintptr(of), uintptr(unsafe.Pointer(&to)), 0, 0, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
}

// TestDiskFull has the file of SQLite grow no more: what is to be written is refused, what
// is read works, nothing is damaged, and with room all is as before.
func TestDiskFull(t *testing.T) {
	d := newDatabase(t, nil)
	node := d.ready()
	p := d.people(node)
	p.disable(d)
	ctx := t.Context()

	limitFiles(t, node.PID(), 4096)
	p.full(d, node)
	p.full(d, node)
	d.whole()

	limitFiles(t, node.PID(), ^uint64(0))
	within(t, readySoon, "it takes writes again", func() bool { return p.once(ctx, "robot") == nil })
	must(p.admin.CreateUser(ctx, api.CreateUserRequest{Username: "dave", Password: firstPassword}))(t)
	d.whole()
	must(0, node.Restart())(t)
	if took := must(node.Ready(readyEver))(t); took > readySoon {
		t.Errorf("ready again after %v, want at most %v", took, readySoon)
	}
	if ended := p.judge(t); ended[faults.Unknown] == 0 {
		t.Errorf("nothing was hurt: %v", ended)
	}
}

// full expects that writes are refused, and nothing else.
func (p *people) full(d *database, node *faults.Process) {
	d.Helper()
	ctx := d.Context()
	_, created := p.admin.CreateUser(ctx, api.CreateUserRequest{Username: "carol", Password: firstPassword})
	unavailable(d.T, map[string]error{"creation": created, "signature": p.once(ctx, "robot")})
	p.reads(d, node)
}
