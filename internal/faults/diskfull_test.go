package faults_test

import (
	"fmt"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestDiskFullOfServer fills the file system under a server's data. See TestDiskFull.
func TestDiskFullOfServer(t *testing.T) {
	const room = 256 << 20
	for _, kind := range []dbserver.Kind{dbserver.PostgreSQL, dbserver.MariaDB} {
		t.Run(string(kind), func(t *testing.T) {
			if !dbserver.HereWithRoom(t, kind) {
				return
			}
			d := newDatabase(t, dbserver.Start(t, kind, dbserver.Options{Room: room}))
			node := d.ready()
			p := d.people(node)
			p.disable(d)
			if kind == dbserver.PostgreSQL {
				// The log of writes has a new file, with room for all that this test writes.
				d.server.Admin(d.T, "", "SELECT pg_switch_wal(); CHECKPOINT;")
			}

			d.server.Fill(t)
			p.fill(d, 3)
			p.reads(d, node)
			d.server.Free(t)
			within(t, readySoon, "it takes writes again", func() bool { return p.once(d.Context(), "robot") == nil })
			must(p.admin.CreateUser(d.Context(), api.CreateUserRequest{Username: "dave", Password: firstPassword}))(t)

			d.server.Fill(t)
			p.fill(d, 0)
			d.server.StopImmediate(t) // and what it could not write is to be recovered
			d.server.Free(t)
			d.server.Start(t)
			within(t, readySoon, "it serves again", func() bool { return p.once(d.Context(), "robot") == nil })
			d.whole()
			must(p.admin.CreateUser(d.Context(), api.CreateUserRequest{Username: "erin", Password: firstPassword}))(t)
			if ended := p.judge(t); ended[faults.Unknown] == 0 {
				t.Errorf("nothing was hurt: %v", ended)
			}
		})
	}
}

// fill writes until what the database has kept free inside its files is used up: until
// several creations, and as many signatures as are wanted, are refused.
func (p *people) fill(d *database, wanted int) {
	d.Helper()
	const most, enough = 2000, 3
	creations, signatures := 0, 0
	for n := 0; creations < enough || signatures < wanted; n++ {
		if n == most {
			d.Fatalf("of %d writes each, %d creations and %d signatures were refused", n, creations, signatures)
		}
		if creations < enough {
			p.filled++
			id := fmt.Sprintf("filling-%d", p.filled)
			if _, err := p.admin.CreateClient(d.Context(), api.CreateClientRequest{ClientID: id, Name: id, PublicKey: p.key.Public()}); err != nil {
				creations++
				unavailable(d.T, map[string]error{"creation": err})
			}
		}
		if signatures < wanted {
			if err := p.once(d.Context(), "robot"); err != nil {
				signatures++
				unavailable(d.T, map[string]error{"signature": err})
			}
		}
	}
	d.Logf("after %d creations in all, %d of them and %d signatures were refused now", p.filled, creations, signatures)
}
