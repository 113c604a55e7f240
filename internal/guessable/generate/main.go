// Command generate writes internal/guessable/passwords.sha256, the list that the
// program has in it, from passwords.txt.gz, the passwords themselves. It is run by "go
// generate" in the folder of package guessable and needs no network.
package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-60f9e3ad/identity/internal/guessable"
)

func main() {
	if err := generate("passwords.txt.gz", "passwords.sha256"); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

func generate(from, to string) error {
	file, err := os.Open(from) // #nosec G304 -- of this folder
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	list, err := entries(text)
	if err != nil {
		return err
	}
	return os.WriteFile(to, []byte(list), 0o644) // #nosec G306 -- it is committed for everybody to read
}

// entries makes the list of the passwords in text, one a line. Those that no user could
// choose are not worth their room.
func entries(text io.Reader) (string, error) {
	const fewest = 8 // characters of a password, after NFC
	var list []string
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		password := norm.NFC.String(lines.Text())
		if !utf8.ValidString(password) || utf8.RuneCountInString(password) < fewest {
			continue
		}
		list = append(list, guessable.Entry(password))
	}
	slices.Sort(list)
	return strings.Join(slices.Compact(list), ""), lines.Err()
}
