package rest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// The answers about signing keys, byte by byte: one that waits, one that signs and one that
// signs no more.
func TestSigningKeyWireForms(t *testing.T) {
	d := newDesk(t)
	kids := []string{d.signs("")}
	begun := d.Clock.Now()
	want := func(what string, r identitytest.Response, status int, golden string) {
		t.Helper()
		var names []string
		for i, kid := range kids {
			names = append(names, kid, fmt.Sprintf("<key %d>", i+1))
		}
		shape := strings.NewReplacer(names...).Replace(string(r.Body))
		if diff := cmp.Diff(golden+"\n", shape); r.Status != status || diff != "" {
			t.Errorf("%s: status %d, want %d; (-want +got)\n%s", what, r.Status, status, diff)
		}
		for name, value := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store"} {
			if r.Header.Get(name) != value {
				t.Errorf("%s: %s is %q", what, name, r.Header.Get(name))
			}
		}
	}
	// at is a time so long after the beginning; key is one that is not quarantined.
	at := func(after time.Duration) string { return `"` + begun.Add(after).Format(time.RFC3339Nano) + `"` }
	key := func(name, state, byDefault, created, activates, superseded, retires string) string {
		return fmt.Sprintf(`{"kid":"<key %s>","algorithm":"ES256","state":"%s","default":%s,"quarantined":false,"created_at":%s,"activates_at":%s,"superseded_at":%s,"retires_at":%s}`,
			name, state, byDefault, created, activates, superseded, retires)
	}
	create := func(golden string) {
		t.Helper()
		r := d.asAdmin("POST", "/api/keys", `{"algorithm":"ES256"}`)
		kids = append(kids, d.keyIn(r, 201).KID)
		want("made", r, 201, golden)
	}
	d.pass(time.Second)
	create(key("2", "next", "false", at(time.Second), "null", "null", "null"))
	begins := at(time.Second + keyring.Lead)
	want("activated", d.asAdmin("POST", "/api/keys/"+kids[1]+"/activate", ""), 200, key("2", "next", "true", at(time.Second), begins, "null", "null"))
	d.pass(keyring.Lead)
	create(key("3", "next", "false", begins, "null", "null", "null"))
	want("listed", d.asAdmin("GET", "/api/keys", ""), 200, `{"data":[`+strings.Join([]string{
		key("1", "retired", "false", at(0), at(0), begins, at(time.Second+keyring.Lead+900*time.Second+store.KeyMargin)),
		key("2", "active", "true", at(time.Second), begins, "null", "null"),
		key("3", "next", "false", begins, "null", "null", "null"),
	}, ",")+`],"next_cursor":null}`)
	d.pass(time.Minute)
	want("activated at once", d.asAdmin("POST", "/api/keys/"+kids[2]+"/activate", `{"now":true}`), 200,
		key("3", "active", "true", begins, at(time.Second+keyring.Lead+time.Minute), "null", "null"))
}
