package faults_test

import (
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

func TestIsCommit(t *testing.T) {
	for name, tc := range map[string]struct {
		chunk string
		want  bool
	}{
		"postgres":            {"Q\x00\x00\x00\x0bcommit\x00", true},
		"postgres, case":      {"Q\x00\x00\x00\x0cCOMMIT;\x00", true},
		"postgres, after one": {"S\x00\x00\x00\x04Q\x00\x00\x00\x0bcommit\x00", true},
		"postgres, a query":   {"Q\x00\x00\x00\x0dselect 1\x00", false},
		"postgres, a word":    {"Q\x00\x00\x00\x14select 'commit'\x00", false},
		"postgres, bind":      {"B\x00\x00\x00\x0bcommit\x00", false},
		"postgres, torn":      {"Q\x00\x00\x00\x0bcomm", false},
		"mysql":               {"\x07\x00\x00\x00\x03COMMIT", true},
		"mysql, case":         {"\x07\x00\x00\x00\x03commit", true},
		"mysql, attributes":   {"\x09\x00\x00\x00\x03\x00\x01COMMIT", true},
		"mysql, after one":    {"\x05\x00\x00\x00\x19\x01\x00\x00\x00\x07\x00\x00\x00\x03COMMIT", true},
		"mysql, prepare":      {"\x07\x00\x00\x00\x16COMMIT", false},
		"mysql, rollback":     {"\x09\x00\x00\x00\x03ROLLBACK", false},
		"mysql, not first":    {"\x07\x00\x00\x01\x03COMMIT", false},
		"length zero":         {"Q\x00\x00\x00\x00commit\x00", false},
		"length huge":         {"Q\xff\xff\xff\xffcommit\x00", false},
		"empty":               {"", false},
	} {
		if got := faults.IsCommit([]byte(tc.chunk)); got != tc.want {
			t.Errorf("%s: %v, want %v", name, got, tc.want)
		}
	}
}
