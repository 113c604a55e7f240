package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// process is a server that was started: this service, or a bare one.
type process struct {
	cmd     *exec.Cmd
	address string
	started time.Duration // until it listened
	ended   <-chan struct{}
}

// build compiles the service with these build tags.
func build(ctx context.Context, folder, tags string) (string, error) {
	program := filepath.Join(folder, "identity")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", tags, "-o", program, "github.com/seed-60f9e3ad/identity/cmd/identity") //nolint:gosec // our own program
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building the service: %w\n%s", err, out)
	}
	return program, nil
}

// startService runs "identity serve" on the installation, with its log in a file. more is
// environment.
func startService(ctx context.Context, program, folder string, in *installation, more ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, program, "serve")
	server := in.database.Server
	cmd.Env = append([]string{
		"HOST=127.0.0.1", "PORT=0", "ENCRYPTION_KEY=" + in.key.Reveal(), "HOME=" + folder, "API_DOCS=off", "PATH=" + os.Getenv("PATH"),
		"DATABASE_PATH=" + in.database.Path, "DATABASE_DRIVER=" + string(in.database.Driver), "DATABASE_HOST=" + server.Host,
		"DATABASE_USERNAME=" + server.Username, "DATABASE_PASSWORD=" + server.Password.Reveal(),
		"DATABASE_NAME=" + server.Database, "DATABASE_SCHEMA_NAME=" + server.Schema,
	}, more...)
	if server.Port > 0 {
		cmd.Env = append(cmd.Env, "DATABASE_PORT="+strconv.Itoa(server.Port))
	}
	if in.database.Driver == store.SQLite || in.database.Driver == "" {
		cmd.Dir = folder
	}
	log, err := os.CreateTemp(folder, "identity-*.log")
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the process has it
	cmd.Stderr = log
	return start(cmd, log.Name(), func(line string) string {
		var record struct{ Msg, Addr string }
		if json.Unmarshal([]byte(line), &record) != nil || record.Msg != "listening" {
			return ""
		}
		return record.Addr
	})
}

// startBare runs this program again as a bare server, which says where in a file of the folder.
func startBare(ctx context.Context, folder, mode string, more ...string) (*process, error) {
	own, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, own, append([]string{"-bare", mode}, more...)...) //nolint:gosec // this program
	said, err := os.Create(filepath.Join(folder, "bare.out"))
	if err != nil {
		return nil, err
	}
	defer said.Close() //nolint:errcheck // the process has it
	cmd.Stderr, cmd.Stdout = os.Stderr, said
	return start(cmd, said.Name(), func(line string) string { return strings.TrimPrefix(line, "bare ") })
}

// start starts a process and waits until a line in its output, a file, says where it listens.
func start(cmd *exec.Cmd, output string, addressIn func(line string) string) (*process, error) {
	began := time.Now()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	var failure error
	go func() {
		defer close(ended)
		failure = cmd.Wait()
	}()
	for {
		text, err := os.ReadFile(output)
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(text)) {
			if address := addressIn(strings.TrimSpace(line)); address != "" {
				return &process{cmd, address, time.Since(began), ended}, nil
			}
		}
		select {
		case <-ended:
			return nil, fmt.Errorf("%s ended before it listened: %w\n%s", filepath.Base(cmd.Path), failure, text)
		case <-time.After(time.Millisecond):
		}
	}
}

// stop ends the process, and waits for that.
func (p *process) stop() {
	if p.cmd.Process.Signal(syscall.SIGTERM) == nil {
		<-p.ended
	}
}

// memory is the resident memory of the process in MiB: now, and the most that it ever was.
func (p *process) memory() (now, most float64) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0
	}
	for line := range strings.Lines(string(text)) {
		var kib float64
		if n, _ := fmt.Sscanf(line, "VmRSS: %f kB", &kib); n == 1 {
			now = kib / 1024
		}
		if n, _ := fmt.Sscanf(line, "VmHWM: %f kB", &kib); n == 1 {
			most = kib / 1024
		}
	}
	return now, most
}
