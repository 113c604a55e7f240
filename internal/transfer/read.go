package transfer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// longestLine bounds what a file that is no export can take of memory. The longest true
// line is an event with all that a request may hold, before and after.
const longestLine = 32 << 20

// Reader reads an export, once.
type Reader struct {
	header Header
	lines  *bufio.Scanner
	number int64 // of the line that was read last
	sum    hash.Hash
}

// NewReader reads the first line of an export. What is no export, or a newer one, is an
// error.
func NewReader(r io.Reader) (*Reader, error) {
	reader := &Reader{lines: bufio.NewScanner(r), sum: sha256.New()}
	reader.lines.Buffer(make([]byte, 1<<16), longestLine)
	reader.lines.Split(wholeLines)
	first, err := reader.line()
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(first, &reader.header) != nil {
		reader.header = Header{} // nothing in it counts
	}
	reader.sum.Write(first)
	return reader, reader.header.check()
}

// Into fills the database, which must have the schema of the export and no state. It
// commits what finish accepts, which is called last, when the export has proved to be
// whole, in the same transaction. An error that is ErrDamaged says that the export is
// not as it was written; one that is store.ErrNotEmpty, that there is state already.
func (r *Reader) Into(ctx context.Context, db *store.DB, finish func(tx *store.DB, rows Rows) error) (Rows, error) {
	has, _, err := db.SchemaVersions(ctx)
	if err != nil {
		return nil, err
	}
	if has != r.header.Schema {
		return nil, fmt.Errorf("the export has schema version %d, the database %d: import it with the version of this program that made it, into a database of that version, "+
			"which a newer one then brings up to date", r.header.Schema, has)
	}
	rows := noRows()
	err = db.Fill(ctx, func(tx *store.DB) error {
		if err := r.fill(ctx, tx, rows); err != nil {
			return fmt.Errorf("line %d of the export: %w", r.number, err)
		}
		if err := tx.ResumeAudit(ctx); err != nil {
			return err
		}
		return finish(tx, rows)
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

func (r *Reader) fill(ctx context.Context, tx *store.DB, rows Rows) error {
	batch := newBatch(tx)
	for {
		line, err := r.line()
		if err != nil {
			return err
		}
		if bytes.HasPrefix(line, []byte(trailerStart)) {
			if err := r.end(line, rows); err != nil {
				return err
			}
			return batch.flush(ctx)
		}
		r.sum.Write(line)
		table, err := batch.add(ctx, line)
		if err != nil {
			return err
		}
		rows[table]++
	}
}

// end checks the last line, and that it is the last.
func (r *Reader) end(line []byte, rows Rows) error {
	want, err := trailer(rows, r.sum.Sum(nil))
	if err != nil {
		return fmt.Errorf("rendering the last line: %w", err)
	}
	if !bytes.Equal(line, want) {
		return fmt.Errorf("%w: the checksum or the number of rows is another", ErrDamaged)
	}
	if _, err := r.line(); err == nil || !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows its last line", ErrDamaged)
	}
	return nil
}

// line returns the next line with its line feed, valid until the next call. At the end it
// returns an error that is ErrDamaged and io.EOF, since an export ends with its trailer.
func (r *Reader) line() ([]byte, error) {
	r.number++
	if r.lines.Scan() {
		return r.lines.Bytes(), nil
	}
	switch err := r.lines.Err(); {
	case err == nil:
		return nil, fmt.Errorf("%w: it ends too early (%w)", ErrDamaged, io.EOF)
	case errors.Is(err, ErrDamaged):
		return nil, err
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	default:
		return nil, fmt.Errorf("reading the export: %w", err)
	}
}

// wholeLines splits at line feeds and keeps them: every byte counts.
func wholeLines(data []byte, atEOF bool) (advance int, token []byte, err error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i+1], nil
	}
	if atEOF && len(data) > 0 {
		return 0, nil, fmt.Errorf("%w: its last line is cut off", ErrDamaged)
	}
	return 0, nil, nil
}
