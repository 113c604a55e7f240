package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

func TestMain(m *testing.M) { os.Exit(dbserver.Main(m)) }

// TestRun measures a little of everything.
func TestRun(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		t.Setenv("DATABASE_DRIVER", "sqlite")
		t.Setenv("DATABASE_PATH", filepath.Join(t.TempDir(), "identity.db"))
		t.Setenv("ENCRYPTION_KEY", "")
		measure(t)
	})
	// PostgreSQL's own count of updates comes so late that a test would mostly wait for it.
	t.Run("MariaDB", func(t *testing.T) {
		server := &dbserver.Shared{Kind: dbserver.MariaDB}
		if !server.Here(t) {
			return
		}
		at := server.Get(t)
		for name, value := range map[string]string{
			"DATABASE_DRIVER": "mysql", "DATABASE_HOST": at.Host, "DATABASE_PORT": strconv.Itoa(at.Port), "DATABASE_USERNAME": at.Username,
			"DATABASE_PASSWORD": at.Password, "DATABASE_SCHEMA_NAME": at.NewDatabase(t), "ENCRYPTION_KEY": seal.GenerateKey().Reveal(),
		} {
			t.Setenv(name, value)
		}
		measure(t)
	})
}

// measure measures in the environment of the test.
func measure(t *testing.T) {
	t.Helper()
	numbers := filepath.Join(t.TempDir(), "numbers.json")
	if err := run(t.Context(), []string{"-refreshes", "200", "-samples", "20", "-callers", "2", "-json", numbers}, io.Discard); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(numbers)
	if err != nil {
		t.Fatal(err)
	}
	var r results
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if len(r.Speeds) != 4 || len(r.Sizes) != 4 {
		t.Fatalf("%d speeds and %d sizes, want 4 of each", len(r.Speeds), len(r.Sizes))
	}
	for _, s := range r.Speeds {
		// A login counts an attempt, in five statements, and looks again after waiting for
		// another of the same user.
		least, most := 2.0, 2.0
		if s.Request == "POST /auth/login" {
			least, most = 5, 7
		}
		if s.PerSecond <= 0 || s.P50 <= 0 || s.P99 < s.P50 || s.Statements < least || s.Statements > most {
			t.Errorf("these numbers cannot be: %+v", s)
		}
	}
	// One to begin with, two by one caller, two by two, and the one that is refreshed.
	for i, s := range r.Sizes {
		if s.Refreshes != []int{0, 2, 20, 200}[i] || s.Sessions != 1+2+2+1 || s.Table != r.Sizes[0].Table {
			t.Errorf("after %d refreshes there are %d sessions in %d bytes", s.Refreshes, s.Sessions, s.Table)
		}
	}
	if table := r.table(); !strings.Contains(table, "| POST /auth/refresh | 2 ") || !strings.Contains(table, "| 200 ") {
		t.Errorf("the table is\n%s", table)
	}
}

func TestRefused(t *testing.T) {
	t.Setenv("DATABASE_DRIVER", "postgresql")
	for argument, want := range map[string]string{"-refreshes=0": "-refreshes", "-refreshes=100001": "-refreshes", "-samples=1": "-samples", "-callers=1": "DATABASE_PORT"} {
		t.Setenv("DATABASE_PORT", "x")
		if err := run(t.Context(), []string{argument}, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %s", argument, err, want)
		}
	}
}
