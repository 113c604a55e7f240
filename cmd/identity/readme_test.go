package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

//go:generate go test -run TestREADMEHasTheSettings -update .

var update = flag.Bool("update", false, "write what a test makes into its file")

// TestREADMEHasTheSettings keeps the README's table equal to the settings.
func TestREADMEHasTheSettings(t *testing.T) {
	const readme, begin, end = "../../README.md", "./cmd/identity\" -->\n", "<!-- /settings -->"
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	table, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("the README has no place for the settings")
	}
	if want := settingsMarkdown(); table != want {
		if !*update {
			t.Fatal("the README's table of settings is not that of the program; run: go generate ./cmd/identity")
		}
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func settingsMarkdown() string {
	var b strings.Builder
	b.WriteString("\n| variable | default | what it is | expected |\n|---|---|---|---|\n")
	for _, s := range settingsTable() {
		name := "`" + s.name + "`"
		if s.secret {
			name += " 🔒"
		}
		if s.firstStart {
			name += " ①"
		}
		fallback := ""
		if s.fallback != "" {
			fallback = "`" + s.fallback + "`"
		}
		b.WriteString("| " + name + " | " + fallback + " | " + s.purpose + " | " + s.expected + " |\n")
	}
	return b.String() + "\n"
}

// TestEverySettingIsComplete: one that says nothing of itself helps nobody.
func TestEverySettingIsComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, s := range settingsTable() {
		if s.name == "" || s.purpose == "" || s.expected == "" || s.set == nil || seen[s.name] {
			t.Errorf("%q is incomplete or there twice", s.name)
		}
		seen[s.name] = true
		if s.fallback == "" {
			continue
		}
		if err := s.set(&settings{}, s.fallback); err != nil {
			t.Errorf("%s: its default is not what it expects", s.name)
		}
	}
}
