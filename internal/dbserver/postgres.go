package dbserver

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// postgresEngine runs PostgreSQL. The configuration lies beside the data, as
// Debian has it, so that a copy of the data is not a copy of it.
type postgresEngine struct{}

func (postgresEngine) account() string           { return "postgres" }
func (postgresEngine) clean() syscall.Signal     { return syscall.SIGINT }
func (postgresEngine) immediate() syscall.Signal { return syscall.SIGQUIT }

// standbyUser is the role with which standbys replicate.
const standbyUser = "standby"

func (postgresEngine) layOut(s *Server) error {
	if err := s.write("password", s.Password); err != nil {
		return err
	}
	err := s.tool(nil, find(initdb), "--no-sync", "-A", "scram-sha-256", "--locale=C.UTF-8", "-E", "UTF8",
		"-U", s.Administrator, "--pwfile="+filepath.Join(s.dir, "password"), "-D", filepath.Join(s.dir, "data"))
	if err != nil {
		return err
	}
	return s.write(firstFile, fmt.Sprintf("CREATE ROLE %s LOGIN CREATEDB PASSWORD '%s'; CREATE ROLE %s LOGIN REPLICATION PASSWORD '%s';",
		s.Username, s.Password, standbyUser, s.Password))
}

// settle makes the roles. A standby has them from its primary.
func (postgresEngine) settle(s *Server) error {
	if sql := s.read(firstFile); sql != "" {
		if _, err := s.limited(s.Administrator, "", sql); err != nil {
			return err
		}
	}
	return s.forget(firstFile)
}

func (postgresEngine) configure(s *Server) error {
	settings := map[string]string{
		"listen_addresses":             s.Host,
		"port":                         strconv.Itoa(s.Port),
		"unix_socket_directories":      s.dir,
		"hba_file":                     filepath.Join(s.dir, "pg_hba.conf"),
		"shared_buffers":               "32MB",
		"max_connections":              "100",
		"dynamic_shared_memory_type":   "mmap", // files beside the data, which go with it when the server is killed
		"password_encryption":          "scram-sha-256",
		"log_line_prefix":              "%m [%p] ",
		"timezone":                     "UTC",
		"log_timezone":                 "UTC",
		"wal_receiver_status_interval": "1s",
		"wal_retrieve_retry_interval":  "200ms",
	}
	if tls := s.options.TLS; tls != nil {
		settings["ssl"] = "on"
		settings["ssl_cert_file"] = filepath.Join(s.dir, certFile)
		settings["ssl_key_file"] = filepath.Join(s.dir, keyFile)
		if tls.ClientCA != "" {
			settings["ssl_ca_file"] = filepath.Join(s.dir, caFile)
		}
	}
	maps.Copy(settings, s.options.Settings)
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&conf, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	if err := s.write("postgresql.conf", conf.String()); err != nil {
		return err
	}
	lines := append([]string{"local all all scram-sha-256", "local replication " + standbyUser + " scram-sha-256"}, hostLines(s.options)...)
	return s.write("pg_hba.conf", strings.Join(lines, "\n")+"\n")
}

// hostLines are the lines for TCP in pg_hba.conf.
func hostLines(o Options) []string {
	switch {
	case o.HostLines != nil:
		return o.HostLines
	case o.TLS != nil && o.TLS.ClientCert:
		return []string{"hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca"}
	case o.TLS != nil && o.TLS.Required:
		return []string{"hostssl all all 127.0.0.1/32 scram-sha-256"}
	default:
		return []string{"host all all 127.0.0.1/32 scram-sha-256"}
	}
}

func (postgresEngine) command(s *Server) []string {
	return []string{find(postgres), "-D", filepath.Join(s.dir, "data"), "-c", "config_file=" + filepath.Join(s.dir, "postgresql.conf")}
}

func (postgresEngine) client(s *Server, user, database string) (command, environment []string) {
	if database == "" {
		database = "postgres"
	}
	host := s.dir
	if host == "" {
		host = s.Host
	}
	return []string{find(psql), "-X", "-q", "-A", "-t", "-F", "\t", "-w", "-v", "ON_ERROR_STOP=1"}, []string{
		"PGHOST=" + host, "PGPORT=" + strconv.Itoa(s.Port), "PGUSER=" + user, "PGPASSWORD=" + s.Password, "PGDATABASE=" + database,
	}
}

func (postgresEngine) create(s *Server, database string) string {
	return fmt.Sprintf(`CREATE DATABASE %s OWNER "%s";`, database, s.Username)
}

func (postgresEngine) drop(database string) string {
	return fmt.Sprintf("SET default_transaction_read_only = off; DROP DATABASE IF EXISTS %s WITH (FORCE);", database)
}
