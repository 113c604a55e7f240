package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
)

// refusal is an import that must fail and leave everything as it was.
type refusal struct {
	sql    string // done to the original before
	set    []string
	rename string // what the file says
	want   []string
}

// TestOriginalRefused demands of every refusal that nothing is changed, that it says
// everything that stands in the way, and no secret.
func TestOriginalRefused(t *testing.T) {
	o := fillOriginal(t)
	if o == nil {
		return
	}
	other := identityRun(t, nil, "encryption-key")
	for name, r := range map[string]refusal{
		"another ENCRYPTION_KEY": {set: []string{"ENCRYPTION_KEY", strings.TrimSpace(other.stdout)}, want: []string{"private_key: no key of ENCRYPTION_KEY opens it"}},
		"private_key damaged in A": {
			sql:  `UPDATE service_config SET private_key = set_byte(private_key, 50, get_byte(private_key, 50) # 3)`,
			want: []string{"private_key: no key of ENCRYPTION_KEY opens it"},
		},
		"private_key damaged in B": {
			sql:  `UPDATE service_config SET private_key = set_byte(private_key, length(private_key) - 50, get_byte(private_key, length(private_key) - 50) # 3)`,
			want: []string{"private_key: opening the private key"},
		},
		"private_key of one part": {sql: `UPDATE service_config SET private_key = 'canary'`, want: []string{"expected two Fernet tokens"}},
		"another public_key":      {sql: `UPDATE service_config SET public_key = (SELECT max(public_key) FROM clients)`, want: []string{"public_key is not the public half"}},
		"no configuration":        {sql: `DELETE FROM service_config`, want: []string{"it has 0 rows"}},
		"two configurations":      {sql: `INSERT INTO service_config SELECT 2, public_key, private_key, jwt_issuer, 1, 1 FROM service_config`, want: []string{"it has 2 rows"}},
		"values out of bounds": {
			sql:  `UPDATE service_config SET jwt_issuer = '', jwt_expiration = 2147483647, jwt_max_refreshes = NULL`,
			want: []string{"jwt_issuer", "jwt_expiration", "jwt_max_refreshes"},
		},
		"no table":   {sql: `DROP TABLE clients`, want: []string{"clients: no table has the columns"}},
		"two tables": {sql: `CREATE SCHEMA old; CREATE TABLE old.people (LIKE users)`, want: []string{"users: it could be any of old.people, public.users", "--schema"}},
		"names": {
			sql: `INSERT INTO users VALUES (gen_random_uuid(), 'ANN', (SELECT max(password_hash) FROM users), false, '{}'),
				(gen_random_uuid(), E'two words\x1b[2J', (SELECT max(password_hash) FROM users), false, '{}'), (gen_random_uuid(), NULL, (SELECT max(password_hash) FROM users), false, '{}')`,
			want: []string{`its name would be that of user`, `("Ann")`, `("ANN")`, `("two words\x1b[2J"): its name must be`, `(""): its name must be`},
		},
		"a rename file of strangers": {
			rename: `{"nobody": "x", "Ann": "two words", "bob": "ROOT"}`,
			want:   []string{`"nobody", which is no user`, `its new name "two words" must be`, `would be that of user`},
		},
		"a rename file with a name twice": {rename: `{"Ann": "x", "Ann": "y"}`, want: []string{"--rename"}},
		"hashes and keys": {
			sql: `INSERT INTO users VALUES (gen_random_uuid(), 'd', '$argon2d$v=19$m=1024,t=1,p=1$Y2FuYXJ5Y2FuYXJ5$Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5', false, '{}'),
				(gen_random_uuid(), 'half', '$argon2id$v=19$m=1024,t=1,p=1$canary', false, '{}'), (gen_random_uuid(), 'none', NULL, false, '{}');
				INSERT INTO clients VALUES ('00000000-0000-4000-8000-000000000001', 'canary', NULL, '{}'), ('00000000-0000-4000-8000-000000000002', NULL, '` + publicPEM(t, weakKey(t)) + `', '{}'),
				('00000000-0000-4000-8000-000000000003', NULL, '` + publicPEM(t, curveKey(t)) + `', '{}'), ('00000000-0000-4000-8000-000000000004', NULL, 'canary', '{}')`,
			want: []string{`("d"): its password hash`, "argon2d hashes are not accepted", `("half"): its password hash`, `("none"): its password hash`,
				"000000000001: its secret hash", "000000000002: its public key", "2048", "000000000003: its public key: it is not an RSA key", "000000000004: its public key"},
		},
		"permissions that are none":     {sql: `UPDATE users SET permissions = '{"a b",NULL}'`, want: []string{`("Ann"): its permissions`, `("bob"): its permissions`}},
		"permissions in two dimensions": {sql: `UPDATE clients SET permissions = '{{a,b},{c,d}}'`, want: []string{"reading public.clients"}},
		"rows that are hidden":          {sql: `ALTER TABLE users ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`, want: []string{"reading public.users", "row-level security"}},
		"one id for two": {
			sql:  `INSERT INTO users SELECT id, 'twin', (SELECT max(password_hash) FROM users), false, '{}' FROM clients LIMIT 1`,
			want: []string{"it has the id of user"},
		},
		"a wrong password of the database": {set: []string{"DATABASE_PASSWORD", "canary"}, want: []string{"DATABASE_USERNAME, DATABASE_PASSWORD"}},
		"a wrong password of the original": {
			set:  append(prefixed(o.environment("postgres")), "ORIGINAL_DATABASE_PASSWORD", "canary"),
			want: []string{"ORIGINAL_DATABASE_USERNAME, ORIGINAL_DATABASE_PASSWORD"},
		},
		"a database that is not there": {
			set: append(prefixed(o.environment("postgres")), "ORIGINAL_DATABASE_NAME", "nowhere"), want: []string{": ORIGINAL_DATABASE_NAME: "},
		},
		"no place for a file": {set: []string{"DATABASE_DRIVER", "sqlite"}, want: []string{"ORIGINAL_DATABASE_HOST"}},
	} {
		t.Run(name, func(t *testing.T) {
			database := o.copy(t, r.sql)
			env := with(o.environment(database), r.set...)
			args := []string{"import", "--from-original"}
			if r.rename != "" {
				args = append(args, "--rename", file(t, r.rename))
			}
			o.refused(t, database, env, args, r.want)
		})
	}
	t.Run("an installation that is there", func(t *testing.T) {
		database := o.copy(t, "")
		env := with(o.environment(database), "ADMIN_PASSWORD", "the one of the installation")
		serveOriginal(t, env)
		o.refused(t, database, env, []string{"import", "--from-original"}, []string{"The installation is not empty"})
	})
}

// refused demands that an import is refused, with nothing changed in the database of the
// original and the target.
func (o *original) refused(t *testing.T, database string, env map[string]string, args, want []string) {
	t.Helper()
	before := o.state(t, database, "")
	r := identityRun(t, env, args...)
	if r.code == 0 || r.stdout != "" {
		t.Errorf("it was not refused: %+v", r)
	}
	for _, text := range want {
		if !strings.Contains(r.stderr, text) {
			t.Errorf("the refusal lacks %q:\n%s", text, r.stderr)
		}
	}
	for _, secret := range []string{"canary", "\x1b", "$argon2id$v=19$m=1024", "Y2FuYXJ5", env["DATABASE_PASSWORD"], o.EncryptionKey} {
		if secret != "" && strings.Contains(r.stderr, secret) {
			t.Errorf("the refusal holds %q:\n%s", secret, r.stderr)
		}
	}
	if o.state(t, database, "") != before {
		t.Error("something was changed")
	}
}

func publicPEM(t *testing.T, key any) string {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func weakKey(t *testing.T) *rsa.PublicKey {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}

func curveKey(t *testing.T) *ecdsa.PublicKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return &key.PublicKey
}
