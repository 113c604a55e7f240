package dbserver

import (
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// process is a running server program.
type process struct {
	pid  int
	done chan struct{} // closed when it has ended and was waited for
}

// spawn starts a command that ends no later than this process. The kernel ties
// the signal of the parent's death to the thread that forked, so one is held
// until the command has ended.
func spawn(cmd *exec.Cmd) (*process, error) {
	p := &process{done: make(chan struct{})}
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // that it ended is all there is to know; why is in its log
		}
		close(p.done)
	}()
	return p, <-started
}

// alive reports whether the process runs, or is paused.
func (p *process) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// end sends a signal and waits for the process to end.
func (p *process) end(signal syscall.Signal, limit time.Duration) error {
	p.signal(signal)
	select {
	case <-p.done:
		return nil
	case <-time.After(limit):
		return fmt.Errorf("process %d still runs %v after %v", p.pid, limit, signal)
	}
}

// signal sends a signal to the process alone. It may have ended meanwhile, which
// is no error.
func (p *process) signal(signal syscall.Signal) {
	if p.alive() {
		_ = syscall.Kill(p.pid, signal)
	}
}

// freeze stops the process and all its children, and returns their numbers. The
// parent comes first: then there are no new children.
func (p *process) freeze() ([]int, error) {
	p.signal(syscall.SIGSTOP)
	if err := p.reach([]int{p.pid}, stopped); err != nil {
		return nil, err
	}
	children := p.children()
	for _, pid := range children {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // as signal
	}
	return append(children, p.pid), p.reach(children, stopped)
}

// thaw lets the process and its children go on.
func (p *process) thaw() {
	for _, pid := range p.children() {
		_ = syscall.Kill(pid, syscall.SIGCONT) // as signal
	}
	p.signal(syscall.SIGCONT)
}

// kill ends the process and its children at one moment, as a power cut would: a
// PostgreSQL that outlived its postmaster would hold the data directory.
func (p *process) kill() error {
	all, err := p.freeze()
	if err != nil {
		return err
	}
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL) // as signal
	}
	<-p.done
	return p.reach(all, gone)
}

// state is what a process is doing.
type state int

const (
	gone state = iota // or waiting for somebody to notice
	stopped
	running
)

// children lists the children of the process.
func (p *process) children() []int {
	var children []int
	for _, other := range processes() {
		if other.parent == p.pid && other.state != gone {
			children = append(children, other.pid)
		}
	}
	return children
}

// reach waits until each of the processes is in a state, or gone.
func (p *process) reach(pids []int, wanted state) error {
	return poll(10*time.Second, 2*time.Millisecond, func() error {
		for _, other := range processes() {
			if slices.Contains(pids, other.pid) && other.state != wanted && other.state != gone {
				return fmt.Errorf("process %d did not stop", other.pid)
			}
		}
		return nil
	})
}

// poll asks until there is no error, for a limited time.
func poll(limit, interval time.Duration, ask func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("after %v: %w", limit, err)
		}
		time.Sleep(interval)
	}
}

// status is one line of the table of processes.
type status struct {
	pid, parent int
	state       state
}

// stateOf reads the letter by which the system names a state.
func stateOf(letter byte) state {
	switch letter {
	case 'T', 't':
		return stopped
	case 'Z', 'X':
		return gone
	default:
		return running
	}
}
