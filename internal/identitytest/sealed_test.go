package identitytest_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// vault is a service with a machine that administers it and a user who has a session.
type vault struct {
	*testing.T
	*identitytest.Service
	bearer  string
	refresh string
}

func newVault(t *testing.T) *vault {
	t.Helper()
	v := &vault{T: t, Service: identitytest.New(t)}
	_, secret := v.AddClient(admin.NewClient{ID: "operator", Permissions: []string{identity.PermissionAdmin}})
	v.bearer = v.Token(v.Issuer, map[string]string{"client_id": "operator", "client_secret": secret})
	v.refresh = v.session()
	return v
}

// login logs in with what gives a session.
func (v *vault) login(s *identitytest.Service) identitytest.Response {
	v.Helper()
	return s.Post("/auth/login", map[string]string{"username": v.AdminUsername, "password": v.AdminPassword.Reveal(), "audience": "orders"})
}

func (v *vault) session() string {
	v.Helper()
	token, _ := v.Object(v.login(v.Service))["refresh_token"].(string)
	return token
}

// secret reads the secret of refresh tokens as it is stored.
func (v *vault) secret() store.SealedSecret {
	v.Helper()
	s, err := v.Installation.DB.SealedSecret(v.Context(), keyring.RefreshSecret)
	v.must(err)
	return s
}

// put puts a sealed value in the place of the secret of refresh tokens.
func (v *vault) put(value identity.Sealed) {
	v.Helper()
	v.Change(store.KindSecret, keyring.RefreshSecret, `UPDATE sealed_secrets SET data_key = ?, ciphertext = ?, wrapper_id = ? WHERE name = ?`,
		value.DataKey(), value.Ciphertext(), value.WrapperID(), keyring.RefreshSecret)
}

func (v *vault) must(err error) {
	v.Helper()
	if err != nil {
		v.Fatal(err)
	}
}

func (v *vault) wantStatus(what string, r identitytest.Response, status int) {
	v.Helper()
	if r.Status != status {
		v.Errorf("%s: status %d, want %d: %s", what, r.Status, status, r.Body)
	}
}

func damagedSealed(t *testing.T, s identity.Sealed) identity.Sealed {
	t.Helper()
	ciphertext := bytes.Clone(s.Ciphertext())
	ciphertext[len(ciphertext)-1] ^= 1
	damaged, err := identity.NewSealed(s.WrapperID(), s.DataKey(), ciphertext)
	if err != nil {
		t.Fatal(err)
	}
	return damaged
}

// A secret of refresh tokens that does not open stops sessions and nothing else, says what
// the cure is, and is never replaced by itself.
func TestDamagedRefreshSecret(t *testing.T) {
	for name, damage := range map[string]func(v *vault){
		"a bit": func(v *vault) { v.put(damagedSealed(t, v.secret().Value)) },
		"that of the version before": func(v *vault) {
			before := v.secret()
			v.wantStatus("ending all", v.Do("DELETE", "/api/sessions", "", "Authorization", "Bearer "+v.bearer), 204)
			if after := v.secret(); after.Version != before.Version+1 {
				t.Errorf("version %d came after %d", after.Version, before.Version)
			}
			v.refresh = v.session()
			v.put(before.Value)
		},
		"the private half of a signing key": func(v *vault) {
			keys, err := v.Installation.DB.SigningKeys(t.Context())
			v.must(err)
			v.put(keys[0].Private)
		},
	} {
		t.Run(name, func(t *testing.T) {
			v := newVault(t)
			damage(v)
			for node, s := range map[string]*identitytest.Service{"the one that ran": v.Service, "one that starts": v.Another()} {
				if node == "one that starts" && !strings.Contains(s.Log.String(), `"what":"the secret of refresh tokens"`) {
					t.Error("the self-test at the start does not name it")
				}
				s.Log.Reset()
				v.wantStatus("logging in", v.login(s), 503)
				v.wantStatus("refreshing", s.Post("/auth/refresh", map[string]string{"refresh_token": v.refresh}), 503)
				if !strings.Contains(s.Log.String(), "identity session end --all") {
					t.Errorf("%s: the log does not name the cure", node)
				}
				v.wantStatus("administration", s.Get("/api/keys", "Authorization", "Bearer "+v.bearer), 200)
				s.WantNoCanary(hex.EncodeToString(v.secret().Value.Ciphertext()[:8]))
				v.wantStatus("ready", s.Get("/readyz"), 200)
			}
			version := v.secret().Version
			v.wantStatus("the cure", v.Do("DELETE", "/api/sessions", "", "Authorization", "Bearer "+v.bearer), 204)
			if got := v.secret().Version; got != version+1 {
				t.Errorf("version %d was replaced by %d", version, got)
			}
			v.wantStatus("refreshing a session of before", v.Post("/auth/refresh", map[string]string{"refresh_token": v.refresh}), 401)
			v.wantStatus("logging in again", v.login(v.Service), 200)
			v.wantStatus("refreshing again", v.Post("/auth/refresh", map[string]string{"refresh_token": v.session()}), 200)
		})
	}
}

