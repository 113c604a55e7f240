package main

import (
	"strings"
	"testing"
)

// Whatever a variable is set to, it is taken, or named with what was expected and without
// what it was set to.
func FuzzSettings(f *testing.F) {
	table := settingsTable()
	for i, s := range table {
		f.Add(uint(i), s.fallback)
		f.Add(uint(i), "canary, \x00\xff")
	}
	for i, value := range []string{
		"-1", "8080", "99999999999999999999", ",", "10.0.0.0/99,::ffff:10.0.0.1", "https://a,https://b/", "http://127.0.0.1:0/%zz", "mysql+pymysql", "verify-full",
	} {
		f.Add(uint(7*i), value)
	}
	f.Fuzz(func(t *testing.T, which uint, value string) {
		chosen := table[which%uint(len(table))]
		load := func(value string) string {
			_, err := loadSettings(func(name string) (string, bool) {
				if name == chosen.name {
					return value, true
				}
				return "", false
			})
			if err == nil {
				return ""
			}
			return err.Error()
		}
		text := load(value)
		if text == "" {
			return
		}
		if !strings.Contains(text, chosen.name) {
			t.Fatalf("%s is not named: %s", chosen.name, text)
		}
		// A driver and a mode that are known are named with what they need; and something
		// short is in many texts.
		if known := chosen.name == "DATABASE_DRIVER" || chosen.name == "DATABASE_SSL_MODE"; known || len(value) < 8 || strings.Contains(load("\x01"), value) {
			return
		}
		if strings.Contains(text, value) {
			t.Fatalf("the value of %s is repeated: %s", chosen.name, text)
		}
	})
}
