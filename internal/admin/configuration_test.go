package admin_test

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func pemOf(key jose.PrivateKey) *identity.Secret {
	return secret(string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()})))
}

func ptr[T any](v T) *T { return &v }

// Setting the key or the issuer takes over the whole service, so it needs more
// than writing the configuration.
func TestKeyAndIssuerNeedAdministrator(t *testing.T) {
	d := newDesk(t)
	key := d.Key(jose.ES256)
	for name, u := range map[string]admin.ConfigurationUpdate{
		"key":              {PrivateKey: pemOf(key)},
		"key with others":  {PrivateKey: pemOf(key), Expiration: ptr(time.Hour)},
		"issuer":           {Issuer: ptr("https://evil.test")},
		"the issuer it is": {Issuer: ptr(d.Issuer)},
		"a bad key":        {PrivateKey: secret(canary)},
	} {
		d.wantUnchanged(name, func() {
			_, err := d.admin.UpdateConfiguration(t.Context(), caller(identity.PermissionConfigurationWrite, "identity:keys:write"), u, nil)
			d.wantKind(name, err, identity.InsufficientPermission)
		})
	}
	updated, err := d.admin.UpdateConfiguration(t.Context(), caller(identity.PermissionAdmin), admin.ConfigurationUpdate{
		PrivateKey: pemOf(key), PublicKey: ptr(key.Public().PEM()), Issuer: ptr("https://new.test"),
	}, nil)
	d.must(err)
	if updated.Key.KID != key.Public().KID() || updated.Issuer != "https://new.test" {
		t.Errorf("updated to %s of %s", updated.Key.KID, updated.Issuer)
	}
}

// All of an update happens, or nothing.
func TestAllOrNothing(t *testing.T) {
	d := newDesk(t)
	key, other := d.Key(jose.ES256), d.Key(jose.ES256)
	good := admin.ConfigurationUpdate{Expiration: ptr(time.Hour), Issuer: ptr("https://new.test"), MaxRefreshes: ptr(5), RefreshGrace: ptr(time.Second), PrivateKey: pemOf(key)}
	for name, tc := range map[string]struct {
		spoil   func(*admin.ConfigurationUpdate)
		members []string
	}{
		"a bad key":              {func(u *admin.ConfigurationUpdate) { u.PrivateKey = secret(canary) }, []string{"private_key"}},
		"an empty key":           {func(u *admin.ConfigurationUpdate) { u.PrivateKey = secret("") }, []string{"private_key"}},
		"another public key":     {func(u *admin.ConfigurationUpdate) { u.PublicKey = ptr(other.Public().PEM()) }, []string{"public_key"}},
		"a bad public key":       {func(u *admin.ConfigurationUpdate) { u.PublicKey = ptr(canary) }, []string{"public_key"}},
		"a public key alone":     {func(u *admin.ConfigurationUpdate) { u.PrivateKey, u.PublicKey = nil, ptr(key.Public().PEM()) }, []string{"public_key"}},
		"a bad issuer":           {func(u *admin.ConfigurationUpdate) { u.Issuer = ptr("a b") }, []string{"jwt_issuer"}},
		"a bad expiration":       {func(u *admin.ConfigurationUpdate) { u.Expiration = ptr(time.Second) }, []string{"jwt_expiration"}},
		"a bad number":           {func(u *admin.ConfigurationUpdate) { u.MaxRefreshes = ptr(-1) }, []string{"jwt_max_refreshes"}},
		"a bad grace":            {func(u *admin.ConfigurationUpdate) { u.RefreshGrace = ptr(time.Hour) }, []string{"refresh_grace"}},
		"a bad key and a number": {func(u *admin.ConfigurationUpdate) { u.PrivateKey, u.MaxRefreshes = secret(canary), ptr(-1) }, []string{"private_key", "jwt_max_refreshes"}},
	} {
		u := good
		tc.spoil(&u)
		d.wantUnchanged(name, func() {
			_, err := d.admin.UpdateConfiguration(t.Context(), root, u, nil)
			d.wantFields(name, err, tc.members...)
		})
	}
	d.wantUnchanged("a refused match", func() {
		_, err := d.admin.UpdateConfiguration(t.Context(), root, good, func(admin.Configuration) error {
			return identity.Errorf(identity.PreconditionFailed, "stale")
		})
		d.wantKind("a refused match", err, identity.PreconditionFailed)
	})
	d.WantNoCanary(canary)
}

// The match is asked inside the transaction: of many who saw the same state, one
// changes it.
func TestMatchDecidesAmongMany(t *testing.T) {
	d := newDesk(t)
	seen, err := d.admin.Configuration(t.Context(), root)
	d.must(err)
	got := together(20, func(i int) error {
		_, err := d.admin.UpdateConfiguration(t.Context(), root, admin.ConfigurationUpdate{MaxRefreshes: ptr(1000 + i)}, func(found admin.Configuration) error {
			if found.ETag() != seen.ETag() {
				return identity.Errorf(identity.PreconditionFailed, "stale")
			}
			return nil
		})
		return err
	})
	if got["ok"] != 1 || got["precondition_failed"] != 19 {
		t.Errorf("outcomes %v", got)
	}
}

func TestETagNamesTheState(t *testing.T) {
	d := newDesk(t)
	key := d.Key(jose.ES256)
	update := func(u admin.ConfigurationUpdate) string {
		t.Helper()
		cfg, err := d.admin.UpdateConfiguration(t.Context(), root, u, nil)
		d.must(err)
		read, err := d.admin.Configuration(t.Context(), root)
		d.must(err)
		if read.ETag() != cfg.ETag() {
			t.Error("the answer to a change has another tag than what is read after it")
		}
		return cfg.ETag()
	}
	start := update(admin.ConfigurationUpdate{})
	longer := update(admin.ConfigurationUpdate{Expiration: ptr(time.Hour)})
	again := update(admin.ConfigurationUpdate{Expiration: ptr(time.Hour)})
	keyed := update(admin.ConfigurationUpdate{PrivateKey: pemOf(key)})
	back := update(admin.ConfigurationUpdate{Expiration: ptr(900 * time.Second)})
	if start == longer || longer != again || again == keyed || keyed == back || back == start {
		t.Errorf("tags %s %s %s %s %s", start, longer, again, keyed, back)
	}
}

// A damaged key stops issuing, but not whoever still has a token from replacing it.
func TestDamagedKeyCanBeReplaced(t *testing.T) {
	d := newDesk(t)
	d.Change("signing_keys", "", `UPDATE signing_keys SET private_ciphertext = x'00'`)
	key := d.Key(jose.ES256)
	_, err := d.admin.UpdateConfiguration(t.Context(), root, admin.ConfigurationUpdate{PrivateKey: pemOf(key)}, nil)
	d.must(err)
	d.Clock.Move(2 * time.Second)
	d.AdminToken()
}

func TestEncryptedKeyIsRefused(t *testing.T) {
	d := newDesk(t)
	//nolint:staticcheck // the form that is to be refused
	block, err := x509.EncryptPEMBlock(rand.Reader, "RSA PRIVATE KEY", d.Key(jose.RS256).PKCS8(), []byte("x"), x509.PEMCipherAES256)
	d.must(err)
	d.wantUnchanged("encrypted", func() {
		_, err = d.admin.UpdateConfiguration(t.Context(), root, admin.ConfigurationUpdate{PrivateKey: secret(string(pem.EncodeToMemory(block)))}, nil)
		d.wantFields("encrypted", err, "private_key")
	})
}
