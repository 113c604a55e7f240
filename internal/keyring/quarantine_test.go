package keyring_test

import (
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// damaged is an installation with a former key, whose private half is still
// there, and an active one, about to be damaged.
type damaged struct {
	*node
	former, active           jose.PrivateKey
	formerToken, activeToken string
}

func beforeDamage(t *testing.T) damaged {
	t.Helper()
	d := damaged{node: first(t, jose.ES256), former: generate(t, jose.ES256), active: generate(t, jose.ES256)}
	d.replaced(d.former)
	d.formerToken, _, _ = d.sign()
	d.replaced(d.active)
	d.activeToken, _, _ = d.sign()
	d.exec(`DELETE FROM signing_keys WHERE kid NOT IN (?, ?)`, d.formerKID(), d.activeKID())
	return d
}

func (d damaged) formerKID() string { return d.former.Public().KID() }
func (d damaged) activeKID() string { return d.active.Public().KID() }

// set changes a column of the active key's row.
func (d damaged) set(column string, value any) {
	d.Helper()
	d.exec(`UPDATE signing_keys SET `+column+` = ? WHERE kid = ?`, value, d.activeKID())
}

// get reads a column of the active key's row.
func (d damaged) get(column string) (value string) {
	d.Helper()
	d.one(`SELECT `+column+` FROM signing_keys WHERE kid = ?`, &value, d.activeKID())
	return value
}

func (d damaged) ciphertext() []byte {
	d.Helper()
	b, err := hex.DecodeString(d.get("hex(private_ciphertext)"))
	d.must(err)
	return b
}

// swap exchanges columns between the two rows.
func (d damaged) swap(columns ...string) {
	d.Helper()
	for _, c := range columns {
		d.exec(`CREATE TABLE swapped AS SELECT kid, ` + c + ` AS v FROM signing_keys`)
		d.exec(`UPDATE signing_keys AS k SET ` + c + ` = (SELECT v FROM swapped WHERE kid <> k.kid)`)
		d.exec(`DROP TABLE swapped`)
	}
}

// A damaged value takes one key out of service and nothing else. The
// first rule of keeping keys is never to replace one that cannot be read.
func TestQuarantine(t *testing.T) {
	flip := func(b []byte, i int) []byte {
		b = slices.Clone(b)
		b[i] ^= 1
		return b
	}
	for _, tc := range []struct {
		name   string
		damage func(d damaged)
		// published reports whether the public half is still trusted: it is
		// when only the private half is damaged.
		published bool
	}{
		{"a bit of the nonce", func(d damaged) { d.set("private_ciphertext", flip(d.ciphertext(), 0)) }, true},
		{"a bit of the ciphertext", func(d damaged) { d.set("private_ciphertext", flip(d.ciphertext(), 40)) }, true},
		{"a bit of the tag", func(d damaged) { b := d.ciphertext(); d.set("private_ciphertext", flip(b, len(b)-1)) }, true},
		{"ciphertext cut by a byte", func(d damaged) { b := d.ciphertext(); d.set("private_ciphertext", b[:len(b)-1]) }, true},
		{"ciphertext cut to the nonce", func(d damaged) { d.set("private_ciphertext", d.ciphertext()[:12]) }, true},
		{"ciphertext gone", func(d damaged) { d.set("private_ciphertext", []byte{}) }, true},
		{"a character of the data key", func(d damaged) {
			token := []byte(d.get("private_data_key"))
			token[50] = map[bool]byte{true: 'B', false: 'A'}[token[50] == 'A']
			d.set("private_data_key", string(token))
		}, true},
		{"data key cut", func(d damaged) { d.set("private_data_key", d.get("private_data_key")[:60]) }, true},
		{"data key gone", func(d damaged) { d.set("private_data_key", "") }, true},
		{"data key is text", func(d damaged) { d.set("private_data_key", "not a token") }, true},
		{"all gone", func(d damaged) {
			d.set("private_ciphertext", []byte{})
			d.set("private_data_key", "")
			d.set("private_wrapper_id", "")
		}, true},
		{"ciphertexts swapped", func(d damaged) { d.swap("private_ciphertext") }, true},
		{"data keys swapped", func(d damaged) { d.swap("private_data_key") }, true},
		{"private halves swapped", func(d damaged) { d.swap("private_ciphertext", "private_data_key") }, true},
		{"public half of another key", func(d damaged) {
			other, err := generate(d.T, jose.ES256).Public().Bind(jose.ES256)
			d.must(err)
			d.set("public_jwk", other.JWK())
		}, false},
		{"public half of another kind", func(d damaged) {
			other, err := generate(d.T, jose.EdDSA).Public().Bind(jose.EdDSA)
			d.must(err)
			d.set("public_jwk", other.JWK())
		}, false},
		{"public half is text", func(d damaged) { d.set("public_jwk", "not a key") }, false},
		{"public half without algorithm", func(d damaged) { d.set("public_jwk", d.active.Public().JWK()) }, false},
		{"another algorithm", func(d damaged) { d.set("algorithm", "ES384") }, false},
		{"no algorithm", func(d damaged) { d.set("algorithm", "none") }, false},
		{"another key id", func(d damaged) { d.set("kid", strings.Repeat("A", 43)) }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			d := beforeDamage(t)
			secrets := d.secrets()
			tc.damage(d)
			stored := d.rows()
			n := d.again()

			_, err := n.Sign(t.Context(), "", []byte(`{}`))
			n.wantKind(err, identity.Unavailable)
			_, err = n.Active(t.Context())
			n.wantKind(err, identity.Unavailable)
			if !n.verifies(d.formerToken) {
				t.Error("the other key verifies no more")
			}
			if n.verifies(d.activeToken) != tc.published {
				t.Errorf("tokens of the damaged key verify: %v", !tc.published)
			}
			if tc.published {
				n.wantPublished("damaged", d.formerKID(), d.activeKID())
			} else {
				n.wantPublished("damaged", d.formerKID())
			}
			n.wantRows("after all that", stored)
			n.wantQuarantineLogged(secrets)

			if tc.name == "another key id" {
				return // the former row stands beside whatever is imported
			}
			n.replaced(d.active)
			n.wantSigns("the same key imported again", d.activeKID())
			if !n.verifies(d.activeToken) || !n.verifies(d.formerToken) {
				t.Error("cured, but a token does not verify")
			}
		})
	}
}

