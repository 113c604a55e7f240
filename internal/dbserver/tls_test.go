package dbserver_test

import (
	"fmt"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

// words says in the client's own words whom to trust and what to show.
func words(kind dbserver.Kind, root, cert, key string) string {
	form, own := "sslmode=verify-full sslrootcert=%s", " sslcert=%s sslkey=%s"
	if kind == dbserver.MariaDB {
		form, own = "--ssl-ca=%s --ssl-verify-server-cert", " --ssl-cert=%s --ssl-key=%s"
	}
	out := fmt.Sprintf(form, root)
	if cert != "" {
		out += fmt.Sprintf(own, cert, key)
	}
	return out
}

func TestTLS(t *testing.T) {
	each(t, func(t *testing.T, kind dbserver.Kind) {
		t.Parallel()
		authority, stranger := dbserver.NewAuthority(t), dbserver.NewAuthority(t)
		cert, key := authority.Server(t)
		mine, myKey := authority.Client(t, "mine")
		theirs, theirKey := stranger.Client(t, "theirs")
		s := dbserver.Start(t, kind, dbserver.Options{TLS: &dbserver.TLS{
			Cert: cert, Key: key, ClientCA: authority.RootFile, ClientCert: true,
		}})
		s.Exec(t, s.NewDatabase(t), "SELECT 1;") // the socket asks for no certificate
		plain := map[dbserver.Kind]string{dbserver.PostgreSQL: "sslmode=disable", dbserver.MariaDB: "--skip-ssl"}[kind]
		for name, c := range map[string]struct {
			words string
			in    bool
		}{
			"the right authorities":  {words(kind, authority.RootFile, mine, myKey), true},
			"a stranger's server":    {words(kind, stranger.RootFile, mine, myKey), false},
			"a stranger's client":    {words(kind, authority.RootFile, theirs, theirKey), false},
			"no certificate to show": {words(kind, authority.RootFile, "", ""), false},
			"no TLS":                 {plain, false},
		} {
			out, err := tcp(t, s, s.Password, c.words)
			if (err == nil) != c.in {
				t.Errorf("%s: %v: %s", name, err, out)
			}
		}
	})
}

func TestHostLines(t *testing.T) {
	if !dbserver.Here(t, dbserver.PostgreSQL) {
		return
	}
	t.Parallel()
	authority := dbserver.NewAuthority(t)
	cert, key := authority.Server(t, "elsewhere.example")
	s := dbserver.Start(t, dbserver.PostgreSQL, dbserver.Options{
		TLS:       &dbserver.TLS{Cert: cert, Key: key},
		HostLines: []string{"hostnossl all all 127.0.0.1/32 scram-sha-256"},
	})
	if out, err := tcp(t, s, s.Password, "sslmode=disable"); err != nil {
		t.Errorf("without TLS: %v: %s", err, out)
	}
	if out, err := tcp(t, s, s.Password, "sslmode=require"); err == nil {
		t.Errorf("with TLS: %s", out)
	}
}
