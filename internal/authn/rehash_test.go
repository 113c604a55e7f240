package authn_test

import (
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const defaultHash = "$argon2id$v=19$m=19456,t=2,p=1$"

// A hash that is weaker than today's is replaced when its password is at hand: at
// a success, never at a failure, and once.
func TestWeakPasswordHashIsReplaced(t *testing.T) {
	b := newBench(t, identitytest.Options{Hashing: argon2.Config{Params: argon2.DefaultParams()}})
	for _, password := range []string{"weak", "argon2i"} { // m=8, and another variant
		t.Run(password, func(t *testing.T) {
			id := b.AddUser("user-"+password, "a password of no matter").ID
			weak := vector(t, password)
			b.Change("user", id, `UPDATE users SET password_hash = ? WHERE id = ?`, weak, id)
			stored := func() string { return b.passwordHash("user-" + password) }

			refused(t, b.login("user-"+password, password+"x"), "wrong password")
			if stored() != weak {
				t.Fatal("a failure changed the hash")
			}
			if hashes, _ := b.work(func() { accepted(t, b.login("user-"+password, password)) }); hashes != 2 {
				t.Errorf("%d hashes, want one to verify and one to replace", hashes)
			}
			renewed := stored()
			if !strings.HasPrefix(renewed, defaultHash) {
				t.Fatal("the weak hash was not replaced by one of the default form")
			}
			if hashes, _ := b.work(func() { accepted(t, b.login("user-"+password, password)) }); hashes != 1 || stored() != renewed {
				t.Errorf("%d hashes at the next success, want 1 and the hash unchanged", hashes)
			}
			refused(t, b.login("user-"+password, "a password of no matter"), "wrong password")
		})
	}
}

func TestWeakPasswordHashOfDisabledUserStays(t *testing.T) {
	b := newBench(t)
	id := b.AddUser("off", "a password of no matter").ID
	b.Change("user", id, `UPDATE users SET password_hash = ? WHERE id = ?`, vector(t, "weak"), id)
	b.DisableUser(id)
	refused(t, b.login("off", "weak"), "is disabled")
	if b.passwordHash("off") != vector(t, "weak") {
		t.Error("a refused login changed the hash")
	}
}

// The same for secrets of machines, where every required proof must have held.
func TestWeakSecretHashIsReplaced(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	b.AddClient(newBoth("both", key.Public().PEM()))
	weak := vector(t, "weak")
	b.Change("client", "both", `UPDATE client_secrets SET secret_hash = ?, chosen = 1 WHERE client_id = 'both'`, weak)
	spent := b.Assertion(key, "both")
	stored := func() string {
		t.Helper()
		client, err := b.Installation.DB.Client(t.Context(), "both")
		if err != nil {
			t.Fatal(err)
		}
		return client.Secrets[0].Hash
	}

	refused(t, b.present("both", ptr("wrong"), ptr(b.Assertion(key, "both"))), "wrong secret")
	refused(t, b.present("both", ptr("weak"), nil), "must present a signature")
	refused(t, b.present("both", ptr("weak"), ptr(b.Assertion(b.Key(jose.ES256), "both"))), "not signed")
	if stored() != weak {
		t.Fatal("a failure changed the hash")
	}
	accepted(t, b.present("both", ptr("weak"), &spent))
	renewed := stored()
	if renewed == weak || !strings.HasPrefix(renewed, "$argon2id$v=19$m=64,") {
		t.Fatal("the weak hash was not replaced")
	}
	accepted(t, b.present("both", ptr("weak"), ptr(b.Assertion(key, "both"))))
	b.authn = b.another() // which knows only the new hash
	accepted(t, b.present("both", ptr("weak"), ptr(b.Assertion(key, "both"))))
	refused(t, b.present("both", ptr("wrong"), ptr(b.Assertion(key, "both"))), "wrong secret")
	if stored() != renewed {
		t.Error("a hash that is strong enough was replaced")
	}

	// Right secret, replayed assertion: a refusal, with the cost of one.
	b.Change("client", "both", `UPDATE client_secrets SET secret_hash = ? WHERE client_id = 'both'`, weak)
	hashes, _ := b.work(func() { refused(t, b.present("both", ptr("weak"), &spent), "used before") })
	if hashes != 1 || stored() != weak {
		t.Errorf("a replay with the right secret computed %d hashes, want 1 and the hash left alone", hashes)
	}
}

// A hash that must not be verified refuses its principal and nobody else.
func TestUnusableHashRefusesItsOwnerOnly(t *testing.T) {
	b := newBench(t)
	id := b.AddUser("old", "a password of no matter").ID
	b.AddUser("alice", "alice's password")
	b.AddClient(admin.NewClient{ID: "old-client"})
	for _, hash := range []string{
		vector(t, "argon2d"), "", "plaintext", "$2b$12$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"$argon2id$v=19$m=4294967295,t=4294967295,p=255$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA",
	} {
		b.Change("user", id, `UPDATE users SET password_hash = ? WHERE id = ?`, hash, id)
		b.Change("client", "old-client", `UPDATE client_secrets SET secret_hash = ?, chosen = 1 WHERE client_id = 'old-client'`, hash)
		for _, password := range []string{"argon2d", hash, "plaintext", ""} {
			refused(t, b.login("old", password), "wrong password")
			refused(t, b.present("old-client", &password, nil), "wrong secret")
		}
		if b.passwordHash("old") != hash {
			t.Error("a hash that cannot be verified was replaced")
		}
		accepted(t, b.login("alice", "alice's password"))
	}
	if !strings.Contains(b.Log.String(), "a stored hash cannot be used") {
		t.Error("the log does not say that a stored hash cannot be used")
	}
	b.WantNoCanary("$2b$12$")
	b.WantNoCanary("m=4294967295")
	b.WantNoCanary(vector(t, "argon2d")[30:])
}

func (b *bench) passwordHash(username string) string {
	b.t.Helper()
	user, err := b.Installation.DB.UserByName(b.t.Context(), username)
	if err != nil {
		b.t.Fatal(err)
	}
	return user.PasswordHash
}
