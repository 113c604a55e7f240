package authn_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// What a refusal costs follows from the shape of the request. Every principal that
// can be named, for better or worse, is named in requests of every shape.
func TestRefusalsCostTheSameWhoeverIsNamed(t *testing.T) {
	b := newBench(t)
	_, key := original(t)
	wrongKey := b.Key(jose.ES256)
	secrets := map[string]string{}
	add := func(id string, require ...string) {
		_, secrets[id] = b.AddClient(admin.NewClient{
			ID: id, GenerateSecret: true, PublicKey: key.Public().PEM(), Require: require,
			StaticSignature: slices.Contains(require, "signature"),
		})
	}
	add("secret", "secret")
	add("signature", "signature")
	add("both", "secret", "signature")
	add("proven", "secret", "signature")
	add("expired", "secret")
	add("argon2d", "secret")
	add("disabled", "secret", "signature")
	_, secrets["no-key"] = b.AddClient(admin.NewClient{ID: "no-key"})
	b.keyClient("no-secret", b.Key(jose.EdDSA).Public().PEM())
	b.keyClient("not-static", key.Public().PEM())
	b.Change("client", "expired", `UPDATE client_secrets SET expires_at = 1 WHERE client_id = 'expired'`)
	b.Change("client", "argon2d", `UPDATE client_secrets SET secret_hash = ? WHERE client_id = 'argon2d'`, vector(t, "argon2d"))
	b.DisableClient("disabled")
	secrets["unknown"] = secrets["both"]
	accepted(t, b.present("proven", ptr(secrets["proven"]), ptr(b.Assertion(key, "proven"))))
	spent := map[string]string{}
	for id := range secrets {
		spent[id] = b.Assertion(key, id)
		_ = b.present(id, ptr(secrets[id]), ptr(spent[id])) // so that it is spent, where it is good
	}

	for _, id := range []string{"unknown", "secret", "signature", "both", "proven", "expired", "argon2d", "disabled", "no-key", "no-secret", "not-static", ""} {
		right := secrets[id]
		chosen := "a secret of another form"
		presentable := map[string]*string{
			"none": nil, "wrong": &chosen, "mistyped": ptr(mistyped(secrets["both"])), "of another client": ptr(secrets["no-key"]),
			"empty": ptr(""), "right": &right, "long": ptr(strings.Repeat("x", 60_000)),
		}
		signatures := map[string]*string{
			"none": nil, "wrong key": ptr(b.Assertion(wrongKey, id)), "replayed": ptr(spent[id]), "wrong claims": ptr(b.Assertion(key, id, claims{"aud": "x"})),
			"access token": ptr(forge(t, key, `{"alg":"RS256","typ":"at+jwt"}`, b.claims(id, nil))), "unknown kid": ptr(forge(t, key, `{"alg":"RS256","kid":"x"}`, b.claims(id, nil))),
			"static": ptr(pss(t, key, "somebody")), "short static": ptr("AAAA"), "good": ptr(b.Assertion(key, id)),
			"garbage": ptr("garbage"), "empty": ptr(""), "alg none": ptr(b64(`{"alg":"none"}`) + ".." + "AA"),
		}
		for secretName, secret := range presentable {
			for signatureName, signature := range signatures {
				var err error
				hashes, verifications := b.work(func() { err = b.present(id, secret, signature) })
				if err == nil {
					if signatureName == "good" { // it is spent; the next secret gets a new one
						signatures["good"] = ptr(b.Assertion(key, id))
					}
					continue
				}
				want := [2]uint64{}
				if secret != nil {
					want[0] = 1
				}
				if signature != nil && *signature != "" && !slices.Contains([]string{"garbage", "alg none"}, signatureName) {
					want[1] = 1 // unreadable text is nothing that could be verified, for anybody
				}
				if got := [2]uint64{hashes, verifications}; got != want {
					t.Errorf("client %q, secret %s, signature %s: %v hashes and verifications, want %v (%v)", id, secretName, signatureName, got, want, err)
				}
			}
		}
	}
}

// mistyped changes one character of a generated secret, so that its check fails.
func mistyped(secret string) string {
	c := "a"
	if secret[20] == 'a' {
		c = "b"
	}
	return secret[:20] + c + secret[21:]
}

// A refused login costs one Argon2id whoever is named.
func TestRefusedLoginsCostTheSame(t *testing.T) {
	b := newBench(t)
	const password = "the right password"
	for _, name := range []string{"alice", "off", "argon2d", "broken", "empty"} {
		u := b.AddUser(name, password)
		switch name {
		case "off":
			b.DisableUser(u.ID)
		case "argon2d":
			b.Change("user", u.ID, `UPDATE users SET password_hash = ? WHERE id = ?`, vector(t, "argon2d"), u.ID)
		case "broken":
			b.Change("user", u.ID, `UPDATE users SET password_hash = '$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA' WHERE id = ?`, u.ID)
		case "empty":
			b.Change("user", u.ID, `UPDATE users SET password_hash = '' WHERE id = ?`, u.ID)
		}
	}
	for _, c := range []struct{ name, username, password string }{
		{"wrong", "alice", "the wrong password"},
		{"empty password", "alice", ""},
		{"long password", "alice", strings.Repeat("x", 60_000)},
		{"unknown", "nobody", password},
		{"no name", "", password},
		{"a name that PRECIS refuses", "two words", password},
		{"long name", strings.Repeat("x", 60_000), password},
		{"disabled, right", "off", password},
		{"disabled, wrong", "off", "the wrong password"},
		{"Argon2d, right", "argon2d", "argon2d"},
		{"hash beyond the limits", "broken", password},
		{"hash beyond the limits, empty", "broken", ""},
		{"no hash", "empty", password},
		{"no hash, empty", "empty", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var err error
			hashes, verifications := b.work(func() { err = b.login(c.username, c.password) })
			refused(t, err, "")
			if hashes != 1 || verifications != 0 {
				t.Errorf("%d hashes, %d verifications, want 1 and 0", hashes, verifications)
			}
		})
	}
	// The service keeps going, and never remembers a password.
	for range 2 {
		if hashes, _ := b.work(func() { accepted(t, b.login("alice", password)) }); hashes != 1 {
			t.Errorf("a good login computed %d hashes, want 1", hashes)
		}
	}
}