// A private half that opens, but belongs to another public half, does not sign:
// nobody could verify it. Nor is the public half published.
func TestPrivateHalfOfAnotherKey(t *testing.T) {
	d := beforeDamage(t)
	other := generate(t, jose.ES256)
	sealed, err := sealer(t, d.keys).Seal(other.PKCS8(), seal.Place{Table: "signing_keys", Column: "private", Row: d.activeKID(), Version: 1})
	d.must(err)
	d.set("private_data_key", sealed.DataKey())
	d.set("private_ciphertext", sealed.Ciphertext())
	n := d.again()
	_, err = n.Sign(t.Context(), "", []byte(`{}`))
	n.wantKind(err, identity.Unavailable)
	n.wantPublished("private half of another key", d.formerKID())
}

// A key that is damaged before its turn does not stop the one that signs.
func TestDamagedNextKey(t *testing.T) {
	n := first(t, jose.ES256)
	_, old, _ := n.sign()
	next := n.imported(generate(t, jose.ES256))
	n.exec(`UPDATE signing_keys SET private_ciphertext = x'00' WHERE kid = ?`, next.KID)
	n = n.again()
	n.wantSigns("before the takeover", old)
	n.clock.Move(soon)
	_, err := n.Sign(t.Context(), "", []byte(`{}`)) // the former key does not step in
	n.wantKind(err, identity.Unavailable)
}

// secrets are the forms in which key material could get into a log.
func (d damaged) secrets() []string {
	d.Helper()
	var list []string
	for _, b := range [][]byte{d.active.PKCS8()[36:68], d.former.PKCS8()[36:68], d.ciphertext()[:24]} {
		list = append(list, base64.StdEncoding.EncodeToString(b)[:20], base64.RawURLEncoding.EncodeToString(b)[:20], hex.EncodeToString(b))
	}
	return append(list, d.get("private_data_key")[:40], d.keys[:20])
}

func (n *node) wantQuarantineLogged(secrets []string) {
	n.Helper()
	log := n.log.String()
	if !strings.Contains(log, `"level":"ERROR"`) || !strings.Contains(log, "quarantined") {
		n.Error("the quarantine is not in the log")
	}
	for _, s := range secrets {
		if strings.Contains(log, s) {
			n.Error("the log has key material")
		}
	}
}

func TestCheck(t *testing.T) {
	former, other := seal.GenerateKey().Reveal(), seal.GenerateKey().Reveal()
	n := first(t, jose.ES256)
	stored := n.rows()
	for _, tc := range []struct {
		name, keys string
		good       bool
	}{
		{"the key", n.keys, true},
		{"the key behind a newer one", other + "," + n.keys, true},
		{"the key before another", n.keys + "," + other, true},
		{"another key", other, false},
		{"other keys", former + "," + other, false},
	} {
		err := keyring.Check(t.Context(), n.db, sealer(t, tc.keys))
		if (err == nil) != tc.good {
			t.Errorf("%s: %v", tc.name, err)
		}
		if err != nil && (!strings.Contains(err.Error(), "ENCRYPTION_KEY") || strings.Contains(err.Error(), other[:20])) {
			t.Errorf("%s: the error does not say what to do, or says too much", tc.name)
		}
		n.wantRows(tc.name, stored)
		if !tc.good {
			continue
		}
		_, err = open(t, n.path, tc.keys, n.clock).Sign(t.Context(), "", []byte(`{}`))
		n.must(err)
	}

	// The first key encrypts what is new.
	rotated := open(t, n.path, other+","+n.keys, n.clock)
	rotated.replaced(generate(t, jose.ES256))
	rotated.clock.Move(time.Minute)
	rotated.must(rotated.Upkeep(t.Context()))
	n.must(keyring.Check(t.Context(), n.db, sealer(t, other)))
}

// One damaged value is no reason not to start.
func TestCheckLetsDamageThrough(t *testing.T) {
	d := beforeDamage(t)
	d.set("private_ciphertext", d.ciphertext()[:30])
	d.must(keyring.Check(t.Context(), d.db, sealer(t, d.keys)))
}

func TestNewNeedsAll(t *testing.T) {
	n := first(t, jose.ES256)
	whole := keyring.Config{DB: n.db, Follower: n.follower, Sealer: sealer(t, n.keys), Logger: slog.New(slog.DiscardHandler)}
	for name, take := range map[string]func(*keyring.Config){
		"database": func(c *keyring.Config) { c.DB = nil },
		"follower": func(c *keyring.Config) { c.Follower = nil },
		"sealer":   func(c *keyring.Config) { c.Sealer = nil },
		"logger":   func(c *keyring.Config) { c.Logger = nil },
	} {
		cfg := whole
		take(&cfg)
		if _, err := keyring.New(cfg); err == nil {
			t.Errorf("made without its %s", name)
		}
	}
}
