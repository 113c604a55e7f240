package store_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// encrypted asks the server about the only connection to the place.
func (p place) encrypted(t *testing.T, db *store.DB) bool {
	t.Helper()
	query := `SELECT CASE WHEN ssl THEN 'yes' ELSE '' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()`
	if p.Kind == dbserver.MariaDB {
		query = `SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'`
	}
	cipher, err := store.AskForTest(t.Context(), db, query)
	check(t, err)
	return cipher != ""
}

// The table of libpq: PostgreSQL documentation, "SSL Support", "SSL Mode Descriptions".
func TestTLS(t *testing.T) {
	authority, stranger := dbserver.NewAuthority(t), dbserver.NewAuthority(t)
	cert, key := authority.Server(t, "127.0.0.1")
	mine, myKey := authority.Client(t, "mine")
	theirs, theirKey := stranger.Client(t, "theirs")
	const (
		refused = "refused"
		plain   = "without TLS"
		secured = "with TLS"
	)
	right, wrong, system := authority.RootFile, stranger.RootFile, store.SystemRoots
	for name, server := range map[string]struct {
		options dbserver.Options
		cases   []tlsCase
	}{
		"a server without TLS": {dbserver.Options{}, []tlsCase{
			{"disable", "", "", "", "", plain, ""},
			{"allow", "", "", "", "", plain, ""},
			{"prefer", "", "", "", "", plain, ""},
			{"", "", "", "", "", plain, ""},
			{"require", "", "", "", "", refused, "DATABASE_SSL_MODE"},
			{"verify-ca", right, "", "", "", refused, "DATABASE_SSL_MODE"},
			{"verify-full", right, "", "", "", refused, "DATABASE_SSL_MODE"},
		}},
		"a server with TLS": {dbserver.Options{TLS: &dbserver.TLS{Cert: cert, Key: key}}, []tlsCase{
			{"disable", "", "", "", "", plain, ""},
			{"allow", "", "", "", "", plain, ""},
			{"prefer", "", "", "", "", secured, ""},
			{"prefer", wrong, "", "", "", secured, ""},
			{"require", "", "", "", "", secured, ""},
			{"require", right, "", "", "", secured, ""},
			{"require", wrong, "", "", "", refused, "DATABASE_SSL_ROOT_CERT"},
			{"verify-ca", right, "", "", "", secured, ""},
			{"verify-ca", right, "", "", "localhost", secured, ""},
			{"verify-ca", wrong, "", "", "", refused, "DATABASE_SSL_ROOT_CERT"},
			{"verify-full", right, "", "", "", secured, ""},
			{"verify-full", right, "", "", "localhost", refused, "DATABASE_HOST"},
			{"verify-full", wrong, "", "", "", refused, "DATABASE_SSL_ROOT_CERT"},
			{"verify-full", system, "", "", "", refused, "DATABASE_SSL_ROOT_CERT"},
		}},
		"a server that demands TLS": {dbserver.Options{TLS: &dbserver.TLS{Cert: cert, Key: key, Required: true}}, []tlsCase{
			{"disable", "", "", "", "", refused, "DATABASE_SSL_MODE"},
			{"allow", "", "", "", "", secured, ""},
			{"prefer", "", "", "", "", secured, ""},
			{"verify-full", right, "", "", "", secured, ""},
		}},
		"a server that demands a certificate": {dbserver.Options{TLS: &dbserver.TLS{Cert: cert, Key: key, ClientCA: authority.RootFile, ClientCert: true}}, []tlsCase{
			{"verify-full", right, mine, myKey, "", secured, ""},
			{"require", "", mine, myKey, "", secured, ""},
			{"verify-full", right, "", "", "", refused, "DATABASE_SSL_CERT"},
			{"verify-full", right, theirs, theirKey, "", refused, "DATABASE_SSL_CERT"},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			onOwnServers(t, server.options, func(t *testing.T, p place) {
				for _, c := range server.cases {
					t.Run(c.mode+" "+c.outcome+" "+c.names, func(t *testing.T) {
						cfg := p.config()
						if c.host != "" {
							cfg.Server.Host = c.host
						}
						cfg.Server.TLS = store.TLS{Mode: c.mode, RootCert: c.root, Cert: c.cert, Key: c.key}
						db, err := store.Open(cfg)
						if c.outcome == refused {
							wantNamed(t, err, p.Password, c.names)
							return
						}
						check(t, err)
						defer db.Close()
						if got := p.encrypted(t, db); got != (c.outcome == secured) {
							t.Errorf("the server says of TLS %v", got)
						}
					})
				}
			})
		})
	}
}

type tlsCase struct{ mode, root, cert, key, host, outcome, names string }

// wantNamed asserts that an error names a variable, and no password.
func wantNamed(t *testing.T, err error, password, variable string) {
	t.Helper()
	if err == nil {
		t.Fatal("it was accepted")
	}
	if !strings.Contains(err.Error(), variable) || strings.Contains(err.Error(), password) {
		t.Errorf("the error does not name %s, or names the password: %v", variable, err)
	}
}

func TestWhatKeepsFromConnectingIsNamed(t *testing.T) {
	onServers(t, func(t *testing.T, p place) {
		database := "DATABASE_SCHEMA_NAME"
		if p.Kind == dbserver.PostgreSQL {
			database = "DATABASE_NAME"
		}
		for name, c := range map[string]struct {
			differ func(s *store.Server)
			names  string
			passes bool // by itself, perhaps
		}{
			"a wrong password":      {func(s *store.Server) { s.Password = identity.NewSecret("not the word") }, "DATABASE_PASSWORD", false},
			"a wrong database":      {func(s *store.Server) { s.Database, s.Schema = "test_absent", "test_absent" }, database, false},
			"nobody listens":        {func(s *store.Server) { s.Port = 1 }, "DATABASE_PORT", true},
			"a host without a name": {func(s *store.Server) { s.Host = "absent.invalid" }, "DATABASE_HOST", true},
			"a port that is none":   {func(s *store.Server) { s.Host = "127.0.0.1:many" }, "DATABASE_HOST", false},
		} {
			t.Run(name, func(t *testing.T) {
				cfg := p.config()
				c.differ(&cfg.Server)
				_, err := store.Open(cfg)
				wantNamed(t, err, cfg.Server.Password.Reveal(), c.names)
				var e *identity.Error
				if unavailable := errors.As(err, &e) && e.Kind == identity.Unavailable; unavailable != c.passes {
					t.Errorf("worth another try: %v (%v)", unavailable, err)
				}
			})
		}
	})
}
