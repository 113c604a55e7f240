package faults_test

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestColdStart starts five nodes at once, on an empty database and on one of each earlier
// version: one of them makes what is missing, and the others wait.
func TestColdStart(t *testing.T) {
	onEach(t, func(first *database) {
		each := (rounds(t)/4 + 5) / 6 // of the three databases and the two kinds of beginnings
		for range each {
			empty := first.another()
			empty.settings["ADMIN_PASSWORD"] = "" // so that one is made
			empty.coldStart(0, nil)
			for version := range newestGolden(t) - 1 {
				older := first.another()
				g := older.fill(version + 1)
				older.coldStart(version+1, &g)
			}
		}
	})
}

// shown is how a generated password is shown.
var shown = regexp.MustCompile(`(?m)^ +Password: +(\S+)$`)

// coldStart starts the nodes on a schema of a version; g is what was there before, nil
// for nothing.
func (d *database) coldStart(version int64, g *golden) {
	d.Helper()
	nodes := make([]*faults.Process, 5)
	for i := range nodes {
		nodes[i] = d.start(nil) // in a millisecond: it waits for nothing
	}
	migrated, wantMigrated, made := map[int64]int{}, map[int64]int{}, []string{}
	for i, node := range nodes {
		if _, err := node.Ready(readyEver); err != nil {
			d.Fatalf("node %d: %v", i, err)
		}
		log := node.Stderr()
		for v := range newestGolden(d.T) {
			migrated[v+1] += strings.Count(log, fmt.Sprintf(`"msg":"schema migrated","version":%d,`, v+1))
		}
		for _, found := range shown.FindAllStringSubmatch(log, -1) {
			made = append(made, found[1])
		}
	}
	wantMade, password := 1, ""
	if g != nil {
		wantMade, password = 0, g.Administrator
	}
	for v := range newestGolden(d.T) {
		wantMigrated[v+1] = 0
		if v >= version {
			wantMigrated[v+1] = 1
		}
	}
	if !maps.Equal(migrated, wantMigrated) || len(made) != wantMade {
		d.Fatalf("migrations by version: %v, want %v; administrators made: %d, want %d", migrated, wantMigrated, len(made), wantMade)
	}
	if g == nil {
		password = made[0]
	}
	d.settings["ADMIN_PASSWORD"] = password
	d.agree(nodes)
	if g != nil {
		d.worksAs(*g, nodes[0], nodes[4])
	}
	for _, node := range nodes { // their connections are for the next beginning
		must(0, node.Terminate())(d.T)
	}
}

// agree expects one administrator and one key on all nodes, and that each takes the
// tokens of each other.
func (d *database) agree(nodes []*faults.Process) {
	d.Helper()
	clients := make([]*faults.Client, len(nodes))
	tokens := make([]string, len(nodes))
	for i, node := range nodes {
		clients[i] = d.administrator(node, newLedger(d.T))
		tokens[i] = must(clients[i].Login(d.Context(), "admin", d.settings["ADMIN_PASSWORD"], ""))(d.T).Token
	}
	keys := get(d.T, nodes[0].URL(), "/.well-known/jwks.json").body
	if strings.Count(keys, `"kid"`) != 1 {
		d.Errorf("want one key: %s", keys)
	}
	for i, node := range nodes {
		if other := get(d.T, node.URL(), "/.well-known/jwks.json").body; other != keys {
			d.Errorf("node %d has other keys: %s, want %s", i, other, keys)
		}
		verify := must(clients[i].Verifier(d.Context()))(d.T)
		for j, token := range tokens {
			must(0, verify(token))(d.T)
			if found := bearer(d.T, node, token); found != 200 {
				d.Errorf("node %d answers %d to the token of node %d", i, found, j)
			}
		}
	}
	db := d.open()
	for query, want := range map[string]int{
		`SELECT COUNT(*) FROM users WHERE administers = 1`: 1,
		`SELECT COUNT(*) FROM signing_keys`:                1,
		`SELECT COUNT(*) FROM configuration`:               1,
	} {
		if n := one[int](d, db, query); n != want {
			d.Errorf("%s: %d, want %d", query, n, want)
		}
	}
}
