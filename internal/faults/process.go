package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a process may take to end after SIGTERM: its drain of 30 s and
// some more.
const patience = 40 * time.Second

// Process is a running `identity serve`, which does not outlive the test. Its methods are
// safe for use by many goroutines, but only one should end and restart it.
type Process struct {
	binary, folder string
	env            []string
	http           *http.Client

	mu   sync.Mutex
	life *life
}

// life is one process of the system.
type life struct {
	cmd     *exec.Cmd
	output  *output
	started time.Time
	ended   chan struct{}
	err     error // of waiting, once ended is closed
	// release lets the output be read; nil where nobody held it.
	release func()
}

// Start starts the program at the path with an environment that is env and nothing of
// this process's but PATH, HOME and TMPDIR; HOST is 127.0.0.1 and PORT 0 unless env says
// otherwise. It does not wait for anything: see Ready. A failed test shows the last of
// what it logged.
func Start(t testing.TB, binary string, env map[string]string) *Process {
	t.Helper()
	all := map[string]string{"HOST": "127.0.0.1", "PORT": "0", "LOG_FORMAT": "json"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GOCOVERDIR"} {
		if value, ok := os.LookupEnv(name); ok {
			all[name] = value
		}
	}
	maps.Copy(all, env)
	p := &Process{binary: binary, folder: t.TempDir(), http: &http.Client{
		Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 2 * time.Second,
	}}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		p.env = append(p.env, name+"="+all[name])
	}
	if err := p.Restart(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the last that %s logged:\n%s", p.URL(), p.Stderr())
		}
	})
	return p
}

// Restart kills the process, if it runs, and starts it again in the same environment. It
// has another port then, unless PORT is fixed.
func (p *Process) Restart() error {
	p.Kill()
	cmd := exec.Command(p.binary, "serve") //nolint:gosec,noctx // the test's own; it lives as long as Kill lets it
	l := &life{cmd: cmd, output: &output{listening: make(chan struct{})}, ended: make(chan struct{}), started: time.Now()}
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = p.env, p.folder, l.output, l.output
	dieWithParent(cmd)
	started := make(chan error, 1)
	go func() {
		// The kernel's parent is the thread; it must not end before the process does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(l.ended)
		err := cmd.Start()
		started <- err
		if err == nil {
			err = cmd.Wait()
		}
		l.err = err
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", p.binary, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.life = l
	return nil
}

// URL is where the process listens, without a slash at the end; empty before it does.
func (p *Process) URL() string { return p.now().output.url() }

// Stderr is the last of what the process wrote, 64 KiB at most.
func (p *Process) Stderr() string { return p.now().output.String() }

// Logged is where the next line that the process writes with a text in it will arrive.
func (p *Process) Logged(text string) <-chan string { return p.now().output.next(text) }

// HoldLog has nobody read what the process writes until release is called, or the process
// is killed: the pipe that it writes to fills. Its end is not seen before that.
func (p *Process) HoldLog() (release func()) {
	o := p.now().output
	o.held.Lock()
	release = sync.OnceFunc(o.held.Unlock)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.life.release = release
	return release
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.now().ended }

// Wait waits for the end of the process and returns nil if it exited with 0.
func (p *Process) Wait() error {
	l := p.now()
	<-l.ended
	return l.err
}

// Signal sends a signal, such as SIGSTOP.
func (p *Process) Signal(s os.Signal) error { return p.now().cmd.Process.Signal(s) }

// PID is the process's number in the system.
func (p *Process) PID() int { return p.now().cmd.Process.Pid }

// Kill ends the process with SIGKILL and waits until it is gone. One that has ended stays
// so.
func (p *Process) Kill() {
	l := p.now()
	if l == nil {
		return
	}
	_ = l.cmd.Process.Kill() // it fails where the process has ended
	p.mu.Lock()
	release := l.release
	p.mu.Unlock()
	if release != nil {
		release()
	}
	<-l.ended
}

// Terminate asks the process to end with SIGTERM and waits. It returns nil if it exited
// with 0, and kills one that takes longer than its drain.
func (p *Process) Terminate() error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("asking the process to end: %w", err)
	}
	select {
	case <-p.Done():
		return p.Wait()
	case <-time.After(patience):
		p.Kill()
		return fmt.Errorf("the process has not ended %v after SIGTERM", patience)
	}
}

// Ready waits until GET /readyz answers 200 and returns how long that took since the
// process was started. It fails if that is not so within a time from now, or the process
// ends.
func (p *Process) Ready(within time.Duration) (time.Duration, error) {
	l := p.now()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	last := errors.New("it does not listen")
	poll := time.NewTicker(10 * time.Millisecond)
	defer poll.Stop()
	listening := l.output.listening
	for {
		select {
		case <-l.ended:
			return 0, fmt.Errorf("the process ended (%w) before it was ready:\n%s", endOf(l.err), l.output)
		case <-ctx.Done():
			return 0, fmt.Errorf("not ready within %v: %w", within, last)
		case <-listening:
			listening = nil
		case <-poll.C:
			if listening != nil {
				continue
			}
		}
		if last = p.get(ctx, l.output.url()+"/readyz"); last == nil {
			return time.Since(l.started), nil
		}
	}
}

// endOf names the end of a process that ended well.
func endOf(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// get fails unless the URL answers 200.
func (p *Process) get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	response, err := p.http.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", url, response.Status, body)
	}
	return nil
}

func (p *Process) now() *life {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.life
}
