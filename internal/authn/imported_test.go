package authn_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

type foreignVectors []struct {
	Made, Name string
	Vectors    []struct{ Password, Hash string }
}

func (b *bench) importUser(username, hash string) (identity.User, error) {
	b.t.Helper()
	return b.Installation.Admin.CreateUser(b.t.Context(), identity.LocalAdministrator("test"), admin.NewUser{
		Username: username, PasswordHash: identity.NewSecret(hash),
	})
}

// A user moves in with the hash that another system made, and the first success
// replaces it.
func TestImportedHashIsReplacedAtFirstSuccess(t *testing.T) {
	b := newBench(t)
	var groups foreignVectors
	readJSON(t, "../foreignhash/testdata/vectors.json", &groups)
	forms := map[string]bool{}
	for _, group := range groups {
		v := group.Vectors[min(2, len(group.Vectors)-1)] // one beyond ASCII where there is one
		form := group.Name + " " + strings.Split(v.Hash, "$")[0]
		if forms[form] {
			continue
		}
		forms[form] = true
		t.Run(group.Made, func(t *testing.T) {
			name := strings.ToLower(strings.NewReplacer(" ", "-", "_", "-").Replace(form)) + "x"
			if _, err := b.importUser(name, v.Hash); err != nil {
				t.Fatal(err)
			}
			before := b.passwordHash(name)
			refused(t, b.login(name, v.Password+"x"), "wrong password")
			if b.passwordHash(name) != before {
				t.Fatal("a failure changed the hash")
			}
			accepted(t, b.login(name, v.Password))
			after := b.passwordHash(name)
			if !strings.HasPrefix(after, "$argon2id$") || after == before {
				t.Fatal("the imported hash was not replaced")
			}
			if hashes, _ := b.work(func() { accepted(t, b.login(name, norm.NFD.String(v.Password))) }); hashes != 1 || b.passwordHash(name) != after {
				t.Errorf("%d hashes at the next success, want 1 and the hash unchanged", hashes)
			}
			refused(t, b.login(name, v.Password+"x"), "wrong password")
		})
	}
	if len(forms) < 10 {
		t.Errorf("only %d forms were tried", len(forms))
	}
}

// A hash from elsewhere is one of the bytes that were typed there, whatever form of
// Unicode they were in.
func TestImportedArgon2IsOfTheBytes(t *testing.T) {
	b := newBench(t)
	decomposed := norm.NFD.String("pässwörd of old")
	hash, err := b.Installation.Pool.Hash(t.Context(), argon2.Party{}, []byte(decomposed))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.importUser("ann", hash); err != nil {
		t.Fatal(err)
	}
	refused(t, b.login("ann", norm.NFC.String(decomposed)), "wrong password")
	accepted(t, b.login("ann", decomposed))
	accepted(t, b.login("ann", norm.NFC.String(decomposed)))
	accepted(t, b.login("ann", decomposed))
}

// Verifying a hash of another kind begins after the Argon2id that everybody gets.
func TestImportedHashCosts(t *testing.T) {
	b := newBench(t)
	if _, err := b.importUser("ann", "$2a$04$Q4lur3IdvWKlhYT2IgUY2OyDF37EasZduqMhEpVMRjM5Wnfgv1Boa"); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"ann": "wrong password", "nobody": "there is no user with this name"} {
		if hashes, _ := b.work(func() { refused(t, b.login(name, "wrong"), want) }); hashes != 1 {
			t.Errorf("%s: %d hashes, want 1", name, hashes)
		}
	}
}

func TestImportedHashRefused(t *testing.T) {
	b := newBench(t)
	before := b.Tables()
	for name, hash := range map[string]string{
		"plain text":     "canary-password",
		"MD5 crypt":      "$1$canary$abcdefghijklmnopqrstuv",
		"SHA-512 crypt":  "$6$canarycanary$abcdefghijklmnop",
		"Argon2d":        "$argon2d$v=19$m=64,t=1,p=1$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5",
		"costly Argon2":  "$argon2id$v=19$m=2097152,t=9,p=1$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5",
		"costly bcrypt":  "$2b$31$Q4lur3IdvWKlhYT2IgUY2OyDF37EasZduqMhEpVMRjM5Wnfgv1Boa",
		"costly PBKDF2":  "$pbkdf2-sha256$i=2000000000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$bucuaFAmxWJkbucuaFAmxWJkbucuaFAmxWJkbucuaFA",
		"costly scrypt":  "$scrypt$ln=30,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$bucuaFAmxWJkbucuaFAmxWJkbucuaFAmxWJkbucuaFA",
		"Django argon2d": "argon2$argon2d$v=19$m=64,t=1,p=1$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5",
	} {
		_, err := b.importUser("ann", hash)
		if identity.KindOf(err) != identity.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(strings.ToLower(err.Error()), "canary") {
			t.Errorf("%s: the error repeats the hash: %v", name, err)
		}
	}
	if after := b.Tables(); after["users"] != before["users"] || after["principals"] != before["principals"] {
		t.Error("something was stored")
	}
}

