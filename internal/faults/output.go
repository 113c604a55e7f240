package faults

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"sync"
)

// output keeps the last of what a process writes, and finds lines in it, such as the
// record that says where it listens.
type output struct {
	listening chan struct{} // closed once the address is known
	// held is locked while nobody reads what the process writes.
	held sync.Mutex

	mu     sync.Mutex
	tail   []byte
	rest   []byte // of a line that has not ended
	addr   string
	wanted []wantedLine
}

// wantedLine is one that somebody waits for.
type wantedLine struct {
	text  string
	found chan string // has room for it
}

// mostTail is how much of the output is kept.
const mostTail = 64 << 10

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.held.Lock()
	o.held.Unlock() //nolint:staticcheck // it waits until the output is not held
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tail = append(o.tail, p...)
	if extra := len(o.tail) - mostTail; extra > 0 {
		o.tail = append(o.tail[:0], o.tail[extra:]...)
	}
	o.rest = append(o.rest, p...)
	for {
		text, rest, whole := bytes.Cut(o.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		o.rest = rest
		o.find(text)
		o.wanted = slices.DeleteFunc(o.wanted, func(w wantedLine) bool {
			is := strings.Contains(string(text), w.text)
			if is {
				w.found <- string(text)
			}
			return is
		})
	}
}

// next is where the next line with a text in it will arrive.
func (o *output) next(text string) <-chan string {
	o.mu.Lock()
	defer o.mu.Unlock()
	found := make(chan string, 1)
	o.wanted = append(o.wanted, wantedLine{text, found})
	return found
}

// find looks for the record in a line.
func (o *output) find(text []byte) {
	var record struct{ Msg, Addr string }
	if o.addr != "" || json.Unmarshal(text, &record) != nil || record.Msg != "listening" || record.Addr == "" {
		return
	}
	o.addr = record.Addr
	close(o.listening)
}

// url is the address as a URL, once it is known.
func (o *output) url() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.addr == "" {
		return ""
	}
	return "http://" + o.addr
}

// String returns the tail.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.tail)
}
