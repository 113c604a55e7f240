package store

import (
	"context"
	"database/sql"
	"iter"
	"time"

	"modernc.org/sqlite"
)

// WriterPragmaForTest reads a pragma of the connection that writes.
func WriterPragmaForTest(ctx context.Context, db *DB, pragma string) (string, error) {
	var value string
	err := db.writer.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&value)
	return value, err
}

// WriteThroughReadersForTest tries a write on a reader connection.
func WriteThroughReadersForTest(ctx context.Context, db *DB) error {
	_, err := db.readers.ExecContext(ctx, "UPDATE revision SET revision = 99")
	return err
}

// SetSchemaVersionForTest records a schema version as applied, as a newer
// program would have done.
func SetSchemaVersionForTest(ctx context.Context, db *DB, version int64) error {
	_, err := db.exec(ctx, "recording a schema version", `INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, ?)`, version, true)
	return err
}

// UsersQueryForTest returns the one query that reads a page of users.
func UsersQueryForTest(f UserFilter) (query string, args []any) {
	choice, args := f.choice()
	return principalsQuery("users", userColumns, choice, "username"), args
}

// CheckCopyForTest is the check of a copy before it gets its name.
func CheckCopyForTest(ctx context.Context, path string) error {
	_, err := checkCopy(ctx, path)
	return err
}

// AskForTest asks for one text by the connection that follows.
func AskForTest(ctx context.Context, db *DB, query string) (string, error) {
	var value string
	err := db.control.QueryRowContext(ctx, query).Scan(&value)
	return value, err
}

// LimitTransactionsForTest sets how long a transaction may take.
func LimitTransactionsForTest(db *DB, limit time.Duration) { db.dialect.transaction = limit }

// ThroughForTest returns the database as it is reached through other connections, and
// those that it has itself. No statement is prepared.
func ThroughForTest(db *DB, connections func(inner *sql.DB) *sql.DB) *DB {
	through := *db
	through.dialect.prepared = false
	through.commits, through.spendings = nil, nil
	through.writer = &pool{DB: connections(db.writer.DB)}
	through.readers = through.writer
	return &through
}

// ExecForTest runs a statement as verbs do.
func ExecForTest(ctx context.Context, db *DB, query string, args ...any) (int64, error) {
	return db.exec(ctx, "testing", query, args...)
}

// WaitingForTest is how many statements wait for the connection that writes.
func WaitingForTest(db *DB) int { return db.commits.group.waitingForTest() }

// SpendingForTest is how many assertions wait to be spent.
func SpendingForTest(db *DB) int { return db.spendings.waitingForTest() }

func (g *group[T]) waitingForTest() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.waiting)
}

// OnCommitForTest has fn called before each commit of a SQLite file by db; other than 0 has it
// fail.
func OnCommitForTest(ctx context.Context, db *DB, fn func() int32) error {
	conn, err := db.writer.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		c.(sqlite.HookRegisterer).RegisterCommitHook(fn)
		return nil
	})
}

// PreparedForTest is how many statements are prepared for the connection that writes.
func PreparedForTest(db *DB) int {
	db.writer.mu.RLock()
	defer db.writer.mu.RUnlock()
	return len(db.writer.prepared)
}

// PiecesForTest is pieces.
func PiecesForTest(list []int, most int) iter.Seq[[]int] { return pieces(list, most) }
