package faults_test

import (
	"encoding/pem"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
)

// importKey gives the service a new key of its own, and returns the key id.
func importKey(t *testing.T, admin *faults.Client) string {
	t.Helper()
	key := must(jose.GeneratePrivateKey(jose.ES256))(t)
	text := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))
	must(0, admin.Write(t.Context(), "key.import", key.Public().KID(), http.MethodPatch, "/api/configuration", api.ConfigurationUpdate{PrivateKey: &text}, nil))(t)
	return key.Public().KID()
}

// signedBy is the key id in a token's header.
func signedBy(t *testing.T, token string) string {
	t.Helper()
	return must(jose.Parse(token, jose.SigningAlgorithms()))(t).KID()
}

// TestEncryptionKey starts nodes with encryption keys that are not those of the
// database: they refuse, and change nothing.
func TestEncryptionKey(t *testing.T) {
	onEach(t, func(d *database) {
		right, other := d.settings["ENCRYPTION_KEY"], seal.GenerateKey().Reveal()
		node := d.ready()
		p := d.people(node)
		token := must(p.public.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token
		must(0, node.Terminate())(d.T)

		db := d.open()
		columns := d.columns(db)
		before := d.rows(db, columns)
		wrong := map[string]string{"missing": "", "short": right[:40], "wrong": other, "wrong, several": other + "," + seal.GenerateKey().Reveal(), "garbage": "********"}
		for name, key := range wrong {
			out, err := d.run(map[string]string{"ENCRYPTION_KEY": key, "HOST": "127.0.0.1", "PORT": "0"}, "serve")
			if err == nil || !strings.Contains(out, "ENCRYPTION_KEY") || strings.Contains(out, `"listening"`) {
				d.Errorf("%s: %v\n%s", name, err, out)
			}
			if key != "" && strings.Contains(out, key) {
				d.Errorf("%s: the key is in what it says", name)
			}
			if after := d.rows(db, columns); !reflect.DeepEqual(before, after) {
				d.Fatalf("%s: it changed the database from\n%v\nto\n%v", name, before, after)
			}
		}

		// A list: all open, and the first one seals.
		d.settings["ENCRYPTION_KEY"] = other + "," + right
		node = d.ready()
		if found := bearer(d.T, node, token); found != http.StatusOK {
			d.Errorf("a token from before the rotation: %d", found)
		}
		wrappers := func() int { return one[int](d, db, `SELECT COUNT(DISTINCT private_wrapper_id) FROM signing_keys`) }
		if n := wrappers(); n != 1 {
			d.Errorf("after the start with two keys, %d of them have sealed something", n)
		}
		importKey(d.T, d.administrator(node, newLedger(d.T)))
		if n := wrappers(); n != 2 {
			d.Errorf("after an import under the new key, %d have sealed something, want 2", n)
		}
		d.settings["ENCRYPTION_KEY"] = right
		if out, err := d.run(map[string]string{"HOST": "127.0.0.1", "PORT": "0"}, "serve"); err == nil || !strings.Contains(out, "ENCRYPTION_KEY") {
			d.Errorf("without the key that sealed last: %v\n%s", err, out)
		}
	})
}

// TestTwoEncryptionKeys starts two nodes with different keys on an empty database: one of
// them begins it, the other one refuses.
func TestTwoEncryptionKeys(t *testing.T) {
	onEach(t, func(d *database) {
		nodes := []*faults.Process{d.start(nil), d.start(map[string]string{"ENCRYPTION_KEY": seal.GenerateKey().Reveal()})}
		ready, refused := 0, 0
		for _, node := range nodes {
			if _, err := node.Ready(readyEver); err == nil {
				ready++
				d.administrator(node, newLedger(d.T))
			} else if strings.Contains(node.Stderr(), "ENCRYPTION_KEY") && node.Wait() != nil {
				refused++
			}
		}
		if ready != 1 || refused != 1 {
			d.Errorf("%d are ready and %d have refused, want 1 and 1", ready, refused)
		}
		if n := one[int](d, d.open(), `SELECT COUNT(*) FROM signing_keys`); n != 1 {
			d.Errorf("there are %d keys", n)
		}
	})
}

// TestDamagedKey damages what is stored of the key that signs: it signs no more, and
// nothing takes its place; what it signed can be verified.
func TestDamagedKey(t *testing.T) {
	onEach(t, func(d *database) {
		node := d.ready()
		p := d.people(node)
		former := must(p.public.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token
		kid := importKey(d.T, p.admin)
		var last string
		within(d.T, readyEver, "the new key signs", func() bool {
			last = must(p.public.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token
			return signedBy(d.T, last) == kid
		})
		keys := get(d.T, node.URL(), "/.well-known/jwks.json").body

		db := d.open()
		whole := one[[]byte](d, db, `SELECT private_ciphertext FROM signing_keys WHERE kid = ?`, kid)
		others := one[[]byte](d, db, `SELECT private_ciphertext FROM signing_keys WHERE kid <> ?`, kid)
		flipped := append([]byte{}, whole...)
		flipped[len(flipped)/2] ^= 1
		for name, damage := range map[string]func(){
			"a bit":     func() { d.keep(kid, flipped) },
			"truncated": func() { d.keep(kid, whole[:len(whole)/2]) },
			"swapped": func() {
				d.keep(kid, others)
				d.exec(db, `UPDATE signing_keys SET private_ciphertext = ? WHERE kid <> ?`, whole, kid)
			},
		} {
			damage()
			must(0, node.Restart())(d.T)
			d.quarantined(name, node, p, keys)
			for which, token := range map[string]string{"former": former, "last": last} {
				if found := bearer(d.T, node, token); found != http.StatusOK {
					d.Errorf("%s: the token under the %s key: %d", name, which, found)
				}
			}
		}
		d.keep(kid, whole)
		must(0, node.Restart())(d.T)
		must(node.Ready(readyEver))(d.T)
		if token := must(p.public.Login(d.Context(), "admin", adminPassword, ""))(d.T).Token; signedBy(d.T, token) != kid {
			d.Error("the key that was mended does not sign")
		}
	})
}

// keep stores the private half of a key.
func (d *database) keep(kid string, ciphertext []byte) {
	d.Helper()
	d.exec(d.open(), `UPDATE signing_keys SET private_ciphertext = ? WHERE kid = ?`, ciphertext, kid)
}

// quarantined expects a node that issues nothing and publishes all keys.
func (d *database) quarantined(name string, node *faults.Process, p *people, keys string) {
	d.Helper()
	within(d.T, readyEver, "it listens", func() bool { return node.URL() != "" })
	_, err := p.public.Login(d.Context(), "ann", firstPassword, "shop")
	if status(err) != http.StatusServiceUnavailable {
		d.Errorf("%s: login: %v, want 503", name, err)
	}
	if _, err = p.public.Token(d.Context(), faults.Secret("shop", p.secret), "shop"); status(err) != http.StatusServiceUnavailable {
		d.Errorf("%s: token: %v, want 503", name, err)
	}
	if found := get(d.T, node.URL(), "/readyz"); found.status != http.StatusServiceUnavailable {
		d.Errorf("%s: readyz answers %d", name, found.status)
	}
	if found := get(d.T, node.URL(), "/.well-known/jwks.json"); found.body != keys {
		d.Errorf("%s: the keys are %s, want %s", name, found.body, keys)
	}
	if !strings.Contains(node.Stderr(), "quarantined") {
		d.Errorf("%s: the log does not say so", name)
	}
	if n := one[int](d, d.open(), `SELECT COUNT(*) FROM signing_keys`); n != 2 {
		d.Errorf("%s: there are %d keys, want 2", name, n)
	}
}
