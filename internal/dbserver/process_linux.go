package dbserver

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// attributes are those of a server program: a process group of its own, so that
// Ctrl-C does not reach it, and an end with its parent.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// processes lists what runs on this machine. It needs no ps, which small images
// do without.
func processes() []status {
	var all []status
	files, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is sound
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended
		}
		// 7 (a name) with spaces) S 1 …
		line := string(text)
		var s status
		var letter byte
		if _, err := fmt.Sscanf(line, "%d", &s.pid); err != nil {
			continue
		}
		rest := line[strings.LastIndexByte(line, ')')+1:]
		if _, err := fmt.Sscanf(rest, " %c %d", &letter, &s.parent); err != nil {
			continue
		}
		s.state = stateOf(letter)
		all = append(all, s)
	}
	return all
}
