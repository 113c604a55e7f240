package store_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// migrated opens a new SQLite database.
func migrated(t *testing.T, path string) *store.DB {
	t.Helper()
	db, err := store.Open(store.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return db
}

// hire stores a user and the event that tells of it, in one transaction.
func hire(ctx context.Context, db *store.DB, name, metadata string) error {
	return db.Change(ctx, func(tx *store.DB) error {
		u := identity.User{ID: name, Username: name, PasswordHash: "$hash", Enabled: true, Metadata: identity.Metadata(metadata), CreatedAt: time.Now(), UpdatedAt: time.Now()}
		if err := tx.CreateUser(ctx, u); err != nil {
			return err
		}
		return tx.AppendEvent(ctx, identity.Event{ID: name, At: time.Now(), Name: "user.created", Outcome: "success", Target: name, Detail: []byte("{}")})
	})
}

// ledger is what writers were told is stored, and how many of the assertions.
type ledger struct {
	mu    sync.Mutex
	hired []string
	spent [][32]byte
}

func (l *ledger) record(fn func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn()
}

// write writes until ctx ends: people, and single statements.
func (l *ledger) write(ctx context.Context, db *store.DB, writer int) error {
	for i := 0; ctx.Err() == nil; i++ {
		name := fmt.Sprintf("w%dn%d", writer, i)
		if err := hire(context.WithoutCancel(ctx), db, name, "{}"); err != nil {
			return err
		}
		l.record(func() { l.hired = append(l.hired, name) })
		digest := sha256.Sum256([]byte(name))
		if first, err := db.SpendAssertion(context.WithoutCancel(ctx), digest, time.Now().Add(time.Hour)); err != nil || !first {
			return fmt.Errorf("spending: first %v, %w", first, err)
		}
		l.record(func() { l.spent = append(l.spent, digest) })
	}
	return nil
}

// Five copies are taken while writers in two handles, as two processes have them, write.
// Each has what was acknowledged before it began, and of each person the event too.
func TestABackupUnderLoadIsWhole(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "identity.db")
	handles := []*store.DB{migrated(t, path), migrated(t, path)}
	ctx, stop := context.WithCancel(t.Context())
	var l ledger
	var writers sync.WaitGroup
	for i := range 4 {
		writers.Go(func() {
			if err := l.write(ctx, handles[i%2], i); err != nil {
				t.Error(err)
			}
		})
	}
	defer writers.Wait()
	defer stop()
	var before int64
	for n := range 5 {
		waitFor(t, func() bool { // something new to keep
			revision, err := handles[0].Revision(ctx)
			return err != nil || revision >= before+10
		})
		var hired []string
		var spent [][32]byte
		l.record(func() { hired, spent = l.hired[:len(l.hired):len(l.hired)], l.spent[:len(l.spent):len(l.spent)] })
		file := filepath.Join(folder, fmt.Sprintf("copy%d.db", n))
		made, err := store.Backup(ctx, store.Config{Path: path}, file)
		if err != nil {
			t.Fatal(err)
		}
		before = made.Revision
		wantCopy(t, file, made, hired, spent)
	}
}

// waitFor polls until the condition holds.
func waitFor(t *testing.T, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come to that")
		}
	}
}

func wantCopy(t *testing.T, file string, made store.Copy, hired []string, spent [][32]byte) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil || int64(len(text)) != made.Size || sha256.Sum256(text) != made.SHA256 {
		t.Fatalf("%d bytes (%v), it was said to have %d, or another digest", len(text), err, made.Size)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v, want mode 0600", info, err)
	}
	if beside, err := filepath.Glob(file + "?*"); err != nil || len(beside) > 0 {
		t.Errorf("beside it stand %v (%v)", beside, err)
	}
	db, err := store.Open(store.Config{Path: file})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	users, events := everybody(t, db)
	for _, name := range hired {
		if !users[name] {
			t.Errorf("%s was acknowledged before, and is not in it", name)
		}
	}
	for name := range users {
		if !events[name] {
			t.Errorf("%s is in it without the event", name)
		}
	}
	// Each change made one user and one event.
	if len(users) != len(events) || int64(len(users)) != made.Revision {
		t.Errorf("%d users, %d events at revision %d", len(users), len(events), made.Revision)
	}
	for _, digest := range spent {
		if first, err := db.SpendAssertion(t.Context(), digest, time.Now().Add(time.Hour)); err != nil || first {
			t.Errorf("an assertion that was spent before can be used in it (%v)", err)
		}
	}
}

