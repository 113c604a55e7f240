package transfer_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity/internal/transfer"
)

// TestDamage damages an export in some place. It is refused, and nothing of it stays.
func TestDamage(t *testing.T) {
	full, db := migrated(t, sqlite(t)), migrated(t, sqlite(t))
	fill(t, full, hostile())
	export := written(t, full)
	lines := bytes.SplitAfter(export, []byte("\n"))
	lines = lines[:len(lines)-1]
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(export)-1).Draw(t, "at")
		if rapid.Bool().Draw(t, "not in the long rows") {
			start := bytes.LastIndexByte(export[:len(export)-1], '\n') + 1
			at = rapid.IntRange(start, len(export)-1).Draw(t, "in the last line")
		}
		another := byte(rapid.IntRange(1, 255).Draw(t, "by"))
		i := rapid.IntRange(0, len(lines)-1).Draw(t, "line")
		var damaged []byte
		switch rapid.SampledFrom([]string{"change", "lose", "gain", "cut", "append", "repeat", "skip"}).Draw(t, "damage") {
		case "change":
			damaged = slices.Clone(export)
			damaged[at] ^= another
		case "lose":
			damaged = slices.Delete(slices.Clone(export), at, at+1)
		case "gain":
			damaged = slices.Insert(slices.Clone(export), at, another)
		case "cut":
			damaged = export[:at]
		case "append":
			damaged = append(slices.Clone(export), another)
		case "repeat":
			damaged = bytes.Join(slices.Insert(slices.Clone(lines), i, lines[i]), nil)
		case "skip":
			damaged = bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)
		}
		if _, err := into(db, damaged); err == nil {
			t.Fatalf("it was imported")
		}
		wantUntouched(t, db)
	})
	_, err := into(db, export)
	must(t, err) // it was for the damage that all others were refused
}

// TestRefused gives exports with true checksums that cannot be imported.
func TestRefused(t *testing.T) {
	full := migrated(t, sqlite(t))
	fill(t, full, hostile())
	export := written(t, full)
	body := string(export[:bytes.LastIndexByte(export[:len(export)-1], '\n')+1])
	if whole := checksummed(t, []byte(body)); !bytes.Equal(whole, export) {
		t.Fatalf("the test makes another last line than the program:\n%s", whole)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"no export", `"identity-export"`, `"other"`, "no export"},
		{"newer format", `"version":1`, `"version":2`, "newer program"},
		{"no format", `"version":1`, `"version":0`, "no version 0"},
		{"other schema", `"schema":`, `"schema":9`, "schema version"},
		{"unknown table", `{"table":"roles"`, `{"table":"revision"`, `no table "revision"`},
		{"unknown column", `"row":{"seq":2`, `"row":{"extra":1,"seq":2`, "columns"},
		{"column for another", `"request_id":"r"`, `"request":"r"`, "column request_id of table audit_events is missing"},
		{"SQL for a column", `"request_id":"r"`, `"request_id) SELECT":"r"`, "is missing"},
		{"unknown member", `{"table":"roles"`, `{"force":true,"table":"roles"`, "not a row"},
		{"two rows in a line", `{"table":"roles"`, `{"table":"roles","row":{}} {"table":"roles"`, "not a row"},
		{"text for a number", `"row":{"seq":2`, `"row":{"seq":"2"`, "wrong type"},
		{"part of a number", `"row":{"seq":2`, `"row":{"seq":2.5`, "wrong type"},
		{"number too large", `"row":{"seq":2`, `"row":{"seq":9223372036854775808`, "wrong type"},
		{"number for text", `"request_id":"r"`, `"request_id":1`, "wrong type"},
		{"null", `"request_id":"r"`, `"request_id":null`, "wrong type"},
		{"no base64", `{"table":"spent_assertions","row":{"digest":"`, `{"table":"spent_assertions","row":{"digest":"*`, "wrong type"},
		{"the same id twice", `"row":{"id":"A"`, `"row":{"id":"a"`, "filling the table"},
		{"user who is no principal", `{"table":"users","row":{"id":"A"`, `{"table":"users","row":{"id":"B"`, "filling the table"},
		{"not UTF-8", `"request_id":"r"`, "\"request_id\":\"\xff\"", "not a row"},
		{"blank line", `{"table":"roles"`, "\n" + `{"table":"roles"`, "not a row"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if !strings.Contains(body, c.old) {
				t.Fatalf("%q is not in the export", c.old)
			}
			db := migrated(t, sqlite(t))
			_, err := into(db, checksummed(t, []byte(strings.Replace(body, c.old, c.new, 1))))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			wantUntouched(t, db)
		})
	}
}

// TestDamageIsCalledDamage: whoever carries a file learns what happened to it.
func TestDamageIsCalledDamage(t *testing.T) {
	full, db := migrated(t, sqlite(t)), migrated(t, sqlite(t))
	fill(t, full, hostile())
	export := string(written(t, full))
	for name, damaged := range map[string]string{
		"a name":   strings.Replace(export, `"username":"ann"`, `"username":"eve"`, 1),
		"half":     export[:len(export)/2],
		"no end":   export[:strings.LastIndex(export, `{"rows"`)],
		"appended": export + "\n",
		"twice":    export + export,
		"CR LF":    strings.ReplaceAll(export, "\n", "\r\n"),
	} {
		if _, err := into(db, []byte(damaged)); !errors.Is(err, transfer.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := into(db, nil); err == nil {
		t.Error("nothing at all was imported")
	}
	wantUntouched(t, db)
}

// TestNotUTF8 has no export that says something else than the database.
func TestNotUTF8(t *testing.T) {
	db := migrated(t, sqlite(t))
	fill(t, db, map[string][][]any{"audiences": {{"u", "orders", "\xff", "", int64(0), "", "", int64(1), int64(1), int64(1)}}})
	_, err := transfer.Write(t.Context(), db, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "column name is not UTF-8") {
		t.Errorf("got %v", err)
	}
}
