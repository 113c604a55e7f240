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

// mariaEngine runs MariaDB.
type mariaEngine struct{}

func (mariaEngine) account() string           { return "mysql" }
func (mariaEngine) clean() syscall.Signal     { return syscall.SIGTERM }
func (mariaEngine) immediate() syscall.Signal { return syscall.SIGKILL }

// logSize of InnoDB is a sixth of the default, which has to be written before the
// first start.
const logSize = "16M"

func (mariaEngine) layOut(s *Server) error {
	err := s.tool(nil, find(installDB), "--no-defaults", "--datadir="+filepath.Join(s.dir, "data"), "--skip-test-db",
		"--auth-root-authentication-method=normal", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0", "--innodb-log-file-size="+logSize)
	if err != nil {
		return err
	}
	x509 := ""
	if tls := s.options.TLS; tls != nil && tls.ClientCert {
		x509 = " REQUIRE X509"
	}
	// With skip-name-resolve, localhost is the socket and nothing else. The roots
	// that the installation made have no passwords.
	var sql strings.Builder
	sql.WriteString("DELETE FROM mysql.global_priv WHERE User IN ('root', '');\nFLUSH PRIVILEGES;\n")
	for _, from := range []string{"localhost", s.Host} {
		fmt.Fprintf(&sql, "CREATE OR REPLACE USER '%s'@'%s' IDENTIFIED BY '%s';\n", s.Administrator, from, s.Password)
		fmt.Fprintf(&sql, "GRANT ALL PRIVILEGES ON *.* TO '%s'@'%s' WITH GRANT OPTION;\n", s.Administrator, from)
		if from == "localhost" {
			fmt.Fprintf(&sql, "CREATE OR REPLACE USER '%s'@'%s' IDENTIFIED BY '%s';\n", s.Username, from, s.Password)
		} else {
			fmt.Fprintf(&sql, "CREATE OR REPLACE USER '%s'@'%s' IDENTIFIED BY '%s'%s;\n", s.Username, from, s.Password, x509)
		}
		fmt.Fprintf(&sql, "GRANT ALL PRIVILEGES ON `test\\_%%`.* TO '%s'@'%s';\n", s.Username, from)
	}
	return s.write(firstFile, sql.String())
}

func (mariaEngine) configure(*Server) error { return nil } // everything is an argument

// settle keeps the server from making its users once more.
func (mariaEngine) settle(s *Server) error { return s.forget(firstFile) }

func (mariaEngine) command(s *Server) []string {
	settings := map[string]string{
		"datadir":                 filepath.Join(s.dir, "data"),
		"tmpdir":                  s.dir,
		"socket":                  filepath.Join(s.dir, "socket"),
		"pid-file":                filepath.Join(s.dir, "mariadb.pid"),
		"bind-address":            s.Host,
		"port":                    strconv.Itoa(s.Port),
		"innodb-buffer-pool-size": "64M",
		"innodb-log-file-size":    logSize,
		"max-connections":         "100",
	}
	if s.read(firstFile) != "" {
		settings["init-file"] = filepath.Join(s.dir, firstFile)
	}
	if tls := s.options.TLS; tls != nil {
		settings["ssl-cert"] = filepath.Join(s.dir, certFile)
		settings["ssl-key"] = filepath.Join(s.dir, keyFile)
		if tls.ClientCA != "" {
			settings["ssl-ca"] = filepath.Join(s.dir, caFile)
		}
		if tls.Required || tls.ClientCert {
			settings["require-secure-transport"] = "ON"
		}
	}
	for name, value := range s.options.Settings {
		settings[strings.ReplaceAll(name, "_", "-")] = value
	}
	command := []string{find(mariadbd), "--no-defaults", "--skip-name-resolve"}
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		command = append(command, "--"+name+"="+settings[name])
	}
	return command
}

func (mariaEngine) client(s *Server, user, database string) (command, environment []string) {
	command = []string{find(mariadb), "--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4", "--user=" + user}
	if s.dir == "" {
		command = append(command, "--protocol=tcp", "--host="+s.Host, "--port="+strconv.Itoa(s.Port))
	} else {
		command = append(command, "--protocol=socket", "--socket="+filepath.Join(s.dir, "socket"))
	}
	if database != "" {
		command = append(command, "--database="+database)
	}
	return command, []string{"MYSQL_PWD=" + s.Password}
}

func (mariaEngine) create(_ *Server, database string) string {
	return fmt.Sprintf("CREATE DATABASE %s;", database)
}

// drop ends the connections of the test first: one of them may hold on to a table.
func (mariaEngine) drop(database string) string {
	return fmt.Sprintf(`SET lock_wait_timeout = 5;
DELIMITER //
BEGIN NOT ATOMIC
	FOR r IN (SELECT id FROM information_schema.processlist WHERE db = '%[1]s') DO
		KILL r.id;
	END FOR;
END//
DELIMITER ;
DROP DATABASE IF EXISTS %[1]s;`, database)
}
