package main

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
)

// TestRun measures a little of everything, with hashes that say nothing about the real
// service: what must come out is only that every pair was measured.
func TestRun(t *testing.T) {
	for _, name := range []string{"DATABASE_DRIVER", "DATABASE_PATH", "ENCRYPTION_KEY"} {
		t.Setenv(name, "")
	}
	numbers := filepath.Join(t.TempDir(), "numbers.json")
	var out strings.Builder
	err := run(t.Context(), []string{"-samples", "4", "-hash-memory", "64", "-json", numbers}, &out)
	if err != nil && !strings.HasPrefix(err.Error(), "not as they should be") {
		t.Fatal(err)
	}
	text, err := os.ReadFile(numbers)
	if err != nil {
		t.Fatal(err)
	}
	var results []result
	if err := json.Unmarshal(text, &results); err != nil {
		t.Fatal(err)
	}
	if pairs := (&subject{}).pairs(); len(results) != len(pairs) || strings.Count(out.String(), "\n") != 2+len(pairs) {
		t.Fatalf("%d results, want %d\n%s", len(results), len(pairs), out.String())
	}
	for _, r := range results {
		if r.Samples != 4 || r.FirstMedian <= 0 || r.SecondMedian <= 0 || r.P < 0 || r.P > 1 {
			t.Errorf("these numbers cannot be: %+v", r)
		}
	}
}

// A difference that is there is found, in the real service: a hash that is computed for
// one and not for the other. A few milliseconds are enough.
func TestDifferenceIsFound(t *testing.T) {
	for _, name := range []string{"DATABASE_DRIVER", "DATABASE_PATH", "ENCRYPTION_KEY"} {
		t.Setenv(name, "")
	}
	var out strings.Builder
	if err := run(t.Context(), []string{"-samples", "20", "-hash-memory", "8192", "-pairs", "^no secret"}, &out); err != nil {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestJudge gives times that differ in one way each.
func TestJudge(t *testing.T) {
	list := func(from, step time.Duration) (list []time.Duration) {
		for i := range 40 {
			list = append(list, from+time.Duration(i)*step)
		}
		return list
	}
	base := list(time.Second, time.Microsecond)
	for _, c := range []struct {
		name    string
		second  []time.Duration
		differs bool // must it
		passed  bool
	}{
		{"the same", slices.Clone(base), false, true},
		{"6 % slower", list(1060*time.Millisecond, time.Microsecond), false, false},
		{"6 % faster", list(940*time.Millisecond, time.Microsecond), false, false},
		// By a hair, but always: the ranks see it.
		{"always slower", list(time.Second+30*time.Microsecond, time.Microsecond), false, false},
		// By much, but now and then: the medians see it.
		{"medians", append(list(time.Second, time.Microsecond)[:19], list(1100*time.Millisecond, 0)[:21]...), false, false},
		{"a control that differs", list(2*time.Second, time.Microsecond), true, true},
		{"a control that does not", slices.Clone(base), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := judge(pair{first: "a", second: "b", control: c.differs, differs: c.differs}, slices.Clone(base), c.second)
			if r.Passed != c.passed || strings.Contains(r.verdict(), "FAIL") == c.passed {
				t.Errorf("%s", r)
			}
			if err := verdict([]result{r}); (err == nil) != c.passed {
				t.Errorf("the verdict is %v", err)
			}
		})
	}
}

func TestMistyped(t *testing.T) {
	for range 100 {
		presented, id, err := mistyped("")
		if err != nil {
			t.Fatal(err)
		}
		wrong := presented["client_secret"]
		if _, ok := identity.ClientSecretID(identity.NewSecret(wrong)); ok || !regexp.MustCompile(`^ids_`+id+`_.{49}$`).MatchString(wrong) {
			t.Fatalf("%q is a generated secret, or of another form than one", wrong)
		}
	}
	presented, id, _ := wrongGenerated("")
	if found, ok := identity.ClientSecretID(identity.NewSecret(presented["client_secret"])); !ok || found != id {
		t.Errorf("%q is no generated secret of %s", presented["client_secret"], id)
	}
}

func TestRefused(t *testing.T) {
	t.Setenv("DATABASE_DRIVER", "postgresql")
	t.Setenv("DATABASE_PORT", "x")
	for argument, want := range map[string]string{"-samples=3": "-samples", "-hash-memory=1": "-hash-memory", "-pairs=(": "-pairs", "-samples=4": "DATABASE_PORT"} {
		if err := run(t.Context(), []string{argument}, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want something about %s", argument, err, want)
		}
	}
	t.Setenv("DATABASE_DRIVER", "")
	if err := run(t.Context(), []string{"-pairs=of that name there is none"}, io.Discard); err == nil || !strings.Contains(err.Error(), "-pairs") {
		t.Errorf("got %v", err)
	}
}
