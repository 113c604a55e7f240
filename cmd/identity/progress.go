package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// progress is a bar on the terminal that standard error is; elsewhere it is nothing.
type progress struct {
	w     io.Writer // nil if there is no terminal
	title string
	shown bool
}

func newProgress(p *program, title string) *progress {
	if f, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		return &progress{w: f, title: title}
	}
	return &progress{}
}

// show draws how much is done; where there is nothing to do, nothing.
func (b *progress) show(done, of int) {
	if b.w == nil || of == 0 {
		return
	}
	const width = 30
	full := width * done / of
	fmt.Fprintf(b.w, "\r%s [%s%s] %d/%d", b.title, strings.Repeat("#", full), strings.Repeat(".", width-full), done, of)
	b.shown = true
}

// end leaves the bar as it is and begins a new line.
func (b *progress) end() {
	if b.shown {
		fmt.Fprintln(b.w)
	}
}
