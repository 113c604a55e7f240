package transfer_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/transfer"
)

var errLookedAt = errors.New("it was only looked at")

// Whatever an export holds, as it is or under a true checksum, it is read to its end or
// refused, and what is read has as many rows as lines.
func FuzzImport(f *testing.F) {
	full, db := migrated(f, sqlite(f)), migrated(f, sqlite(f))
	fill(f, full, hostile())
	export := written(f, full)
	lines := bytes.SplitAfter(export, []byte("\n"))
	header := lines[0]
	for _, line := range lines {
		if len(line) < 2000 {
			f.Add(slices.Clone(line), true)
		}
	}
	f.Add([]byte{}, true)
	f.Add([]byte("{}\n"), false)
	f.Add([]byte(`{"table":"roles","row":{"ID":"a","id":"b"}}`+"\n"), true)
	f.Add([]byte(`{"table":"roles","Table":"users","row":null}`+"\n"), true)
	f.Add(slices.Concat(header, []byte(`{"rows":{},"sha256":""}`+"\n")), false)
	f.Fuzz(func(t *testing.T, data []byte, whole bool) {
		given := data
		if whole {
			given = checksummed(t, slices.Concat(header, data))
		}
		r, err := transfer.NewReader(bytes.NewReader(given))
		if err != nil {
			return
		}
		_, err = r.Into(t.Context(), db, func(_ *store.DB, rows transfer.Rows) error {
			var all int64
			for _, n := range rows {
				all += n
			}
			if all != int64(bytes.Count(given, []byte("\n")))-2 {
				t.Errorf("%d rows in %q", all, given)
			}
			return errLookedAt
		})
		if err == nil {
			t.Error("it was imported without being accepted")
		}
		wantUntouched(t, db)
	})
}
