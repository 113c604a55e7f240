package dbserver

import (
	"fmt"
	"os"
	"path/filepath"
)

// Options say how a server differs from the plain one. The zero value is a server
// without TLS and with quick, durable settings.
type Options struct {
	// Settings are those of postgresql.conf, or the long options of mariadbd.
	Settings map[string]string
	// TLS makes the server speak TLS.
	TLS *TLS
	// HostLines replace the lines for TCP in pg_hba.conf of PostgreSQL.
	HostLines []string
	// Room, in bytes, puts the data on a file system of their own that holds no more,
	// so that Fill can fill it. It is for root on Linux: see HereWithRoom.
	Room int64
}

// TLS is what a server needs to speak it. The server gets copies of the files
// when it is made, so that it does not matter who may read them.
type TLS struct {
	Cert, Key string // files in PEM
	ClientCA  string // file in PEM: who signs certificates of clients; may be ""
	// Required refuses TCP connections without TLS.
	Required bool
	// ClientCert refuses the user of the server on TCP connections without a
	// certificate that ClientCA signed. It includes Required.
	ClientCert bool
}

// Where the copies for the server are, within its directory.
const (
	certFile = "server.crt"
	keyFile  = "server.key"
	caFile   = "clients.crt"
)

// keepTLS copies the files of TLS to where the server reads them.
func (s *Server) keepTLS() error {
	tls := s.options.TLS
	if tls == nil {
		return nil
	}
	if tls.ClientCert && tls.ClientCA == "" {
		return fmt.Errorf("certificates of clients are required, but no authority for them is named")
	}
	for name, from := range map[string]string{certFile: tls.Cert, keyFile: tls.Key, caFile: tls.ClientCA} {
		if from == "" {
			continue
		}
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := s.write(name, string(text)); err != nil {
			return err
		}
	}
	return nil
}

// write makes a file in the directory of the server that only the server reads.
func (s *Server) write(name, text string) error {
	path := filepath.Join(s.dir, name)
	//nolint:gosec // the package names its own files
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return err
	}
	return s.account.own(path)
}