// everybody returns the users and whom events tell of.
func everybody(t *testing.T, db *store.DB) (users, events map[string]bool) {
	t.Helper()
	const all = 1 << 20
	people, err := db.Users(t.Context(), store.UserFilter{Limit: all})
	if err != nil {
		t.Fatal(err)
	}
	list, err := db.Events(t.Context(), store.EventFilter{Limit: all})
	if err != nil {
		t.Fatal(err)
	}
	users, events = map[string]bool{}, map[string]bool{}
	for _, u := range people {
		users[u.Username] = true
	}
	for _, e := range list {
		events[e.Target] = true
	}
	return users, events
}

// What was deleted cannot be read in a copy.
func TestABackupHasNothingThatWasDeleted(t *testing.T) {
	folder := t.TempDir()
	db := migrated(t, filepath.Join(folder, "identity.db"))
	const trace = "a trace of somebody who is gone"
	if err := hire(t.Context(), db, "gone", `{"note":"`+trace+`"}`); err != nil {
		t.Fatal(err)
	}
	if err := db.Change(t.Context(), func(tx *store.DB) error { return tx.DeleteUser(t.Context(), "gone") }); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "copy.db")
	if _, err := store.Backup(t.Context(), store.Config{Path: filepath.Join(folder, "identity.db")}, file); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), trace) {
		t.Errorf("it is in the copy (%v)", err)
	}
}

func TestABackupThatCannotBeMadeLeavesNothing(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "identity.db")
	migrated(t, path)
	letter := filepath.Join(folder, "letter")
	if err := os.WriteFile(letter, []byte("this is no database, it is a letter to a friend"), 0o600); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx  context.Context
		cfg  store.Config
		file string
		want error
	}{
		"a missing folder":     {t.Context(), store.Config{Path: path}, filepath.Join("missing", "copy.db"), fs.ErrNotExist},
		"a missing database":   {t.Context(), store.Config{Path: path + "x"}, "copy.db", fs.ErrNotExist},
		"a file of that name":  {t.Context(), store.Config{Path: path}, "letter", fs.ErrExist},
		"no database":          {t.Context(), store.Config{Path: letter}, "copy.db", nil},
		"a database server":    {t.Context(), store.Config{Driver: store.PostgreSQL, Path: path}, "copy.db", nil},
		"somebody who gave up": {canceled, store.Config{Path: path}, "copy.db", context.Canceled},
	} {
		before := names(t, folder)
		_, err := store.Backup(c.ctx, c.cfg, filepath.Join(folder, c.file))
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := names(t, folder); after != before {
			t.Errorf("%s: there were %s, now %s", name, before, after)
		}
	}
	if text, err := os.ReadFile(letter); err != nil || !strings.HasPrefix(string(text), "this is") {
		t.Error("the letter was overwritten")
	}
}

func names(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Name()
	}
	return strings.Join(list, " ")
}

// The check finds a bit that was turned where the structure or an index says otherwise, the
// digest finds any.
func TestDamageIsFound(t *testing.T) {
	folder := t.TempDir()
	path, file := filepath.Join(folder, "identity.db"), filepath.Join(folder, "copy.db")
	db := migrated(t, path)
	for i := range 50 {
		if err := hire(t.Context(), db, fmt.Sprintf("user%d", i), "{}"); err != nil {
			t.Fatal(err)
		}
	}
	made, err := store.Backup(t.Context(), store.Config{Path: path}, file)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CheckCopyForTest(t.Context(), file); err != nil {
		t.Fatalf("the copy as it was made: %v", err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, at := range map[string]int{
		"the header":                     0,
		"the kind of the first page":     100,
		"a name that has an index":       strings.LastIndex(string(whole), "user17"),
		"where a page keeps its records": pageOf(whole, "user17") + 8,
	} {
		damaged := append([]byte(nil), whole...)
		damaged[at] ^= 1
		if sha256.Sum256(damaged) == made.SHA256 {
			t.Fatalf("%s: nothing was damaged", name)
		}
		broken := filepath.Join(folder, "broken.db")
		if err := os.WriteFile(broken, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := store.CheckCopyForTest(t.Context(), broken); err == nil {
			t.Errorf("%s: a bit of it was turned, and nobody noticed", name)
		}
	}
}

// pageOf is where the page begins that has the text.
func pageOf(database []byte, text string) int {
	const page = 4096
	return strings.LastIndex(string(database), text) / page * page
}
