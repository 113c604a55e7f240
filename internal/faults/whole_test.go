package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

// whole has the database look for damage in itself: in the rows of its tables and in
// their indexes.
func (d *database) whole() {
	d.Helper()
	switch {
	case d.server == nil:
		if found := one[string](d, d.open(), `PRAGMA integrity_check`); found != "ok" {
			d.Errorf("integrity_check: %s", found)
		}
	case d.server.Kind == dbserver.PostgreSQL:
		// It belongs to PostgreSQL, but may be packaged apart.
		if d.server.Admin(d.T, d.name, `SELECT name FROM pg_available_extensions WHERE name = 'amcheck';`) == "" {
			dbserver.DidNotRun(d.T, "amcheck is not here")
			return
		}
		found := d.server.Admin(d.T, d.name, fmt.Sprintf(`SET client_min_messages = warning; CREATE EXTENSION IF NOT EXISTS amcheck;
SELECT c.relname, v.msg FROM pg_class c, verify_heapam(c.oid) v WHERE c.relkind = 'r' AND c.relnamespace = '%[1]s'::regnamespace;
SELECT bt_index_check(i.indexrelid, true) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = '%[1]s'::regnamespace;`, d.name))
		if found = strings.TrimSpace(found); found != "" {
			d.Errorf("amcheck: %s", found)
		}
	default:
		tables := slices.Sorted(maps.Keys(d.columns(d.open())))
		if len(tables) == 0 {
			d.Fatal("there is nothing to check")
		}
		found := d.server.Admin(d.T, d.name, "CHECK TABLE "+strings.Join(tables, ", ")+" EXTENDED;")
		for line := range strings.Lines(found) {
			if !strings.HasSuffix(strings.TrimSpace(line), "\tstatus\tOK") {
				d.Errorf("CHECK TABLE: %s", line)
			}
		}
	}
}
