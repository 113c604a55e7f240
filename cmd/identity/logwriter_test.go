package main

import (
	"bufio"
	"fmt"
	"io"
	"testing"
)

// A log that nobody reads costs records, and never makes who writes it wait. It says how
// many, in their place, when it goes on.
func TestLogWriterNeverWaits(t *testing.T) {
	read, sink := io.Pipe() // a write waits until somebody reads
	w := newLogWriter(sink, func(records int64) { fmt.Fprintf(sink, "lost %d\n", records) })
	const written = logRecords + 1000
	for i := range written {
		if n, err := fmt.Fprintf(w, "record %d\n", i); n == 0 || err != nil {
			t.Fatal(n, err)
		}
	}
	lost := w.Lost()
	if lost < 998 || lost > 1000 { // the writer may have taken one from the queue
		t.Fatalf("%d records were lost", lost)
	}
	closed := make(chan struct{})
	go func() {
		w.Close()
		sink.Close()
		close(closed)
	}()
	var records, reported int64
	for lines := bufio.NewScanner(read); lines.Scan(); {
		var n int64
		if _, err := fmt.Sscanf(lines.Text(), "lost %d", &n); err == nil {
			reported += n
		} else {
			records++
		}
	}
	<-closed
	if reported != lost || records != written-lost {
		t.Errorf("%d records came and %d were reported lost, want %d and %d", records, reported, written-lost, lost)
	}
	if _, err := w.Write([]byte("late\n")); err == nil {
		t.Error("a record after the end was taken")
	}
}

// Nor does it keep a process from ending.
func TestLogWriterEnds(t *testing.T) {
	_, sink := io.Pipe()
	w := newLogWriter(sink, func(int64) {})
	fmt.Fprintln(w, "nobody reads this")
	w.Close()
}
