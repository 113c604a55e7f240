package dbserver_test

import (
	"context"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

func TestStandby(t *testing.T) {
	if !dbserver.Here(t, dbserver.PostgreSQL) {
		return
	}
	t.Parallel()
	primary := dbserver.Start(t, dbserver.PostgreSQL, dbserver.Options{})
	db := primary.NewDatabase(t)
	begun := time.Now()
	standby := primary.Standby(t)
	t.Logf("it took %v to start a standby", time.Since(begun))
	primary.SyncTo(t, standby)
	primary.Exec(t, db, "CREATE TABLE t (a INT); INSERT INTO t VALUES (1);")
	if _, err := standby.Try(t.Context(), db, "INSERT INTO t VALUES (2);"); err == nil {
		t.Error("a standby takes writes")
	}

	standby.Pause(t)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := primary.Try(ctx, db, "INSERT INTO t VALUES (3);"); err == nil {
		t.Error("the primary does not wait for its standby")
	}
	standby.Resume(t)
	primary.Exec(t, db, "INSERT INTO t VALUES (4);")

	primary.SetReadOnly(t, true)
	if _, err := primary.Try(t.Context(), db, "INSERT INTO t VALUES (5);"); err == nil {
		t.Error("the primary is not read-only")
	}
	primary.SetReadOnly(t, false)
	primary.Kill(t)
	standby.Promote(t)
	if out := standby.Exec(t, db, "SELECT a FROM t WHERE a IN (1, 4) ORDER BY a;"); out != "1\n4" {
		t.Errorf("the promoted standby has %q", out)
	}
	standby.Exec(t, db, "INSERT INTO t VALUES (6);")

	primary.Start(t)
	primary.SyncTo(t, nil)
	primary.Exec(t, db, "INSERT INTO t VALUES (7);")
}
