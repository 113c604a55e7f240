package dbserver

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// The files in the directory of a server that tell the watchman whom to kill.
const (
	pidFile    = "pid"
	pausedFile = "paused"
)

// sweep is a shell function that removes the directory of a server, and whatever
// of the server still runs, and its file system. A stopped process cannot end by itself, and a killed
// PostgreSQL leaves a segment of System V shared memory; its number is the last
// word on line 7 of postmaster.pid.
const sweep = `
sweep() {
	cat "$1/pid" "$1/paused" 2>/dev/null | xargs -r kill -KILL 2>/dev/null
	sed -n '7s/.* //p' "$1/data/postmaster.pid" 2>/dev/null | xargs -r ipcrm -m 2>/dev/null
	if mountpoint -q "$1/data" 2>/dev/null; then umount -l "$1/data"; fi
	for i in 1 2 3 4 5; do rm -rf "$1" 2>/dev/null && return; sleep 0.5; done
}
`

// watchman is a shell that waits until its standard input ends, which is when the
// test binary does, however it does, and then sweeps.
var watchman struct {
	sync.Mutex
	dir     string // of all servers of this test binary; "" before the first
	servers int    // made so far
	input   io.Closer
	cmd     *exec.Cmd
}

// newDirectory makes the directory of one server.
func newDirectory() (string, error) {
	watchman.Lock()
	defer watchman.Unlock()
	if watchman.dir == "" {
		if err := callWatchman(); err != nil {
			return "", err
		}
	}
	watchman.servers++
	dir := fmt.Sprintf("%s/%d", watchman.dir, watchman.servers)
	return dir, openDirectory(dir, os.Mkdir)
}

// callWatchman makes the directory of all servers and has it watched.
func callWatchman() error {
	// t.TempDir will not do: the users of the servers may not look into it.
	dir, err := os.MkdirTemp("", "dbserver-")
	if err != nil {
		return err
	}
	if err := openDirectory(dir, nil); err != nil {
		return err
	}
	//nolint:gosec,noctx // the text is above, and it outlives every context on purpose
	cmd := exec.Command("/bin/sh", "-c", sweep+`cat; for d in "$1"/*; do sweep "$d"; done; rm -rf "$1"`, "watchman", dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the test, not for its watchman
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	watchman.dir, watchman.input, watchman.cmd = dir, input, cmd
	return nil
}

// dismissWatchman has everything swept now, and waits for it.
func dismissWatchman() error {
	watchman.Lock()
	defer watchman.Unlock()
	if watchman.dir == "" {
		return nil
	}
	watchman.dir = ""
	_ = watchman.input.Close() // the pipe is ours: it closes
	return watchman.cmd.Wait()
}

// sweepNow sweeps one directory.
func sweepNow(dir string) error {
	//nolint:gosec,noctx // the text is above, and it must run after every context has ended
	return exec.Command("/bin/sh", "-c", sweep+`sweep "$1"`, "sweep", dir).Run()
}

// openDirectory lets the users of the servers through a directory, which it makes
// first if it is told how.
func openDirectory(dir string, mkdir func(string, os.FileMode) error) error {
	if mkdir != nil {
		if err := mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755) //nolint:gosec // the server's user must pass; what is secret has its own mode
}
