package identitytest

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Tables returns the number of rows and a checksum of every table, read through a
// connection of its own, but of those that are named. Two equal answers mean that nothing
// was stored between, but the times of last use and the events of requests that change
// nothing, which come late, leases, which jobs take whenever they run, and what is counted
// of attempts.
func (s *Service) Tables(but ...string) map[string]string {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	of := s.columns(db)
	for table, columns := range of {
		of[table] = slices.DeleteFunc(columns, func(c string) bool { return c == "last_login_at" || c == "last_used_at" })
	}
	for _, table := range append(but, "leases", "throttles") {
		delete(of, table)
	}
	tables := map[string]string{}
	for table, columns := range of {
		from := table
		if table == "audit_events" {
			from += ` WHERE event NOT IN ('` + strings.Join(ofRequests, `', '`) + `') AND NOT (event = '` + audit.SessionEnded + `' AND detail LIKE '%"ended_by":"logout"}')`
		}
		rows := s.rows(db, `SELECT `+strings.Join(columns, ", ")+` FROM `+from)
		slices.Sort(rows)
		sum := sha256.Sum256([]byte(strings.Join(rows, "\n")))
		tables[table] = fmt.Sprintf("%d rows, %s", len(rows), hex.EncodeToString(sum[:8]))
	}
	return tables
}

// ofRequests are the events that a request leaves which changes nothing.
var ofRequests = []string{audit.RequestRefused, audit.RequestsRefused, audit.LoginSucceeded, audit.TokenIssued, audit.SessionRefreshed}

// Rows returns the number of rows of a table, read through a connection of its own.
func (s *Service) Rows(table string) (n int) {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	s.must(db.QueryRowContext(s.t.Context(), `SELECT COUNT(*) FROM `+table).Scan(&n))
	return n
}

// Dump returns every value of every row of every table, through a connection of its own.
func (s *Service) Dump() []byte {
	s.t.Helper()
	db := s.beside()
	defer db.Close()
	var dump bytes.Buffer
	for table, columns := range s.columns(db) {
		for _, row := range s.rows(db, `SELECT `+strings.Join(columns, ", ")+` FROM `+table) {
			dump.WriteString(table + ": " + row + "\n")
		}
	}
	return dump.Bytes()
}

// columns returns the columns of every table.
func (s *Service) columns(db *sql.DB) map[string][]string {
	s.t.Helper()
	columns := `SELECT t.name || '.' || c.name FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%' ORDER BY t.name, c.cid`
	switch s.Database.Driver {
	case store.PostgreSQL:
		columns = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
	case store.MySQL:
		columns = `SELECT CONCAT(table_name, '.', column_name) FROM information_schema.columns WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position`
	}
	of := map[string][]string{}
	for _, row := range s.rows(db, columns) {
		table, column, _ := strings.Cut(row, ".")
		of[table] = append(of[table], column)
	}
	return of
}

// rows reads rows, each as one text.
func (s *Service) rows(db *sql.DB, query string) []string {
	s.t.Helper()
	result, err := db.QueryContext(s.t.Context(), query)
	s.must(err)
	defer result.Close()
	names, err := result.Columns()
	s.must(err)
	values, places := make([]sql.RawBytes, len(names)), make([]any, len(names))
	for i := range values {
		places[i] = &values[i]
	}
	var list []string
	for result.Next() {
		s.must(result.Scan(places...))
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = string(v)
		}
		list = append(list, strings.Join(texts, ","))
	}
	s.must(result.Err())
	return list
}
