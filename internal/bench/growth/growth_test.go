package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRun measures two small installations, twice: the second time they are there.
func TestRun(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("DATABASE_DRIVER", "sqlite")
	t.Setenv("DATABASE_PATH", filepath.Join(folder, "identity.db"))
	t.Setenv("ENCRYPTION_KEY", "")
	numbers := filepath.Join(folder, "numbers.json")
	var made time.Time
	for range 2 {
		if err := run(t.Context(), []string{"-sizes", "200,100", "-rounds", "2", "-samples", "4", "-json", numbers}, io.Discard); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(folder, "identity.db_200.key"))
		if err != nil {
			t.Fatal(err)
		}
		if !made.IsZero() && !info.ModTime().Equal(made) {
			t.Error("the second run began anew")
		}
		made = info.ModTime()
	}
	text, err := os.ReadFile(numbers)
	if err != nil {
		t.Fatal(err)
	}
	var results []result
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	if len(results) != 2*7 {
		t.Errorf("%d results, want those of 7 operations at 2 sizes", len(results))
	}
	for _, r := range results {
		if r.P50 <= 0 || r.P99 < r.P50 || r.Size == 100 && r.Ratio != 1 {
			t.Errorf("these numbers cannot be: %+v", r)
		}
	}
}

// Ratios are those of rounds, not of what other rounds took.
func TestResults(t *testing.T) {
	taken := newTimes([]int{100, 200})
	for _, unit := range []time.Duration{time.Microsecond, 10 * time.Microsecond, 3 * time.Microsecond} { // the machine was slow in the second round
		taken.add("reading", 100, []time.Duration{2 * unit, unit, 9 * unit})
		taken.add("reading", 200, []time.Duration{5 * unit})
	}
	got := taken.results()
	want := []result{{"reading", 100, 6, 6, 1, 1, 1}, {"reading", 200, 15, 15, 2.5, 2.5, 2.5}}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if text := table(got); !strings.Contains(text, "| reading   | 200     | 2.50 (2.50 to 2.50)    | 15      | 15      |") {
		t.Errorf("the table is\n%s", text)
	}
}

func TestRefused(t *testing.T) {
	t.Setenv("DATABASE_DRIVER", "postgresql")
	for _, c := range []struct{ name, value, argument, want string }{
		{"DATABASE_PORT", "x", "-rounds=1", "DATABASE_PORT"},
		{"DATABASE_PORT", "", "-sizes=1,x", "-sizes"},
		{"DATABASE_PORT", "", "-sizes=10", "-sizes"},
		{"DATABASE_PORT", "", "-rounds=0", "-rounds"},
		{"DATABASE_HOST", "", "-rounds=1", "ENCRYPTION_KEY"},
	} {
		t.Run(c.want, func(t *testing.T) {
			t.Setenv(c.name, c.value)
			if err := run(t.Context(), []string{c.argument}, io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something about %s", err, c.want)
			}
		})
	}
}
