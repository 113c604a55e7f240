package transfer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// A batch is inserted by one statement, which servers limit: MySQL to the 16 MB of
// max_allowed_packet, SQLite to 32766 values.
const (
	batchRows  = 200
	batchBytes = 1 << 20
)

// batch collects rows of one table.
type batch struct {
	tx     *store.DB
	tables map[string]store.Table
	table  string
	args   []any
	rows   int
	size   int // bytes of their lines
}

func newBatch(tx *store.DB) *batch {
	b := &batch{tx: tx, tables: map[string]store.Table{}}
	for _, t := range store.StateTables() {
		b.tables[t.Name] = t
	}
	return b
}

// add takes in the row of a line and returns the name of its table.
func (b *batch) add(ctx context.Context, line []byte) (table string, err error) {
	t, row, err := b.parse(line)
	if err != nil {
		return "", err
	}
	if b.table != t.Name || b.rows == batchRows || b.size+len(line) > batchBytes {
		if err := b.flush(ctx); err != nil {
			return "", err
		}
	}
	b.table = t.Name
	for _, c := range t.Columns {
		value, err := parseValue(c, row[c.Name])
		if err != nil {
			return "", fmt.Errorf("%w: column %s of table %s: %w", ErrDamaged, c.Name, t.Name, err)
		}
		b.args = append(b.args, value)
	}
	b.rows++
	b.size += len(line)
	return t.Name, nil
}

// flush inserts what was collected.
func (b *batch) flush(ctx context.Context) error {
	if b.rows == 0 {
		return nil
	}
	err := b.tx.InsertRows(ctx, b.tables[b.table], b.args)
	clear(b.args) // so that the values can go
	b.args, b.rows, b.size = b.args[:0], 0, 0
	return err
}

// parse takes a line apart. Its columns are exactly those of the table.
func (b *batch) parse(line []byte) (store.Table, map[string]json.RawMessage, error) {
	var l struct {
		Table string                     `json:"table"`
		Row   map[string]json.RawMessage `json:"row"`
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&l) != nil || !utf8.Valid(line) || len(bytes.TrimSpace(line[decoder.InputOffset():])) > 0 {
		return store.Table{}, nil, fmt.Errorf("%w: it is not a row", ErrDamaged)
	}
	t, ok := b.tables[l.Table]
	if !ok {
		return t, nil, fmt.Errorf("%w: there is no table %.64q", ErrDamaged, l.Table)
	}
	for _, c := range t.Columns {
		if _, ok := l.Row[c.Name]; !ok {
			return t, nil, fmt.Errorf("%w: column %s of table %s is missing", ErrDamaged, c.Name, t.Name)
		}
	}
	if len(l.Row) != len(t.Columns) {
		return t, nil, fmt.Errorf("%w: table %s has %d columns, the row %d", ErrDamaged, t.Name, len(t.Columns), len(l.Row))
	}
	return t, l.Row, nil
}

var errType = errors.New("the value has the wrong type")

// parseValue reads a value as the type of its column. Its error repeats no value.
func parseValue(c store.Column, raw json.RawMessage) (any, error) {
	if c.Type == store.Integer {
		n, err := strconv.ParseInt(string(raw), 10, 64)
		if err != nil {
			return nil, errType
		}
		return n, nil
	}
	var text string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &text) != nil {
		return nil, errType
	}
	if c.Type == store.Text {
		return text, nil
	}
	value, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, errType
	}
	return value, nil
}
