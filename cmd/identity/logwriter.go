package main

import (
	"bytes"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// logWriter writes a log without ever making the service wait for whoever reads it: a
// sink that is stopped or full costs records, not requests. They are counted, and the
// log says how many when it goes on.
type logWriter struct {
	sink    io.Writer
	records chan []byte
	// report says in the log that records were lost.
	report func(records int64)
	ended  chan struct{} // closed when all has been written
	// lost counts since the last report, lostAll since the beginning.
	lost, lostAll atomic.Int64
	// mu keeps records out once the writer is closed.
	mu     sync.RWMutex
	closed bool
}

const (
	// logRecords is how many records wait at most: some megabytes at worst.
	logRecords = 4096
	// logFlush is how long the end waits for them to be written.
	logFlush = 2 * time.Second
)

func newLogWriter(sink io.Writer, report func(records int64)) *logWriter {
	w := &logWriter{sink: sink, report: report, records: make(chan []byte, logRecords), ended: make(chan struct{})}
	go w.run()
	return w
}

// Write implements io.Writer. It takes each record whole or drops it, and does not wait.
func (w *logWriter) Write(record []byte) (int, error) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return 0, io.ErrClosedPipe
	}
	select {
	case w.records <- bytes.Clone(record):
	default:
		w.lost.Add(1)
		w.lostAll.Add(1)
	}
	return len(record), nil
}

func (w *logWriter) run() {
	defer close(w.ended)
	for record := range w.records {
		w.reportLost()
		_, _ = w.sink.Write(record) // there is nowhere to say that it failed
	}
	w.reportLost()
}

func (w *logWriter) reportLost() {
	if n := w.lost.Swap(0); n > 0 {
		w.report(n)
	}
}

// Lost returns how many records were dropped.
func (w *logWriter) Lost() int64 { return w.lostAll.Load() }

// Close writes what is left, for as long as it takes a reader who reads at all.
func (w *logWriter) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	close(w.records)
	select {
	case <-w.ended:
	case <-time.After(logFlush):
	}
}
