// Package storetest is the one suite that every database passes. Run calls each
// test with a new empty database; tests that need a second node open a second
// handle on it.
package storetest

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// Database opens one more handle on a database, with the given clock. The test
// closes it.
type Database func(now func() time.Time) (*store.DB, error)

// Run runs the whole suite. create makes a new empty database for a test.
func Run(t *testing.T, create func(t *testing.T) Database) {
	for _, part := range []struct {
		name string
		test func(t *testing.T, h *harness)
	}{
		{"migrate", testMigrate},
		{"migrate together", testMigrateTogether},
		{"transactions", testTransactions},
		{"changes happen one after another", testChangesSerialise},
		{"administrative writes need Change", testNeedsChange},
		{"configuration", testConfiguration},
		{"users", testUsers},
		{"usernames compare by their bytes", testBinaryNames},
		{"the largest values", testLargest},
		{"users change", testUserChanges},
		{"users in pages", testUserPages},
		{"administrators", testAdministrators},
		{"times of use", testUses},
		{"what was done with a credential", testLeaks},
		{"what is unused, expires or is shared", testHygiene},
		{"clients", testClients},
		{"clients change", testClientChanges},
		{"roles", testRoles},
		{"what comes with a role", testHeldWithRole},
		{"audiences", testAudiences},
		{"audit", testAudit},
		{"events are sealed", testSealEvents},
		{"events are sealed once among many", testSealEventsParallel},
		{"the audit is cut", testCutAudit},
		{"one namespace of ids", testNamespace},
		{"rehash does not undo a change", testRehash},
		{"sessions", testSessions},
		{"sessions in pages", testSessionPages},
		{"sessions end", testEndSessions},
		{"sessions end with their epoch", testEpoch},
		{"sessions are pruned", testPruneSessions},
		{"revocations", testRevocations},
		{"refresh tokens are used once", testUseRefresh},
		{"refresh tokens are used once among fifty", testUseRefreshParallel},
		{"attempts are counted", testThrottles},
		{"attempts are counted among fifty", testThrottlesParallel},
		{"familiar addresses", testFamiliar},
		{"throttles in pages", testThrottlePages},
		{"throttles are pruned", testPruneThrottles},
		{"leases", testLeases},
		{"leases have one holder among twenty", testLeasesParallel},
		{"secrets", testSecrets},
		{"sealed values", testSealedValues},
		{"assertions are spent once", testAssertions},
		{"assertions are spent once among fifty", testAssertionsParallel},
		{"signing keys", testSigningKeys},
		{"signing keys change", testSigningKeyChanges},
		{"signing keys cover longer tokens", testKeysCoverTokens},
		{"signing keys may come back", testKeyComesBack},
		{"signing keys cover lifetimes of their own", testKeysCoverOwnLifetimes},
		{"superseded keys are destroyed", testDestroyKeys},
		{"follower", testFollower},
		{"follower after a change of its own", testFollowerChanged},
		{"follower after a long absence", testFollowerStartsOver},
		{"cache does not keep what was overtaken", testCacheOvertaken},
		{"cache drops on roles", testCacheDropsOnRole},
		{"follower is away with the database", testFollowerAway},
	} {
		t.Run(part.name, func(t *testing.T) {
			h := newHarness(t, create(t))
			h.another = create
			part.test(t, h)
		})
	}
}

// harness is one test's database and clock.
type harness struct {
	t     *testing.T
	open  Database
	clock *Clock
	// another makes a database for a test within the test.
	another func(t *testing.T) Database
}

func newHarness(t *testing.T, open Database) *harness {
	return &harness{t: t, open: open, clock: NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
}

// node opens a handle that lives as long as the test.
func (h *harness) node() *store.DB {
	h.t.Helper()
	db, err := h.open(h.clock.Now)
	check(h.t, err)
	h.t.Cleanup(func() { check(h.t, db.Close()) })
	return db
}

// migrated is a node with the schema in place.
func (h *harness) migrated() *store.DB {
	h.t.Helper()
	db := h.node()
	check(h.t, db.Exclusively(h.t.Context(), func() error {
		_, err := db.Migrate(h.t.Context())
		return err
	}))
	return db
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, err error, kind identity.Kind) {
	t.Helper()
	if err == nil || identity.KindOf(err) != kind {
		t.Fatalf("got error %v, want kind %s", err, kind)
	}
}

// together runs fn n times at once and returns when all are done.
func together(n int, fn func(i int)) {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	ready.Add(n)
	for i := range n {
		done.Go(func() {
			ready.Done()
			<-start
			fn(i)
		})
	}
	ready.Wait()
	close(start)
	done.Wait()
}

func (h *harness) user(name string) identity.User {
	now := h.clock.Now()
	return identity.User{
		ID: identity.NewID(now), Username: name, PasswordHash: "hash of " + name, Enabled: true,
		Permissions: []string{"b", "a", "b"}, Audiences: []string{identity.AnyAudience}, Metadata: "{}", Version: 1,
		Roles: identity.Roles{Names: []string{}, Permissions: []string{}}, CreatedAt: now, UpdatedAt: now,
	}
}

func (h *harness) client(id string) identity.Client {
	now := h.clock.Now()
	return identity.Client{
		ID: id, Name: "The " + id, Enabled: true, Require: identity.ProofSecret | identity.ProofSignature, StaticSignature: true,
		Permissions: []string{"p"}, Audiences: []string{"x", "y"},
		AuthMethod: identity.AuthSecretPost, AssertionAlgorithm: "PS256", AssertionAudience: identity.AssertionForTokenEndpoint, JWKSURI: "https://" + id + ".test/jwks",
		Secrets:  []identity.ClientSecret{{ID: identity.NewSecretID(), Hash: "hash", Chosen: true, Label: "first", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}},
		Keys:     []identity.ClientKey{{ID: identity.NewID(now), KID: "kid of " + id, JWK: `{"kty":"OKP"}`, Label: "key", CreatedAt: now}},
		Metadata: "{}", Version: 1, Roles: identity.Roles{Names: []string{}, Permissions: []string{}}, TokenExpiration: time.Minute,
		CreatedAt: now, UpdatedAt: now,
	}
}

func (h *harness) key(kid string, activates time.Time) identity.SigningKey {
	h.t.Helper()
	sealed, err := identity.NewSealed("wrapper", "gAAAAA-test", make([]byte, 64))
	check(h.t, err)
	return identity.SigningKey{KID: kid, Algorithm: "ES256", Default: true, PublicJWK: `{}`, Private: sealed, CreatedAt: h.clock.Now(), ActivatesAt: activates}
}

func names[T any](list []T, name func(T) string) string {
	var s strings.Builder
	for _, v := range list {
		s.WriteString(name(v) + " ")
	}
	return s.String()
}