// A hash that needs more memory than there is for hashing is refused when it moves in.
// One that is there already, as on a machine that was made smaller, proves nothing, and
// the log says why.
func TestImportedHashLargerThanTheBudget(t *testing.T) {
	b := newBench(t, identitytest.Options{Hashing: argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}, Slots: 1, Memory: 1024}})
	large := "$argon2id$v=19$m=1025,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$AAECAwQFBgcICQoLDA0ODw"
	scrypt := "$scrypt$ln=11,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
	for name, hash := range map[string]string{"Argon2id": large, "scrypt": scrypt} {
		if _, err := b.importUser("ann", hash); identity.KindOf(err) != identity.InvalidRequest {
			t.Errorf("%s: %v", name, err)
		} else if e, _ := errors.AsType[*identity.Error](err); len(e.Fields) != 1 || !strings.Contains(e.Fields[0].Message, "HASH_MEMORY") {
			t.Errorf("%s: %v does not say what to change", name, e.Fields)
		}
	}
	user := b.AddUser("ann", "a password of no matter")
	for name, hash := range map[string]string{"Argon2id": large, "scrypt": scrypt} {
		for imported := range 2 {
			if imported == 0 && name == "scrypt" {
				continue // only imported ones are not Argon2
			}
			b.Change("user", user.ID, `UPDATE users SET password_hash = ?, hash_imported = ? WHERE id = ?`, hash, imported, user.ID)
			b.Log.Reset()
			refused(t, b.login("ann", "a password of no matter"), "wrong password")
			if log := b.Log.String(); !strings.Contains(log, "a stored hash cannot be used") || !strings.Contains(log, "more memory than there is for hashing") {
				t.Errorf("%s, imported %d: the log says %s", name, imported, log)
			}
		}
	}
}

// Who was used and when is stored in one go, later.
func TestUsesAreStoredTogether(t *testing.T) {
	b := newBench(t)
	user := b.AddUser("ann", "a password of no matter")
	_, secret := b.AddClient(admin.NewClient{ID: "robot"})
	at := b.Clock.Now()
	refused(t, b.login("ann", "wrong"), "")
	refused(t, b.present("robot", ptr("wrong"), nil), "")
	last := func() [2]time.Time {
		t.Helper()
		u, err := b.Installation.DB.User(t.Context(), user.ID)
		accepted(t, err)
		c, err := b.Installation.DB.Client(t.Context(), "robot")
		accepted(t, err)
		return [2]time.Time{u.LastLoginAt, c.Secrets[0].LastUsedAt}
	}
	accepted(t, b.authn.StoreUses(t.Context()))
	if got := last(); got != [2]time.Time{} {
		t.Errorf("a refusal counts as a use: %v", got)
	}
	principal, err := b.authn.User(t.Context(), "ann", identity.NewSecret("a password of no matter"))
	accepted(t, err)
	b.authn.NoteLogin(principal) // what the protocol does once there is a token
	accepted(t, b.present("robot", &secret, nil))
	if got := last(); got != [2]time.Time{} {
		t.Errorf("stored on the way of the request: %v", got)
	}
	b.Clock.Move(time.Minute)
	accepted(t, b.authn.StoreUses(t.Context()))
	if got := last(); !got[0].Equal(at) || !got[1].Equal(at) {
		t.Errorf("last used at %v, want %v", got, at)
	}
	b.Clock.Move(time.Minute)
	accepted(t, b.present("robot", &secret, nil)) // from memory now
	accepted(t, b.authn.StoreUses(t.Context()))
	if got := last(); !got[1].Equal(at.Add(2 * time.Minute)) {
		t.Errorf("last used at %v", got)
	}
}

// A password that was proven a moment ago changes nothing once the user has changed.
func TestProofIsOfTheUserAsFound(t *testing.T) {
	b := newBench(t)
	user := b.AddUser("ann", "a password of no matter")
	proven, err := b.authn.User(t.Context(), "ann", identity.NewSecret("a password of no matter"))
	accepted(t, err)
	local, next := identity.LocalAdministrator("test"), identity.NewSecret("what an administrator chose")
	if _, err := b.Installation.Admin.UpdateUser(t.Context(), local, user.ID, admin.UserPatch{Password: &next}, nil); err != nil {
		t.Fatal(err)
	}
	refused(t, b.Installation.Admin.ChangeOwnPassword(t.Context(), proven, identity.NewSecret("what a thief chose")), "was changed since")
	accepted(t, b.login("ann", "what an administrator chose"))
	if err := b.Installation.Admin.DeleteUser(t.Context(), local, user.ID, nil); err != nil {
		t.Fatal(err)
	}
	refused(t, b.Installation.Admin.ChangeOwnPassword(t.Context(), proven, identity.NewSecret("what a thief chose")), "was changed since")
}
