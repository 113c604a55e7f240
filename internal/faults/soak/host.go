package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// host is what the kit takes for its test where there is none: it gives folders and a
// context, cleans up, and writes down what fails.
type host struct {
	testing.TB // nil: only package testing can make a whole one
	ctx        context.Context
	err        io.Writer

	mu       sync.Mutex
	cleanups []func()
	failed   bool
}

// run does something that may end with Fatal, and cleans up.
func (h *host) run(do func()) {
	var cancel func()
	h.ctx, cancel = context.WithCancel(h.ctx)
	done := make(chan struct{})
	go func() { // its own goroutine, which Fatal ends
		defer close(done)
		do()
	}()
	<-done
	cancel()
	h.mu.Lock()
	cleanups := h.cleanups
	h.mu.Unlock()
	for _, cleanup := range slices.Backward(cleanups) {
		cleanup()
	}
}

func (h *host) Helper()                  {}
func (h *host) Context() context.Context { return h.ctx }

func (h *host) Cleanup(do func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cleanups = append(h.cleanups, do)
}

func (h *host) TempDir() string {
	h.Helper()
	folder, err := os.MkdirTemp("", "identity-soak-")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() {
		if err := os.RemoveAll(folder); err != nil {
			h.Error(err)
		}
	})
	return folder
}

func (h *host) Failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed
}

func (h *host) Log(args ...any)                 { fmt.Fprintln(h.err, args...) }
func (h *host) Logf(format string, args ...any) { h.Log(fmt.Sprintf(format, args...)) }

func (h *host) Error(args ...any) {
	h.mu.Lock()
	h.failed = true
	h.mu.Unlock()
	h.Log(args...)
}

func (h *host) Errorf(format string, args ...any) { h.Error(fmt.Sprintf(format, args...)) }

func (h *host) Fatal(args ...any) {
	h.Error(args...)
	runtime.Goexit()
}

func (h *host) Fatalf(format string, args ...any) { h.Fatal(fmt.Sprintf(format, args...)) }
