package dbserver

import (
	"fmt"
	"net/url"
	"os"
	"strconv"
	"sync"
	"testing"
)

// Existing names the environment variable with the URL of a server of a kind that
// Shared uses instead of its own: postgres://user:password@host:port or
// mysql://user:password@host:port. Its user must be allowed to make databases.
var Existing = map[Kind]string{PostgreSQL: "TEST_POSTGRES_DSN", MariaDB: "TEST_MYSQL_DSN"}

// Shared is one server for the tests of a binary: a package variable. It starts
// when the first test asks for it and ends with Main. A test that disturbs it must
// mend it before it ends; better, such a test starts its own.
type Shared struct {
	Kind Kind
	// Options, where there are any, rule out a server that was there before.
	Options *Options

	once   sync.Once
	server *Server
	err    error
}

// Here reports whether there is such a server to use; see the function Here.
func (s *Shared) Here(t testing.TB) bool {
	t.Helper()
	if s.existing() == "" {
		return Here(t, s.Kind)
	}
	needed := programs[s.Kind]
	return find(needed[len(needed)-1]) != "" || missing(t, s.Kind)
}

// Get returns the server.
func (s *Shared) Get(t testing.TB) *Server {
	t.Helper()
	s.once.Do(func() {
		if dsn := s.existing(); dsn != "" {
			s.server, s.err = parse(s.Kind, dsn)
			return
		}
		var o Options
		if s.Options != nil {
			o = *s.Options
		}
		if s.server, s.err = start(s.Kind, o, engine.layOut); s.err == nil {
			shared.Lock()
			defer shared.Unlock()
			shared.servers = append(shared.servers, s.server)
		}
	})
	if s.err != nil {
		t.Fatalf("the shared %s: %v", s.Kind, s.err)
	}
	return s.server
}

// existing returns the URL of the server that was there before, or "".
func (s *Shared) existing() string {
	if s.Options != nil {
		return ""
	}
	return os.Getenv(Existing[s.Kind])
}

// shared holds what Main ends.
var shared struct {
	sync.Mutex
	servers []*Server
}

// Main runs the tests of a binary and then ends every shared server and removes
// what is left. TestMain returns with os.Exit(dbserver.Main(m)). A binary without
// it leaves nothing behind either, but is swept a moment after it has ended.
func Main(m *testing.M) int {
	code := m.Run()
	shared.Lock()
	defer shared.Unlock()
	var failed []error
	for _, s := range shared.servers {
		failed = append(failed, s.remove())
	}
	failed = append(failed, dismissWatchman())
	for _, err := range failed {
		if err != nil {
			fmt.Fprintf(os.Stderr, "end the shared servers: %v\n", err)
			code = max(code, 1)
		}
	}
	return code
}

// parse reads the URL of a server that was there before.
func parse(kind Kind, dsn string) (*Server, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL", Existing[kind]) // err has the password in it
	}
	port := map[Kind]int{PostgreSQL: 5432, MariaDB: 3306}[kind]
	if text := u.Port(); text != "" {
		if port, err = strconv.Atoi(text); err != nil {
			return nil, fmt.Errorf("%s: %w", Existing[kind], err)
		}
	}
	if u.Hostname() == "" || u.User.Username() == "" {
		return nil, fmt.Errorf("%s names no host or no user", Existing[kind])
	}
	password, _ := u.User.Password()
	return &Server{
		Kind: kind, Host: u.Hostname(), Port: port, Password: password, engine: engines[kind],
		Username: u.User.Username(), Administrator: u.User.Username(),
	}, nil
}