// The self-test at the start names a damaged signing key, and lets the rest serve.
func TestStartWithDamagedSigningKey(t *testing.T) {
	v := newVault(t)
	waiting, err := v.Installation.Admin.MakeKey(t.Context(), rotating, string(jose.EdDSA))
	v.must(err)
	v.Change(store.KindSigningKeys, "", `UPDATE signing_keys SET private_ciphertext = ? WHERE kid = ?`, damagedSealed(t, waiting.Private).Ciphertext(), waiting.KID)
	s := v.Another()
	if !strings.Contains(s.Log.String(), `"what":"signing key `+waiting.KID+`"`) {
		t.Error("the self-test does not name it")
	}
	v.wantStatus("logging in", v.login(s), 200)
}

// start opens the installation with other encryption keys, as a restart does.
func (v *vault) start(keys ...identity.Secret) error {
	v.Helper()
	var list []string
	for _, k := range keys {
		list = append(list, k.Reveal())
	}
	in, err := server.OpenInstallation(v.Context(), server.InstallationConfig{
		Database: v.Database, EncryptionKey: identity.NewSecret(strings.Join(list, ",")),
		Hashing: argon2.Config{Params: argon2.Params{Memory: 64, Time: 1, Threads: 1}}, Logger: v.Logger,
	})
	if err == nil {
		v.must(in.Close())
	}
	return err
}

// An encryption key can be dropped once nothing is under it any more, and no sooner.
func TestEncryptionKeyDroppedEarly(t *testing.T) {
	v := newVault(t)
	before, after := v.EncryptionKey, seal.GenerateKey()
	v.must(v.start(after, before))
	s := identitytest.New(t, identitytest.Options{Database: v.Database, EncryptionKey: identity.NewSecret(after.Reveal() + "," + before.Reveal()), Clock: v.Clock})
	sealed, err := s.Installation.Ring.SealedValues(t.Context())
	v.must(err)
	if len(sealed) != 3 {
		t.Fatalf("%d values are sealed, want a signing key, a secret and the key of the audit", len(sealed))
	}
	for _, value := range sealed {
		stored := v.Tables()
		err := v.start(after)
		if err == nil {
			t.Fatalf("%s is under the key that was dropped, and it starts", value.Title)
		}
		for _, want := range []string{"ENCRYPTION_KEY", value.Title, "identity key rewrap", value.EncryptionKey, "nothing was changed"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the refusal does not say %q: %v", want, err)
			}
		}
		if strings.Contains(err.Error(), before.Reveal()[:16]) || strings.Contains(err.Error(), after.Reveal()[:16]) {
			t.Error("the refusal shows a key")
		}
		for table, rows := range v.Tables() {
			if rows != stored[table] {
				t.Errorf("a refused start has changed %s", table)
			}
		}
		changed, err := s.Installation.Admin.Rewrap(t.Context(), rotating, value)
		v.must(err)
		if !changed {
			t.Errorf("%s was not rewrapped", value.Title)
		}
		v.must(v.start(after, before))
		v.wantStatus("refreshing meanwhile", v.Post("/auth/logout", map[string]string{"refresh_token": v.session()}), 204)
	}
	v.must(v.start(after))
	if err := v.start(before); err == nil {
		t.Error("it starts with nothing but the key that was rewrapped from")
	}
}
