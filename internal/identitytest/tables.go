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
// connection of its own. Two equal answers mean that nothing was stored between, but
// the times of last use, which come late.
func (s *Service) Tables() map[string]string {
	s.t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: s.DatabasePath, RawQuery: "mode=ro"}).String())
	s.must(err)
	defer db.Close()
	tables := map[string]string{}
	const every = `SELECT t.name || ':' || group_concat('quote(' || c.name || ')', ' || '','' || ')
		FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'
		AND c.name NOT IN ('last_login_at', 'last_used_at') GROUP BY t.name`
	for _, table := range s.column(db, every) {
		name, columns, _ := strings.Cut(table, ":")
		rows := s.column(db, `SELECT `+columns+` FROM `+name+` ORDER BY 1`)
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
