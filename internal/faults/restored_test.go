package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestRestored goes back to a backup. In it, refresh tokens are good again that were used
// since, or whose sessions were ended: this is shown, and that ending all sessions is the
// cure, also where that had happened in the time that is lost.
func TestRestored(t *testing.T) {
	onEach(t, func(first *database) {
		for _, endedBefore := range []bool{false, true} {
			d := first.another()
			ctx := d.Context()
			node := d.ready()
			admin := d.administrator(node, newLedger(d.T))
			must(admin.CreateUser(ctx, api.CreateUserRequest{Username: "ann", Password: firstPassword, Permissions: api.List[string]{"identity:users:read"}}))(d.T)
			login := func() faults.Session { return must(admin.Login(ctx, "ann", firstPassword, ""))(d.T) }
			leaves, stays, idle := login(), login(), login()

			restore := d.backup()
			used := must(admin.Refresh(ctx, stays))(d.T)
			last := must(admin.Refresh(ctx, used))(d.T)
			must(0, admin.Logout(ctx, leaves))(d.T)
			tokens := []faults.Session{leaves, stays, idle, used, last, login()}
			if endedBefore {
				must(0, admin.EndAllSessions(ctx))(d.T)
				within(d.T, readyEver, "sessions begin under the new epoch", func() bool {
					tokens = append(tokens, login())
					_, err := admin.Refresh(ctx, tokens[len(tokens)-1])
					return err == nil
				})
			}
			must(0, node.Terminate())(d.T)
			restore()
			must(0, node.Restart())(d.T)
			must(node.Ready(readyEver))(d.T)

			tokens = append(tokens, login(), must(admin.Refresh(ctx, leaves))(d.T), must(admin.Refresh(ctx, stays))(d.T)) // as if nothing had been
			if out, err := d.run(nil, "session", "end", "--all", "--yes", "--local"); err != nil {
				d.Fatalf("%v\n%s", err, out)
			}
			for i, s := range tokens {
				_, err := admin.Refresh(ctx, s)
				wantStatus(d.T, fmt.Sprintf("ended before: %t; refresh token %d", endedBefore, i), err, http.StatusUnauthorized)
			}
			time.Sleep(faults.Bound)
			for i, s := range tokens {
				if found := bearer(d.T, node, s.Token); found != http.StatusUnauthorized {
					d.Errorf("ended before: %t; access token %d: %d, want 401", endedBefore, i, found)
				}
			}
			next := must(admin.Refresh(ctx, login()))(d.T)
			if next = must(admin.Refresh(ctx, next))(d.T); bearer(d.T, node, next.Token) != http.StatusOK {
				d.Error("who has logged in since has no good token")
			}
		}
	})
}

// backup keeps what the database has now, while the service runs. The function that it
// returns brings it back, when no node runs.
func (d *database) backup() (restore func()) {
	d.Helper()
	if d.server == nil {
		file := filepath.Join(d.TempDir(), "backup.db")
		if out, err := d.run(nil, "backup", file); err != nil {
			d.Fatalf("%v\n%s", err, out)
		}
		return func() {
			for _, suffix := range []string{"-wal", "-shm"} {
				_ = os.Remove(d.name + suffix) // it may not be there
			}
			must(0, os.WriteFile(d.name, must(os.ReadFile(file))(d.T), 0o600))(d.T)
		}
	}
	// As the servers' tools do it: the rows of one moment.
	db := d.open()
	has := d.columns(db)
	columns := func(table string) string { return strings.Join(has[table], ", ") }
	tx := must(db.BeginTx(d.Context(), nil))(d.T)
	for _, table := range goldenOrder {
		must(tx.ExecContext(d.Context(), `CREATE TABLE kept_`+table+` AS SELECT `+columns(table)+` FROM `+table))(d.T)
	}
	must(0, tx.Commit())(d.T)
	return func() {
		tx := must(db.BeginTx(d.Context(), nil))(d.T)
		for _, table := range slices.Backward(goldenOrder) {
			must(tx.ExecContext(d.Context(), `DELETE FROM `+table))(d.T)
		}
		for _, table := range goldenOrder {
			must(tx.ExecContext(d.Context(), `INSERT INTO `+table+` (`+columns(table)+`) SELECT `+columns(table)+` FROM kept_`+table))(d.T)
		}
		must(0, tx.Commit())(d.T)
	}
}
