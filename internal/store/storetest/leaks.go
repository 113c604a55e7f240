package storetest

import (
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// testLeaks: what was done with a credential, in a session, or changed by its owner is told
// by what and from where, and nothing of another one's.
func testLeaks(t *testing.T, h *harness) {
	db, ctx := h.migrated(), t.Context()
	robot := h.client("robot")
	h.change(db, func(tx *store.DB) error { return tx.CreateClient(ctx, robot) })
	found, err := db.ClientBySecret(ctx, robot.Secrets[0].ID)
	check(t, err)
	if found.ID != "robot" {
		t.Errorf("the secret is of %q", found.ID)
	}
	_, err = db.ClientBySecret(ctx, "nobodys1")
	wantKind(t, err, identity.NotFound)
	_, err = db.OldestEvent(ctx)
	wantKind(t, err, identity.NotFound)

	at := h.clock.Now()
	for i, e := range []struct{ actor, event, target, ip, detail string }{
		{"robot", "token.issued", "", "192.0.2.1", `{"credential":"abcd1234"}`},
		{"robot", "token.issued", "", "192.0.2.1", `{"credential":"abcd1234","count":7}`},
		{"robot", "token.issued", "", "192.0.2.2", `{"credential":"abcd1234"}`},
		{"robot", "token.issued", "", "192.0.2.3", `{"credential":"other123"}`},
		{"robot", "user.created", "u", "192.0.2.4", `{"after":{}}`},
		{"ann", "token.issued", "", "192.0.2.5", `{"credential":"abcd1234"}`},
		{"ann", "session.refreshed", "s", "192.0.2.6", `{}`},
		{"ann", "session.refreshed", "another", "192.0.2.7", `{}`},
	} {
		event := identity.Event{ID: identity.NewID(at), At: at.Add(time.Duration(i) * time.Minute), Name: e.event, Outcome: "success", Actor: e.actor, Target: e.target, IP: e.ip, Detail: []byte(e.detail)}
		check(t, db.AppendEvent(ctx, event))
	}
	want := func(what string, f store.UseFilter, ips ...string) []store.Use {
		t.Helper()
		f.Requests = []string{"token.issued", "session.refreshed"}
		if f.Limit == 0 {
			f.Limit = 10
		}
		uses, err := db.Uses(ctx, f)
		check(t, err)
		have := names(uses, func(u store.Use) string { return u.IP })
		if all := names(ips, func(ip string) string { return ip }); have != all {
			t.Errorf("%s: from %q, want %q", what, have, all)
		}
		return uses
	}
	uses := want("a credential", store.UseFilter{Actor: "robot", Credential: "abcd1234"}, "192.0.2.4", "192.0.2.2", "192.0.2.1")
	if last := uses[len(uses)-1]; last.Events != 2 || !last.First.Equal(at) || !last.Last.Equal(at.Add(time.Minute)) || last.Event != "token.issued" || last.Outcome != "success" {
		t.Errorf("what was done first: %+v", last)
	}
	want("since", store.UseFilter{Actor: "robot", Credential: "abcd1234", Since: at.Add(2 * time.Minute)}, "192.0.2.4", "192.0.2.2")
	want("the latest", store.UseFilter{Actor: "robot", Credential: "abcd1234", Limit: 1}, "192.0.2.4")
	want("a session", store.UseFilter{Actor: "ann", Session: "s"}, "192.0.2.6")
	want("everything", store.UseFilter{Actor: "ann", All: true}, "192.0.2.7", "192.0.2.6", "192.0.2.5")
	want("changes only", store.UseFilter{Actor: "robot"}, "192.0.2.4")
	oldest, err := db.OldestEvent(ctx)
	check(t, err)
	if !oldest.At.Equal(at) {
		t.Errorf("the oldest event is of %v", oldest.At)
	}
}
