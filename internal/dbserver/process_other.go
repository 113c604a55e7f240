//go:build unix && !linux

package dbserver

import (
	"fmt"
	"os/exec"
	"strings"
	"syscall"
)

// attributes are those of a server program: a process group of its own, so that
// Ctrl-C does not reach it. Here only the watchman ends it with its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// processes lists what runs on this machine.
func processes() []status {
	//nolint:noctx // ps takes no time
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=,stat=").Output()
	if err != nil {
		return nil
	}
	var all []status
	for line := range strings.Lines(string(out)) {
		var s status
		var letters string
		if _, err := fmt.Sscan(line, &s.pid, &s.parent, &letters); err != nil {
			continue
		}
		s.state = stateOf(letters[0])
		all = append(all, s)
	}
	return all
}
