package identitytest

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	_ "modernc.org/sqlite" // the driver, to look at the file from beside the service
)

// Tables returns the number of rows and a checksum of every table, read through a
// connection of its own. Two equal answers mean that nothing was stored between.
func (s *Service) Tables() map[string]string {
	s.t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: s.DatabasePath, RawQuery: "mode=ro"}).String())
	s.must(err)
	defer db.Close()
	tables := map[string]string{}
	for _, name := range s.column(db, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`) {
		columns := s.column(db, `SELECT name FROM pragma_table_info('`+name+`')`)
		quoted := make([]string, len(columns))
		for i, c := range columns {
			quoted[i] = "quote(" + c + ")"
		}
		rows := s.column(db, `SELECT `+strings.Join(quoted, ` || ',' || `)+` FROM `+name+` ORDER BY 1`)
		sum := sha256.Sum256([]byte(strings.Join(rows, "\n")))
		tables[name] = fmt.Sprintf("%d rows, %s", len(rows), hex.EncodeToString(sum[:8]))
	}
	return tables
}

func (s *Service) column(db *sql.DB, query string) []string {
	s.t.Helper()
	result, err := db.QueryContext(s.t.Context(), query)
	s.must(err)
	defer result.Close()
	var values []string
	for result.Next() {
		var v string
		s.must(result.Scan(&v))
		values = append(values, v)
	}
	s.must(result.Err())
	return values
}
