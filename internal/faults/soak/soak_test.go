package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

func TestMain(m *testing.M) { os.Exit(faults.Run(m)) }

// TestSoak runs for some seconds.
func TestSoak(t *testing.T) {
	o, err := parse([]string{"-database", "sqlite", "-for", "6s", "-chapter", "3s", "-every", "1s", "-longest", "500ms", "-sample", "200ms", "-rate", "40"}, os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	r := soak(t, o, &out)
	t.Log(out.String())
	if !r.passed() {
		t.Error("it did not pass")
	}
	if r.operations() == 0 || r.faults() == 0 || len(r.lives) < 2 {
		t.Errorf("%d operations, %d faults and %d lives: nothing happened", r.operations(), r.faults(), len(r.lives))
	}
	for _, want := range []string{"seed ", "chapter 2:", "| token ", "| life of node ", "0 violations"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("nothing says %q", want)
		}
	}
}

// TestRising has lives that rise and lives that do not.
func TestRising(t *testing.T) {
	steady, leaking := &life{}, &life{}
	for i := range 240 { // 20 minutes
		at := time.Duration(i) * 5 * time.Second
		noise := float64(i%7 - 3)
		steady.samples = append(steady.samples, sample{at, [3]float64{60 + noise, 40 + noise, 30 + noise}})
		leaking.samples = append(leaking.samples, sample{at, [3]float64{60 + at.Minutes() + noise, 40 + noise, 30 + at.Minutes()*2}})
	}
	if names := steady.rising(); len(names) != 0 {
		t.Errorf("what is steady rises: %q", names)
	}
	if names := leaking.rising(); len(names) != 2 || !strings.HasPrefix(names[0], "memory") || !strings.HasPrefix(names[1], "open files") {
		t.Errorf("rising: %q", names)
	}
	if s := leaking.slope(0); s.perHour < 59 || s.perHour > 61 {
		t.Errorf("a MiB a minute is %.1f an hour", s.perHour)
	}
	leaking.samples = leaking.samples[:100]
	if names := leaking.rising(); len(names) != 0 {
		t.Errorf("a life of eight minutes is judged: %q", names)
	}
	r := &report{lives: []*life{steady}, violations: []faults.Violation{violation("a test's")}}
	if r.passed() {
		t.Error("a violation passes")
	}
}

// TestHost stands in for a test: what is fatal ends the work, and all is cleaned up.
func TestHost(t *testing.T) {
	h := &host{ctx: t.Context(), err: io.Discard}
	var folder, order string
	h.run(func() {
		folder = h.TempDir()
		h.Cleanup(func() { order += "second" })
		h.Cleanup(func() {
			order += "first "
			if h.Context().Err() == nil {
				t.Error("what is cleaned up goes on")
			}
		})
		h.Fatal("enough")
		t.Error("it goes on after Fatal")
	})
	if order != "first second" || !h.Failed() {
		t.Errorf("cleaned up: %q; failed: %v", order, h.Failed())
	}
	if _, err := os.Stat(folder); !os.IsNotExist(err) {
		t.Errorf("the folder is still there: %v", err)
	}
}

func TestRefused(t *testing.T) {
	for _, args := range [][]string{{"-database", "oracle"}, {"-chapter", "11m"}, {"-rate", "0"}, {"-for", "soon"}} {
		var said bytes.Buffer
		if code := (&command{t.Context(), args, io.Discard, &said}).Run(); code != 2 || said.Len() == 0 {
			t.Errorf("%q: %d, %q", args, code, said.String())
		}
	}
}
