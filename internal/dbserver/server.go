package dbserver

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// Server is one database server.
type Server struct {
	Kind Kind
	Host string
	Port int
	// Username may do everything in databases that NewDatabase makes, and nothing
	// beside: whoever needs more in a test would need it in production.
	Username string
	// Administrator may do everything.
	Administrator string
	// Password is that of both.
	Password string

	engine  engine
	dir     string   // "" where the server is not ours
	account *account // that runs it
	options Options
	name    string // of a standby, for its primary

	mu      sync.Mutex
	process *process // nil before the first start
	paused  bool
}

// engine is what differs between the kinds.
type engine interface {
	// account names the system user of the server.
	account() string
	// layOut makes the data directory and the files of configuration.
	layOut(s *Server) error
	// configure writes what changes with the port.
	configure(s *Server) error
	// settle does what is left to do when the server has first accepted.
	settle(s *Server) error
	// command returns the program of the server and its arguments.
	command(s *Server) []string
	// clean and immediate end the server with and without tidying up.
	clean() syscall.Signal
	immediate() syscall.Signal
	// client returns the command-line client and its environment.
	client(s *Server, user, database string) (command, environment []string)
	// create and drop are SQL.
	create(s *Server, database string) string
	drop(database string) string
}

var engines = map[Kind]engine{PostgreSQL: postgresEngine{}, MariaDB: mariaEngine{}}

// Start starts a server that lives as long as the test.
func Start(t testing.TB, kind Kind, o Options) *Server {
	t.Helper()
	s, err := start(kind, o, engine.layOut)
	if err != nil {
		t.Fatalf("start %s: %v", kind, err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Errorf("remove %s: %v", kind, err)
		}
	})
	return s
}

// start gives a server its data and starts it.
func start(kind Kind, o Options, layOut func(engine, *Server) error) (*Server, error) {
	s, err := newServer(kind, o)
	if err != nil {
		return nil, err
	}
	err = s.keepTLS()
	if err == nil && o.Room > 0 {
		err = s.makeRoom()
	}
	if err == nil {
		err = layOut(s.engine, s)
	}
	if err == nil {
		err = s.firstUp()
	}
	if err == nil {
		err = s.engine.settle(s)
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// newServer gives a server a directory and a password.
func newServer(kind Kind, o Options) (*Server, error) {
	engine, ok := engines[kind]
	if !ok {
		return nil, fmt.Errorf("there is no kind %q", kind)
	}
	s := &Server{
		Kind: kind, Host: "127.0.0.1", Username: "identity", Administrator: "administrator",
		Password: rand.Text(), engine: engine, options: o,
	}
	var err error
	if s.account, err = accountFor(engine.account()); err != nil {
		return nil, err
	}
	if s.dir, err = newDirectory(); err != nil {
		return nil, err
	}
	return s, s.account.own(s.dir)
}

// remove ends the server in whatever state it is and removes its directory.
func (s *Server) remove() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.process.alive() {
		err = s.process.kill() // nobody needs the data, and PostgreSQL may take 5 s to quit
	}
	return errors.Join(err, s.forget(pidFile), s.forget(pausedFile), sweepNow(s.dir))
}

// URL names the server, or a database of it, with the user and the password:
// postgres://… or mysql://….
func (s *Server) URL(database string) string {
	scheme := "postgres"
	if s.Kind == MariaDB {
		scheme = "mysql"
	}
	u := url.URL{Scheme: scheme, User: url.UserPassword(s.Username, s.Password), Host: fmt.Sprintf("%s:%d", s.Host, s.Port), Path: "/" + database}
	return u.String()
}

// Log returns the end of the server's log.
func (s *Server) Log() string {
	const most = 4000
	text := s.read(logFile)
	return text[max(0, len(text)-most):]
}

// tool runs a program that lays out data, as the user of the server.
func (s *Server) tool(environment []string, command ...string) error {
	//nolint:gosec,noctx // the package names its own programs; they end by themselves
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(s.environment(), environment...)
	cmd.Dir = s.dir
	cmd.SysProcAttr = attributes()
	s.account.run(cmd)
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := spawn(cmd)
	if err != nil {
		return err
	}
	<-p.done
	if !cmd.ProcessState.Success() {
		return fmt.Errorf("%s: %v\n%s", filepath.Base(command[0]), cmd.ProcessState, &out)
	}
	return nil
}
