package doctor_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
)

const day = 24 * time.Hour

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// healthy are the facts of an installation that needs nothing.
func healthy() doctor.Facts {
	return doctor.Facts{
		Now: now, Unused: 90 * day, Configuration: identity.DefaultConfiguration("https://id.example.com"),
		Keys:   []doctor.Key{{SigningKey: identity.SigningKey{KID: "kid", Algorithm: "ES256", CreatedAt: now.Add(-30 * day), ActivatesAt: now.Add(-30 * day)}, Default: true}},
		Sealed: []doctor.Sealed{{Title: "signing key kid", First: true, Listed: true}}, Hash: 8 * time.Millisecond, HashSlots: 2, Cores: 2,
		Connections: doctor.Connections{Open: 2, Limit: 20}, Disk: &doctor.Disk{Free: 40 << 30, Total: 100 << 30},
	}
}

// Each fact that is not as it should be is one finding, with a cause and a cure, and what is
// just within its bound is none.
func TestExamine(t *testing.T) {
	if found := doctor.Examine(healthy()); len(found) != 0 {
		t.Fatalf("of a healthy one: %+v", found)
	}
	secret := doctor.Credential{Client: "billing", ID: "k3x9q2ab", Label: "old", CreatedAt: now.Add(-200 * day)}
	used := secret
	used.LastUsedAt = now.Add(-91 * day)
	used.ExpiresAt = now.Add(5 * day)
	for _, c := range []struct {
		name   string
		change func(f *doctor.Facts)
		want   string // severity, id and what is about; empty is nothing
		says   string
	}{
		{"quarantined", func(f *doctor.Facts) { f.Keys[0].Fault = errors.New("it does not open") }, "care key.none |care key.quarantined kid", "it does not open"},
		{"no key", func(f *doctor.Facts) { f.Keys = nil }, "care key.none ", "nobody gets a token"},
		{"a key that waits", func(f *doctor.Facts) { f.Keys[0].ActivatesAt = now.Add(time.Hour) }, "care key.none ", ""},
		{"an old key", func(f *doctor.Facts) { f.Keys[0].ActivatesAt = now.Add(-366 * day) }, "care key.old kid", "366 days"},
		{"a year", func(f *doctor.Facts) { f.Keys[0].ActivatesAt = now.Add(-365 * day) }, "", ""},
		{"an old key that is about to go", func(f *doctor.Facts) {
			f.Keys[0].ActivatesAt, f.Keys[0].SupersededAt = now.Add(-366*day), now.Add(time.Minute)
		}, "", ""},
		{"a rotation that is late", func(f *doctor.Facts) {
			f.Configuration.KeyRotationInterval = 20 * day
		}, "care key.overdue kid", "after 20 days"},
		{"a rotation in time", func(f *doctor.Facts) { f.Configuration.KeyRotationInterval = 29 * day }, "", ""},
		{"another encryption key", func(f *doctor.Facts) { f.Sealed[0].First = false }, "care sealed.other_key ", "1 values"},
		{"a missing encryption key", func(f *doctor.Facts) { f.Sealed[0].First, f.Sealed[0].Listed = false, false }, "care sealed.key_missing signing key kid", ""},
		{"damage", func(f *doctor.Facts) { f.Sealed[0].Fault = errors.New("it was changed") }, "care sealed.damaged signing key kid", "it was changed"},
		{"a weak key", func(f *doctor.Facts) { f.WeakKey = true }, "care encryption_key.weak ", "AES-128"},
		{"a key file", func(f *doctor.Facts) { f.KeyBeside = true }, "note encryption_key.beside ", ""},
		{"http", func(f *doctor.Facts) { f.Configuration.Issuer = "http://id.example.com" }, "care issuer.plain http://id.example.com", ""},
		{"localhost", func(f *doctor.Facts) { f.Configuration.Issuer = "http://localhost:8080" }, "note issuer.local http://localhost:8080", ""},
		{"loopback", func(f *doctor.Facts) { f.Configuration.Issuer = "http://[::1]:8080" }, "note issuer.local http://[::1]:8080", ""},
		{"a name", func(f *doctor.Facts) { f.Configuration.Issuer = "identity" }, "note issuer.no_url identity", ""},
		{"a clock ahead", func(f *doctor.Facts) { f.ClockOffset = 2 * time.Second }, "care clock.skew ", "2s ahead"},
		{"a clock behind", func(f *doctor.Facts) { f.ClockOffset = -94 * time.Second }, "care clock.skew ", "1m34s behind"},
		{"clocks", func(f *doctor.Facts) { f.ClockOffset = -1999 * time.Millisecond }, "", ""},
		{"a slow machine", func(f *doctor.Facts) { f.Hash = 501 * time.Millisecond }, "care hash.slow ", "3 logins a second"},
		{"nobody measured", func(f *doctor.Facts) { f.Hash = 0 }, "", ""},
		{"little memory", func(f *doctor.Facts) { f.HashSlots = 1 }, "note hash.memory ", "memory for 1"},
		{"all connections", func(f *doctor.Facts) { f.Connections.InUse = 20 }, "care database.busy ", "All 20"},
		{"waits", func(f *doctor.Facts) { f.Connections.Waits, f.Connections.Waited = 10, time.Second }, "note database.waits ", "100 ms"},
		{"a full disk", func(f *doctor.Facts) { f.Disk.Free = 4 << 30 }, "care disk.low ", "4096 MiB of 102400 MiB"},
		{"a small disk", func(f *doctor.Facts) { f.Disk = &doctor.Disk{Free: 1<<30 - 1, Total: 2 << 30} }, "care disk.low ", ""},
		{"an unknown disk", func(f *doctor.Facts) { f.Disk = nil }, "", ""},
		{"unsealed", func(f *doctor.Facts) { f.UnsealedSince = now.Add(-2 * time.Hour) }, "care audit.unsealed ", "2h0m0s"},
		{"just recorded", func(f *doctor.Facts) { f.UnsealedSince = now.Add(-time.Minute) }, "", ""},
		{"never used", func(f *doctor.Facts) { f.UnusedSecrets = some(secret) }, "care secret.unused billing k3x9q2ab (old)", "200 days ago, and never used"},
		{"not used", func(f *doctor.Facts) { f.UnusedKeys = some(used) }, "care client_key.unused billing k3x9q2ab (old)", "91 days ago"},
		{"expires", func(f *doctor.Facts) { f.ExpiringSecrets = some(used) }, "care secret.expiring billing k3x9q2ab (old)", "2026-03-06"},
		{"expired", func(f *doctor.Facts) { f.ExpiredSecrets = some(used) }, "note secret.expired billing k3x9q2ab (old)", ""},
		{"nothing to prove", func(f *doctor.Facts) { f.Powerless = some("billing") }, "care client.powerless billing", ""},
		{"shared", func(f *doctor.Facts) { f.SharedKeys = some(doctor.Shared{KID: "k", Clients: []string{"a", "b"}}) }, "care client_key.shared k", "a, b"},
		{"never there", func(f *doctor.Facts) { f.NeverLoggedIn = some("ann") }, "care user.never ann", "90 days"},
		{"more than are named", func(f *doctor.Facts) { f.NeverLoggedIn = doctor.Some[string]{List: []string{"ann"}, Total: 8} }, "care user.never |care user.never ann", "7 more"},
	} {
		f := healthy()
		c.change(&f)
		var have, texts []string
		for _, found := range doctor.Examine(f) {
			have = append(have, string(found.Severity)+" "+found.ID+" "+found.About)
			texts = append(texts, found.Cause)
			if found.Cause == "" || found.Cure == "" {
				t.Errorf("%s: %s says too little", c.name, found.ID)
			}
		}
		slices.Sort(have)
		if strings.Join(have, "|") != c.want || !strings.Contains(strings.Join(texts, "|"), c.says) {
			t.Errorf("%s: %q %q, want %q that says %q", c.name, have, texts, c.want, c.says)
		}
	}
}

