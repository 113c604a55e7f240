package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/seed-60f9e3ad/identity"
)

// readSecret reads a secret from standard input: a line of it, or asked for twice
// on a terminal, where it is not shown.
func readSecret(p *program, fromStdin bool, what string) (identity.Secret, error) {
	if fromStdin {
		return readLine(p.lines(), what)
	}
	if !p.onTerminal() {
		return identity.Secret{}, fmt.Errorf("standard input is no terminal to ask for the %s on; use the --%s-stdin flag", what, what)
	}
	first, err := askHidden(p, "New "+what+": ")
	if err != nil {
		return identity.Secret{}, err
	}
	again, err := askHidden(p, "The same again: ")
	if err != nil {
		return identity.Secret{}, err
	}
	if !first.Equal(again) {
		return identity.Secret{}, errors.New("the two are not the same")
	}
	return first, nil
}

// readPassword reads a password that exists: a line of standard input, or asked for
// once on a terminal.
func readPassword(p *program, fromStdin bool) (identity.Secret, error) {
	if fromStdin {
		return readLine(p.lines(), "password")
	}
	if !p.onTerminal() {
		return identity.Secret{}, errors.New("standard input is no terminal to ask for the password on; use the --password-stdin flag")
	}
	return askHidden(p, "Password: ")
}

// onTerminal reports whether somebody can be asked.
func (p *program) onTerminal() bool { return term.IsTerminal(int(p.stdin.Fd())) }

// lines is standard input, to be read a line at a time.
func (p *program) lines() *bufio.Reader { return bufio.NewReader(io.LimitReader(p.stdin, 64<<10)) }

// askHidden asks on the terminal for what it does not show.
func askHidden(p *program, prompt string) (identity.Secret, error) {
	fd := int(p.stdin.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return identity.Secret{}, fmt.Errorf("reading from the terminal: %w", err)
	}
	defer func() { _ = term.Restore(fd, before) }() // also where the answer does not come
	return answered(p, prompt, func() (string, error) {
		text, err := term.ReadPassword(fd)
		fmt.Fprintln(p.stderr)
		return string(text), err
	})
}

// answered asks on the terminal and waits for the answer, or for the end of the program.
func answered(p *program, prompt string, read func() (string, error)) (identity.Secret, error) {
	fmt.Fprint(p.stderr, prompt)
	type answer struct {
		text string
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		text, err := read()
		answers <- answer{text, err}
	}()
	select {
	case a := <-answers:
		if a.err != nil {
			return identity.Secret{}, fmt.Errorf("reading from the terminal: %w", a.err)
		}
		return identity.NewSecret(a.text), nil
	case <-p.done:
		fmt.Fprintln(p.stderr)
		return identity.Secret{}, errors.New("interrupted; nothing was changed")
	}
}

// confirm asks before something is destroyed. Where nobody can be asked it wants to be
// told.
func confirm(p *program, question string) error {
	if !p.onTerminal() {
		return errors.New("standard input is no terminal to ask on; use the --yes flag")
	}
	answer, err := answered(p, plain(question)+" [y/N] ", func() (string, error) {
		line, err := p.lines().ReadString('\n')
		if errors.Is(err, io.EOF) {
			err = nil // no answer is no
		}
		return strings.TrimSpace(line), err
	})
	if err != nil {
		return err
	}
	if text := answer.Reveal(); !strings.EqualFold(text, "y") && !strings.EqualFold(text, "yes") {
		return errors.New("nothing was changed")
	}
	return nil
}

// readLine reads one line, without its end.
func readLine(r *bufio.Reader, what string) (identity.Secret, error) {
	line, err := r.ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return identity.Secret{}, fmt.Errorf("reading the %s: %w", what, err)
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return identity.Secret{}, fmt.Errorf("there is no %s on standard input", what)
	}
	return identity.NewSecret(line), nil
}

// readFile reads a file, or standard input for "-".
func readFile(p *program, path string) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(io.LimitReader(p.stdin, 1<<20))
	}
	return os.ReadFile(path)
}
