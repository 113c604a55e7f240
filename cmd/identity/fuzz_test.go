package main

import (
	"strings"
	"testing"
)

// Whatever a variable is set to, it is taken or named with what was expected. That is the
// same for every bad value, so that none is repeated.
func FuzzSettings(f *testing.F) {
	table := settingsTable()
	for i, s := range table {
		f.Add(uint(i), s.fallback)
		f.Add(uint(i), "canary, \x00\xff")
	}
	for i, value := range []string{
		"-1", "99999999999999999999", ",", "10.0.0.0/99,::ffff:10.0.0.1", "https://a,https://b/", "http://127.0.0.1:0/%zz", "mysql+pymysql", "verify-full",
	} {
		f.Add(uint(7*i), value)
	}
	f.Fuzz(func(t *testing.T, which uint, value string) {
		chosen := table[which%uint(len(table))]
		_, err := loadSettings(func(name string) (string, bool) {
			if name == chosen.name {
				return value, true
			}
			return "", false
		})
		if err == nil {
			return
		}
		text := err.Error()
		if !strings.Contains(text, chosen.name) {
			t.Fatalf("%s is not named: %v", chosen.name, err)
		}
		// A driver and a mode that are known are named with what they need.
		if chosen.name == "DATABASE_DRIVER" || chosen.name == "DATABASE_SSL_MODE" {
			return
		}
		_, again := loadSettings(func(name string) (string, bool) {
			if name == chosen.name {
				return "\x01" + value, true // as bad, but for what any text is good for
			}
			return "", false
		})
		if again != nil && again.Error() != text {
			t.Fatalf("what is said of %s depends on its value: %v", chosen.name, err)
		}
	})
}
