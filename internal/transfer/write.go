package transfer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Write writes the state of the database as it is at one moment, while others may write,
// and returns how much that was. The schema must be the one that this program needs.
func Write(ctx context.Context, db *store.DB, w io.Writer) (Rows, error) {
	has, needs, err := db.SchemaVersions(ctx)
	if err != nil {
		return nil, err
	}
	if has != needs {
		return nil, fmt.Errorf("the database has schema version %d, this program exports version %d", has, needs)
	}
	rows, sum := noRows(), sha256.New()
	body := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<16)
	header, err := json.Marshal(Header{Format: format, Version: version, Schema: has, MadeAt: db.Now()})
	if err != nil {
		return nil, fmt.Errorf("rendering the first line: %w", err)
	}
	if _, err := body.Write(append(header, '\n')); err != nil {
		return nil, fmt.Errorf("writing the export: %w", err)
	}
	err = db.Snapshot(ctx, func(tx *store.DB) error {
		for _, t := range store.StateTables() {
			if err := writeTable(ctx, tx, t, body, rows); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if err := body.Flush(); err != nil {
		return nil, fmt.Errorf("writing the export: %w", err)
	}
	last, err := trailer(rows, sum.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("rendering the last line: %w", err)
	}
	if _, err := w.Write(last); err != nil {
		return nil, fmt.Errorf("writing the export: %w", err)
	}
	return rows, nil
}

func writeTable(ctx context.Context, tx *store.DB, t store.Table, w io.Writer, rows Rows) error {
	l := newLine()
	return tx.ReadTable(ctx, t, func(values []any) error {
		if err := l.render(t, values); err != nil {
			return fmt.Errorf("row %d of the table %s: %w", rows[t.Name]+1, t.Name, err)
		}
		if _, err := l.text.WriteTo(w); err != nil {
			return fmt.Errorf("writing the export: %w", err)
		}
		rows[t.Name]++
		return nil
	})
}

// line renders one row after another.
type line struct {
	text    bytes.Buffer
	encoder *json.Encoder
}

func newLine() *line {
	l := &line{}
	l.encoder = json.NewEncoder(&l.text)
	l.encoder.SetEscapeHTML(false)
	return l
}

func (l *line) render(t store.Table, values []any) error {
	l.text.Reset()
	l.text.WriteString(`{"table":"` + t.Name + `","row":{`)
	for i, c := range t.Columns {
		if i > 0 {
			l.text.WriteByte(',')
		}
		l.text.WriteString(`"` + c.Name + `":`)
		switch value := values[i].(type) {
		case int64:
			l.text.WriteString(strconv.FormatInt(value, 10))
			continue
		case []byte:
			l.text.WriteString(`"` + base64.StdEncoding.EncodeToString(value) + `"`)
			continue
		case string:
			if !utf8.ValidString(value) {
				return fmt.Errorf("its column %s is not UTF-8", c.Name)
			}
		}
		if err := l.encoder.Encode(values[i]); err != nil {
			return fmt.Errorf("rendering its column %s: %w", c.Name, err)
		}
		l.text.Truncate(l.text.Len() - 1) // the line feed
	}
	l.text.WriteString("}}\n")
	return nil
}
