package identitytest_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// What is written down in any of the forms is found, whatever stands around it: a search
// that finds nothing proves nothing.
func TestFinder(t *testing.T) {
	const secret = "c4n4rY \"quoted\" & more\nin lines: ü/+ end"
	for name, written := range map[string]string{
		"as it is": secret, "JSON": object(map[string]any{"a": secret}), "Go": fmt.Sprintf("%q", secret), "Go, bytes": fmt.Sprintf("%d", []byte(secret)),
		"hex": fmt.Sprintf("%x", secret), "HEX": fmt.Sprintf("%X", secret), "joined": strings.ReplaceAll(secret, "\n", ""), "CR LF": strings.ReplaceAll(secret, "\n", "\r\n"),
		"UTF-16, little-endian": utf16(secret, false), "UTF-16, big-endian": utf16(secret, true),
		"query": "c4n4rY+%22quoted%22+%26+more%0Ain+lines%3A+%C3%BC%2F%2B+end", "path": "c4n4rY%20%22quoted%22%20&%20more%0Ain%20lines:%20%C3%BC%2F+%20end",
	} {
		wantFound(t, name, secret, "before "+written+" after")
	}
	for before := range 7 {
		for after := range 4 {
			text := []byte(strings.Repeat("\xff", before) + secret + strings.Repeat("\xff", after))
			wantFound(t, fmt.Sprintf("base64, %d before, %d after", before, after), secret, base64.StdEncoding.EncodeToString(text))
			wantFound(t, fmt.Sprintf("base64url, %d before, %d after", before, after), secret, base64.RawURLEncoding.EncodeToString(text))
		}
	}
	wantFound(t, "short", "abc", "xabcx")
	var f identitytest.Finder
	f.Add("one", secret)
	f.Add("another", "another secret of somebody")
	if found := f.Find([]byte(secret[:len(secret)-1] + " " + secret[1:] + " another secret of nobody")); len(found) != 0 {
		t.Errorf("found %v where there is none", found)
	}
	if found := f.Find([]byte("another secret of somebody, and " + secret)); len(found) != 2 {
		t.Errorf("found %v, want both", found)
	}
}

func wantFound(t *testing.T, how, secret, text string) {
	t.Helper()
	var f identitytest.Finder
	f.Add("the secret", secret)
	if found := f.Find([]byte(text)); len(found) != 1 || found[0].Name != "the secret" {
		t.Errorf("%s: not found in %q", how, text)
	}
}

func utf16(text string, bigEndian bool) string {
	var out strings.Builder
	for _, r := range text {
		if bigEndian {
			out.Write([]byte{byte(r >> 8), byte(r)})
		} else {
			out.Write([]byte{byte(r), byte(r >> 8)})
		}
	}
	return out.String()
}

// In every place a marker that is planted there is found.
func TestPlantedSecretsAreFound(t *testing.T) {
	planted := func(t *testing.T, on database) {
		d := newDriver(t, slog.LevelDebug, on)
		d.plant()
		d.wantEverywhere()
	}
	t.Run("SQLite", func(t *testing.T) { planted(t, sqlite(t)) })
	searchServers(t, planted)
}

// plant writes marked text where it is allowed to be, in a form of its own each.
func (d *driver) plant() {
	d.t.Helper()
	d.Logger.Info("planted", "in hex", fmt.Sprintf("%x", d.mark))
	d.created("/api/users", "/api/users", map[string]any{
		"username": "planted", "password": "a password of the test",
		"metadata": map[string]any{"planted": base64.StdEncoding.EncodeToString([]byte("x" + d.mark))},
	})
	_, _, err := d.Installation.Admin.CreateClient(d.t.Context(), identity.LocalAdministrator("test"), admin.NewClient{ID: "planted", Name: d.mark})
	d.must(err)
	d.account(d.Get("/api/clients/planted", "Authorization", "Bearer "+d.admin))
}

// wantEverywhere fails the test for each place in which the mark is not found. Metrics
// have nothing that anybody could choose. Of the files of the database one is enough: it
// is written here first and there later.
func (d *driver) wantEverywhere() {
	d.t.Helper()
	places := d.places()
	delete(places, "the metrics")
	places["the tables"] = d.Dump()
	if files := d.files(); len(files) > 0 { // of a server that is not ours there are none
		places["the files"] = bytes.Join(slices.Collect(maps.Values(files)), nil)
	}
	for where, text := range places {
		if !d.marks(text) {
			d.t.Errorf("%s: the mark that was planted is not found", where)
		}
	}
}

func (d *driver) marks(text []byte) bool {
	return slices.ContainsFunc(d.nowhere.Find(text), func(f identitytest.Found) bool { return f.Name == "what is marked" })
}
