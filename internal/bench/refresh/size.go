package main

import (
	"cmp"
	"context"
	"database/sql"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	_ "modernc.org/sqlite" // to look at the file from beside the service

	"github.com/seed-60f9e3ad/identity/internal/store"
)

// size is what is in the database after so many refreshes of one session. What a database
// does not tell is -1.
type size struct {
	Refreshes int   `json:"refreshes"`
	Sessions  int64 `json:"sessions"` // rows
	// Table and Indexes are those of the sessions, in bytes; on SQLite Table is the whole
	// file, and Log its write-ahead log.
	Table   int64 `json:"table_bytes"`
	Indexes int64 `json:"indexes_bytes"`
	Log     int64 `json:"log_bytes"`
	// Dead are rows that were overwritten and not cleaned away yet, InPlace is the share
	// of the updates that needed no new index entries.
	Dead    int64   `json:"dead_rows"`
	InPlace float64 `json:"hot_share"`
}

// size looks at the database by a connection of its own.
func (s *subject) size(ctx context.Context, refreshes int) (size, error) {
	z := size{refreshes, -1, -1, -1, -1, -1, -1}
	switch s.database.Driver {
	case store.PostgreSQL:
		return s.sizeOfPostgreSQL(ctx, z)
	case store.MySQL:
		return s.sizeOfMySQL(ctx, z)
	}
	beside, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: s.database.Path}).EscapedPath()}).String())
	if err != nil {
		return z, err
	}
	defer beside.Close()
	var pages, each int64
	for query, to := range map[string]*int64{`SELECT COUNT(*) FROM sessions`: &z.Sessions, `PRAGMA page_count`: &pages, `PRAGMA page_size`: &each} {
		if err := beside.QueryRowContext(ctx, query).Scan(to); err != nil {
			return z, err
		}
	}
	z.Table = pages * each
	if info, err := os.Stat(s.database.Path + "-wal"); err == nil { //nolint:gosec // the file that whoever runs this names
		z.Log = info.Size()
	}
	return z, nil
}

// sizeOfMySQL counts rows. What the server says of the table's size is an estimate, and
// stays what it was for a day.
func (s *subject) sizeOfMySQL(ctx context.Context, z size) (size, error) {
	at := s.database.Server
	cfg := mysql.NewConfig()
	cfg.Net, cfg.Addr = "tcp", net.JoinHostPort(at.Host, strconv.Itoa(cmp.Or(at.Port, 3306)))
	if strings.HasPrefix(at.Host, "/") {
		cfg.Net, cfg.Addr = "unix", at.Host
	}
	cfg.User, cfg.Passwd, cfg.DBName, cfg.TLSConfig = at.Username, at.Password.Reveal(), at.Schema, "preferred"
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return z, err
	}
	beside := sql.OpenDB(connector)
	defer beside.Close()
	err = beside.QueryRowContext(ctx, `SELECT COUNT(*) FROM sessions`).Scan(&z.Sessions)
	return z, err
}

func (s *subject) sizeOfPostgreSQL(ctx context.Context, z size) (size, error) {
	beside, err := store.OpenReader(ctx, s.database.Server)
	if err != nil {
		return z, err
	}
	defer beside.Close()
	table := `"` + s.database.Server.Schema + `".sessions`
	query := `SELECT (SELECT COUNT(*) FROM ` + table + `), pg_relation_size($1::regclass), pg_indexes_size($1::regclass)`
	err = beside.QueryRowContext(ctx, query, table).Scan(&z.Sessions, &z.Table, &z.Indexes) //nolint:gosec // the schema that whoever runs this names
	if err != nil {
		return z, err
	}
	// What is counted comes a few seconds late.
	for end := time.Now().Add(15 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		var updates, inPlace int64
		err := beside.QueryRowContext(ctx, `SELECT n_tup_upd, n_tup_hot_upd, n_dead_tup FROM pg_stat_user_tables WHERE relid = $1::regclass`, table).Scan(&updates, &inPlace, &z.Dead)
		if err != nil {
			return z, err
		}
		if updates > 0 {
			z.InPlace = float64(inPlace) / float64(updates)
		}
		if updates >= int64(z.Refreshes) || time.Now().After(end) {
			return z, nil
		}
	}
}
