package dbserver

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const (
	startLimit = time.Minute      // a recovery may come first
	endLimit   = 30 * time.Second // a clean end writes everything
	logFile    = "log"
	firstFile  = "first.sql" // makes the users
)

// errPortTaken is a reason to try another port.
var errPortTaken = errors.New("the port is taken")

// firstUp starts the server for the first time, on a port of its own.
func (s *Server) firstUp() error {
	var err error
	for range 5 {
		if s.Port, err = freePort(); err != nil {
			return err
		}
		if err = s.engine.configure(s); err != nil {
			return err
		}
		if err = s.up(); !errors.Is(err, errPortTaken) {
			return err
		}
	}
	return err
}

// up starts the server and waits until it accepts. s.mu is held, or nobody else
// knows the server yet.
func (s *Server) up() error {
	if s.process.alive() {
		return nil
	}
	out, err := os.OpenFile(filepath.Join(s.dir, logFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() //nolint:errcheck // the server writes to it, we do not
	seen := len(s.read(logFile))
	command := s.engine.command(s)
	//nolint:gosec,noctx // the package names its own programs; a test ends them with faults
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env, cmd.Dir, cmd.Stdout, cmd.Stderr = s.environment(), s.dir, out, out
	cmd.SysProcAttr = attributes()
	s.account.run(cmd)
	p, err := spawn(cmd)
	if err != nil {
		return err
	}
	s.process = p
	if err := os.WriteFile(filepath.Join(s.dir, pidFile), fmt.Appendln(nil, p.pid), 0o600); err != nil {
		return err
	}
	err = poll(startLimit, 20*time.Millisecond, s.accepts)
	if !p.alive() && strings.Contains(strings.ToLower(s.read(logFile)[seen:]), "address already in use") {
		return errPortTaken
	}
	if err != nil {
		return fmt.Errorf("%s does not accept: %w\n%s", s.Kind, err, s.Log())
	}
	return nil
}

// accepts reports by no error that the server answers SQL, or that it has ended
// and never will.
func (s *Server) accepts() error {
	if !s.process.alive() {
		return nil
	}
	// A connection costs nothing, a client does.
	dialer := net.Dialer{Timeout: time.Second}
	connection, err := dialer.DialContext(context.Background(), "tcp", fmt.Sprintf("%s:%d", s.Host, s.Port))
	if err != nil {
		return err
	}
	if err := connection.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err = s.query(ctx, s.Administrator, "", "SELECT 1;")
	return err
}

// freePort finds a port that nobody listens on. It looks below the ports that
// systems give to outgoing connections: a client that retries while its server
// is down must not be given the server's port, or even connect to itself.
func freePort() (int, error) {
	const lowest, count = 15000, 15000
	var last error
	for range 100 {
		n, err := rand.Int(rand.Reader, big.NewInt(count))
		if err != nil {
			return 0, err
		}
		port := lowest + int(n.Int64())
		listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, listener.Close()
		}
		last = err
	}
	return 0, last
}

// environment is that of every program: nothing that the one who tests has set
// for clients, and no home with such settings.
func (s *Server) environment() []string {
	home := s.dir
	if home == "" {
		home = os.TempDir()
	}
	return []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "LC_ALL=C.UTF-8"}
}

// read returns the text of a file in the server's directory; what is not there is
// empty.
func (s *Server) read(name string) string {
	text, _ := os.ReadFile(filepath.Join(s.dir, name))
	return string(text)
}

// forget removes a file from the server's directory.
func (s *Server) forget(name string) error {
	err := os.Remove(filepath.Join(s.dir, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