func some[T any](one T) doctor.Some[T] { return doctor.Some[T]{List: []T{one}, Total: 1} }

// What needs care comes before what is worth knowing.
func TestCareComesFirst(t *testing.T) {
	f := healthy()
	f.KeyBeside, f.WeakKey = true, true
	found := doctor.Examine(f)
	if len(found) != 2 || found[0].Severity != doctor.Care || !doctor.NeedsCare(found) || doctor.NeedsCare(found[1:]) {
		t.Errorf("%+v", found)
	}
}

// Verifiers take the issuer by its word.
func TestReach(t *testing.T) {
	good := doctor.Discovered{Issuer: "https://id.example.com", From: "https://id.example.com/.well-known/openid-configuration", Says: "https://id.example.com"}
	if found := doctor.Reach(good); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	for id, change := range map[string]func(d *doctor.Discovered){
		"issuer.unreachable": func(d *doctor.Discovered) { d.Err = errors.New("no such host") },
		"issuer.differs":     func(d *doctor.Discovered) { d.Says += "/" },
		"issuer.keys":        func(d *doctor.Discovered) { d.Missing = []string{"kid"} },
	} {
		d := good
		change(&d)
		if found := doctor.Reach(d); len(found) != 1 || found[0].ID != id || !doctor.NeedsCare(found) || found[0].About != d.From {
			t.Errorf("%s: %+v", id, found)
		}
	}
}
