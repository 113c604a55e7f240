package bench

import (
	"context"
	"iter"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Row is what is not zero in a row, by column.
type Row map[string]any

const maxArguments = 32_000 // of a statement; SQLite takes no more than 32,766

// Insert puts rows into a table, many at once. It must be called within a change.
func Insert(ctx context.Context, tx *store.DB, t store.Table, rows iter.Seq[Row]) error {
	most := maxArguments / len(t.Columns) * len(t.Columns)
	args := make([]any, 0, most)
	for r := range rows {
		for _, c := range t.Columns {
			args = append(args, r.value(c))
		}
		if len(args) == most {
			if err := tx.InsertRows(ctx, t, args); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	if len(args) == 0 {
		return nil
	}
	return tx.InsertRows(ctx, t, args)
}

func (r Row) value(c store.Column) any {
	if v, ok := r[c.Name]; ok {
		return v
	}
	switch c.Type {
	case store.Integer:
		return int64(0)
	case store.Text:
		return ""
	case store.Blob:
	}
	return []byte{}
}
