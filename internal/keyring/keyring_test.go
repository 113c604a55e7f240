package keyring_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"log/slog"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to look at the file, and to damage it, from beside the ring

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
	"github.com/seed-60f9e3ad/identity/internal/store/storetest"
)

const (
	lifetime = 900 * time.Second
	// soon is when an imported key has taken over at the latest.
	soon = 2 * time.Second
)

// node is a ring with the handle on the database that it works on.
type node struct {
	*testing.T
	*keyring.Ring
	db       *store.DB
	follower *store.Follower
	log      *buffer
	keys     string
	path     string
	clock    *storetest.Clock
}

// first starts an installation whose first key is for the algorithm.
func first(t *testing.T, algorithm jose.Algorithm) *node {
	t.Helper()
	at := storetest.NewClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	n := open(t, filepath.Join(t.TempDir(), "identity.db"), seal.GenerateKey().Reveal(), at)
	_, err := n.db.Migrate(t.Context())
	n.must(err)
	n.change(func(tx *store.DB) error {
		if err := tx.InsertConfiguration(n.Context(), identity.DefaultConfiguration("https://id.test")); err != nil {
			return err
		}
		_, err := n.Create(n.Context(), tx, algorithm)
		return err
	})
	return n
}

// open opens one more node on a database file.
func open(t *testing.T, path, keys string, at *storetest.Clock) *node {
	t.Helper()
	n := &node{T: t, log: &buffer{}, keys: keys, path: path, clock: at}
	var err error
	n.db, err = store.Open(store.Config{Path: path, Now: at.Now})
	n.must(err)
	t.Cleanup(func() { _ = n.db.Close() })
	logger := slog.New(slog.NewJSONHandler(n.log, nil))
	n.follower = n.db.Follow(logger)
	n.Ring, err = keyring.New(keyring.Config{DB: n.db, Follower: n.follower, Sealer: sealer(t, keys), Logger: logger})
	n.must(err)
	return n
}

// again opens a second node on the same database, as a restart would.
func (n *node) again() *node {
	n.Helper()
	return open(n.T, n.path, n.keys, n.clock)
}

func sealer(t *testing.T, list string) *seal.Sealer {
	t.Helper()
	keys, err := seal.ParseKeys(list)
	if err != nil {
		t.Fatal(err)
	}
	wrappers := make([]seal.KeyWrapper, len(keys))
	for i, k := range keys {
		wrappers[i] = k
	}
	s, err := seal.New(wrappers...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// change makes an administrative write, which holds for this node at once.
func (n *node) change(fn func(tx *store.DB) error) {
	n.Helper()
	n.must(n.db.Change(n.Context(), fn))
	n.must(n.follower.Poll(n.Context()))
}

// imported imports a key.
func (n *node) imported(private jose.PrivateKey) (key keyring.Key) {
	n.Helper()
	n.change(func(tx *store.DB) error {
		var err error
		key, err = n.Import(n.Context(), tx, private)
		return err
	})
	return key
}

// replaced imports a key and waits until it signs.
func (n *node) replaced(private jose.PrivateKey) {
	n.Helper()
	n.imported(private)
	n.clock.Move(soon)
}

// setLifetime changes how long tokens live.
func (n *node) setLifetime(d time.Duration) {
	n.Helper()
	n.change(func(tx *store.DB) error {
		cfg, err := tx.Configuration(n.Context())
		if err != nil {
			return err
		}
		cfg.Expiration = d
		return tx.UpdateConfiguration(n.Context(), cfg)
	})
}

// sign signs something and returns it with what its header says.
func (n *node) sign() (token, kid string, algorithm jose.Algorithm) {
	n.Helper()
	token, err := n.Sign(n.Context(), "", []byte(`{"sub":"somebody"}`))
	n.must(err)
	m, err := jose.Parse(token, jose.SigningAlgorithms())
	n.must(err)
	if m.Type() != "at+jwt" {
		n.Errorf("typ %q", m.Type())
	}
	return token, m.KID(), m.Algorithm()
}

// verifies reports whether a published key verifies the token.
func (n *node) verifies(token string) bool {
	n.Helper()
	m, err := jose.Parse(token, jose.SigningAlgorithms())
	n.must(err)
	key, err := n.Verifier(n.Context(), m.KID())
	if err != nil {
		n.wantKind(err, identity.InvalidToken)
		return false
	}
	_, err = m.Verify(key)
	return err == nil
}

// published returns the JWKS by key id.
func (n *node) published() map[string]map[string]string {
	n.Helper()
	jwks, err := n.JWKS(n.Context())
	n.must(err)
	var set struct{ Keys []map[string]string }
	n.must(json.Unmarshal(jwks.Body, &set))
	keys := map[string]map[string]string{}
	for _, k := range set.Keys {
		keys[k["kid"]] = k
	}
	return keys
}

func (n *node) wantPublished(when string, kids ...string) {
	n.Helper()
	got := n.published()
	for _, kid := range kids {
		if got[kid] == nil {
			n.Errorf("%s: %s is not published", when, kid)
		}
	}
	if len(got) != len(kids) {
		n.Errorf("%s: %d keys are published, want %d", when, len(got), len(kids))
	}
}

func (n *node) wantSigns(when, kid string) {
	n.Helper()
	if _, got, _ := n.sign(); got != kid {
		n.Errorf("%s: %s signs, want %s", when, got, kid)
	}
}

func (n *node) must(err error) {
	n.Helper()
	if err != nil {
		n.Fatal(err)
	}
}

func (n *node) wantKind(err error, kind identity.Kind) {
	n.Helper()
	if err == nil || identity.KindOf(err) != kind {
		n.Fatalf("got error %v, want %s", err, kind)
	}
}

// beside runs fn on a connection that has nothing to do with the node.
func (n *node) beside(fn func(ctx context.Context, db *sql.DB)) {
	n.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: n.path}).String())
	n.must(err)
	defer db.Close()
	fn(n.Context(), db)
}

// exec changes the database behind the node's back.
func (n *node) exec(query string, args ...any) {
	n.Helper()
	n.beside(func(ctx context.Context, db *sql.DB) {
		_, err := db.ExecContext(ctx, query, args...)
		n.must(err)
	})
}

// one reads one value behind the node's back.
func (n *node) one(query string, to *string, args ...any) {
	n.Helper()
	n.beside(func(ctx context.Context, db *sql.DB) { n.must(db.QueryRowContext(ctx, query, args...).Scan(to)) })
}

// rows returns all that is stored of the keys, one text per key.
func (n *node) rows() (rows []string) {
	n.Helper()
	const columns = `kid,algorithm,public_jwk,private_wrapper_id,private_data_key,private_ciphertext,created_at,activates_at,superseded_at,retires_at,tokens_until`
	query := `SELECT quote(` + strings.ReplaceAll(columns, ",", `)||','||quote(`) + `) FROM signing_keys ORDER BY kid`
	n.beside(func(ctx context.Context, db *sql.DB) {
		result, err := db.QueryContext(ctx, query)
		n.must(err)
		defer result.Close()
		for result.Next() {
			var row string
			n.must(result.Scan(&row))
			rows = append(rows, row)
		}
		n.must(result.Err())
	})
	return rows
}

func (n *node) wantRows(when string, want []string) {
	n.Helper()
	if !slices.Equal(n.rows(), want) {
		n.Errorf("%s: what is stored of the keys has changed", when)
	}
}

// generate makes a private key.
func generate(t *testing.T, algorithm jose.Algorithm) jose.PrivateKey {
	t.Helper()
	key, err := jose.GeneratePrivateKey(algorithm)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// buffer is a log that may be written while a test reads it.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