// A secret that was proven costs no hash, until anything of its client changes.
func TestProvenSecretIsRemembered(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	_, secret := b.AddClient(admin.NewClient{ID: "client"})
	_, both := b.AddClient(newBoth("both", key.Public().PEM()))
	_, other := b.AddClient(admin.NewClient{ID: "other"})
	costs := func(what string, want uint64, f func()) {
		t.Helper()
		if hashes, _ := b.work(f); hashes != want {
			t.Errorf("%s computed %d hashes, want %d", what, hashes, want)
		}
	}
	succeed := func() { accepted(t, b.present("client", &secret, nil)) }
	costs("the first success", 1, succeed)
	for range 3 {
		costs("a later success", 0, succeed)
	}
	costs("a wrong secret of the right id", 1, func() { refused(t, b.present("client", ptr(swapBody(secret, other)), nil), "") })
	costs("another client's success", 1, func() { accepted(t, b.present("other", &other, nil)) })
	costs("success after a refusal", 0, succeed)
	costs("both proofs, first", 1, func() { accepted(t, b.present("both", &both, ptr(b.Assertion(key, "both")))) })
	costs("both proofs, later", 0, func() { accepted(t, b.present("both", &both, ptr(b.Assertion(key, "both")))) })

	b.Change("client", "other", `UPDATE clients SET name = 'changed' WHERE id = 'other'`)
	costs("success after another client's change", 0, succeed)
	b.Change("client", "client", `UPDATE clients SET name = 'changed' WHERE id = 'client'`)
	costs("success after a change", 1, succeed)
	costs("and then", 0, succeed)

	// Another process starts with nothing.
	b.authn = b.another()
	costs("another authenticator", 1, succeed)
}

// What memory knows ends with the secret and the client.
func TestRememberedSecretEnds(t *testing.T) {
	b := newBench(t)
	proven := func(id string) (secret string) {
		_, secret = b.AddClient(admin.NewClient{ID: id})
		accepted(t, b.present(id, &secret, nil))
		return secret
	}
	t.Run("expired", func(t *testing.T) {
		secret := proven("expiring")
		until := b.Clock.Now().Add(time.Hour)
		b.Change("client", "expiring", `UPDATE client_secrets SET expires_at = ? WHERE client_id = 'expiring'`, until.UnixMilli())
		accepted(t, b.present("expiring", &secret, nil))
		b.Clock.Move(time.Hour - time.Millisecond)
		accepted(t, b.present("expiring", &secret, nil))
		b.Clock.Move(time.Millisecond)
		refused(t, b.present("expiring", &secret, nil), "no live secret")
	})
	t.Run("deleted", func(t *testing.T) {
		secret := proven("rotated")
		b.Change("client", "rotated", `DELETE FROM client_secrets WHERE client_id = 'rotated'`)
		refused(t, b.present("rotated", &secret, nil), "no live secret")
	})
	t.Run("disabled", func(t *testing.T) {
		secret := proven("disabled")
		b.DisableClient("disabled")
		refused(t, b.present("disabled", &secret, nil), "is disabled")
		b.Change("client", "disabled", `UPDATE clients SET enabled = 1 WHERE id = 'disabled'`)
		accepted(t, b.present("disabled", &secret, nil))
	})
	t.Run("disabled elsewhere", func(t *testing.T) {
		secret := proven("elsewhere")
		b.ChangeElsewhere("client", "elsewhere", `UPDATE clients SET enabled = 0 WHERE id = 'elsewhere'`)
		const bound = time.Second
		for told := time.Now(); ; {
			began := time.Now()
			err := b.present("elsewhere", &secret, nil)
			if err != nil {
				refused(t, err, "is disabled")
				break
			}
			if began.Sub(told) > bound {
				t.Fatal("accepted a second after another node disabled the client")
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
}

// The hash that argon2-cffi made of a password.
func vector(t *testing.T, password string) string {
	t.Helper()
	var file struct {
		Vectors []struct{ Password, PHC string } `json:"argon2_cffi"`
	}
	readJSON(t, "../argon2/testdata/argon2-cffi.json", &file)
	for _, v := range file.Vectors {
		if v.Password == password {
			return v.PHC
		}
	}
	panic(fmt.Sprintf("no vector %q", password))
}
