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
		return readLine(p.stdin, what)
	}
	fd := int(p.stdin.Fd())
	if !term.IsTerminal(fd) {
		return identity.Secret{}, fmt.Errorf("standard input is no terminal to ask for the %s on; use the --%s-stdin flag", what, what)
	}
	first, err := askHidden(p, fd, "New "+what+": ")
	if err != nil {
		return identity.Secret{}, err
	}
	again, err := askHidden(p, fd, "The same again: ")
	if err != nil {
		return identity.Secret{}, err
	}
	if !first.Equal(again) {
		return identity.Secret{}, errors.New("the two are not the same")
	}
	return first, nil
}

func askHidden(p *program, fd int, prompt string) (identity.Secret, error) {
	fmt.Fprint(p.stderr, prompt)
	text, err := term.ReadPassword(fd)
	fmt.Fprintln(p.stderr)
	if err != nil {
		return identity.Secret{}, fmt.Errorf("reading from the terminal: %w", err)
	}
	return identity.NewSecret(string(text)), nil
}

// readLine reads one line, without its end.
func readLine(r io.Reader, what string) (identity.Secret, error) {
	line, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
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
