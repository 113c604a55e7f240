package faults_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestIdle opens more connections that ask for nothing than there may be: those that have
// something to ask are served.
func TestIdle(t *testing.T) {
	n := crowdOf(t, 200, 10_000)
	d := newDatabase(t, nil)
	d.settings["HASH_MEMORY"] = fmt.Sprintf("%dMiB", hashMemory)
	d.settings["MAX_CONNECTIONS"] = fmt.Sprint(n * 2 / 5)
	node := d.ready()
	p := d.people(node)
	p.during(d, node, "before", func() {})
	for range n {
		d.connect(node, "")
	}
	p.during(d, node, fmt.Sprintf("beside %d idle ones", n), func() {})
	p.served(d)
	d.boundedPeak(node, n)
	p.judge(t)
}

// TestFewOpenFiles starts a node that may open few files, fills it with connections, and
// then takes away what is left to it.
func TestFewOpenFiles(t *testing.T) {
	d := newDatabase(t, nil)
	limited := filepath.Join(t.TempDir(), "identity")
	script := fmt.Sprintf("#!/bin/sh\nulimit -n 300 && exec '%s' \"$@\"\n", faults.Build(t))
	must(0, os.WriteFile(limited, []byte(script), 0o700))(t)
	node := faults.Start(t, limited, d.settings)
	must(node.Ready(readyEver))(t)
	p := d.people(node)
	for range 400 {
		d.connect(node, "")
	}
	p.served(d)
	if log := node.Stderr(); strings.Contains(log, "Accept error") {
		t.Errorf("files ran out though there is a limit of connections:\n%s", log)
	}

	// No file can be opened any more. Who has a connection is served all the same.
	refused := node.Logged("Accept error")
	began := time.Now()
	limitFilesOpen(t, node.PID(), uint64(len(must(os.ReadDir(fmt.Sprintf("/proc/%d/fd", node.PID())))(t))-60))
	for range 40 {
		if conn, err := net.Dial("tcp", strings.TrimPrefix(node.URL(), "http://")); err == nil {
			t.Cleanup(func() { conn.Close() })
		}
	}
	soon(t, refused)
	p.served(d)
	// Accepting is tried again after 5 ms and then twice as long each time, up to a second.
	tried := strings.Count(node.Stderr(), "Accept error")
	if most := 15 + int(time.Since(began).Seconds()); tried > most {
		t.Errorf("it tried to accept %d times, want up to %d", tried, most)
	}
	limitFilesOpen(t, node.PID(), 300)
	within(t, readyEver, "new connections are served", func() bool { return get(t, node.URL(), "/healthz").status == 200 })
	p.served(d)
	p.judge(t)
}

// limitFilesOpen sets how many files a running process may have open.
func limitFilesOpen(t *testing.T, pid int, most uint64) {
	t.Helper()
	limit(t, pid, syscall.RLIMIT_NOFILE, syscall.Rlimit{Cur: most, Max: 300})
}
