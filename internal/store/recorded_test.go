package store_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
)

// recorder is a way to the database behind inner that keeps what was sent.
type recorder struct {
	inner *sql.DB
	sent  []statement
}

// statement is one that was sent.
type statement struct {
	text string
	args []any
}

// Connect implements driver.Connector.
func (r *recorder) Connect(context.Context) (driver.Conn, error) { return recordingConn{r}, nil }

// Driver implements driver.Connector.
func (r *recorder) Driver() driver.Driver { return nil }

func (r *recorder) take(text string, named []driver.NamedValue) []any {
	s := statement{text: text}
	for _, v := range named {
		s.args = append(s.args, v.Value)
	}
	r.sent = append(r.sent, s)
	return s.args
}

type recordingConn struct{ *recorder }

var errOnlyStatements = errors.New("only single statements are recorded")

// Prepare implements driver.Conn.
func (recordingConn) Prepare(string) (driver.Stmt, error) { return nil, errOnlyStatements }

// Begin implements driver.Conn.
func (recordingConn) Begin() (driver.Tx, error) { return nil, errOnlyStatements }

// Close implements driver.Conn.
func (recordingConn) Close() error { return nil }

// ExecContext implements driver.ExecerContext.
func (c recordingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return c.inner.ExecContext(ctx, query, c.take(query, args)...)
}

// QueryContext implements driver.QueryerContext.
func (c recordingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	columns, values, err := ask(ctx, c.inner, query, c.take(query, args))
	return &recordedRows{columns, values}, err
}

// ask reads all that a query gives.
func ask(ctx context.Context, db interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, query string, args []any,
) (columns []string, list [][]any, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	if columns, err = rows.Columns(); err != nil {
		return nil, nil, err
	}
	for rows.Next() {
		values, places := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			places[i] = &values[i]
		}
		if err := rows.Scan(places...); err != nil {
			return nil, nil, err
		}
		list = append(list, values)
	}
	return columns, list, rows.Err()
}

type recordedRows struct {
	columns []string
	values  [][]any
}

// Columns implements driver.Rows.
func (r *recordedRows) Columns() []string { return r.columns }

// Close implements driver.Rows.
func (r *recordedRows) Close() error { return nil }

// Next implements driver.Rows.
func (r *recordedRows) Next(dest []driver.Value) error {
	if len(r.values) == 0 {
		return io.EOF
	}
	for i, v := range r.values[0] {
		dest[i] = v
	}
	r.values = r.values[1:]
	return nil
}
