package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOriginalElsewhere has the tables where, and as, they need not be.
func TestOriginalElsewhere(t *testing.T) {
	o := fillOriginal(t)
	if o == nil {
		return
	}
	accepted := func(t *testing.T, env map[string]string, args ...string) {
		t.Helper()
		if r := identityRun(t, env, append([]string{"import", "--from-original"}, args...)...); r.code != 0 {
			t.Fatalf("%+v", r)
		}
	}
	t.Run("twins with a rename file", func(t *testing.T) {
		database := o.copy(t, `INSERT INTO users VALUES ('0b6e2c1e-9d5b-4a3f-8d6c-2f1f7c1f4f10', 'ANN', (SELECT max(password_hash) FROM users), false, '{}'),
			(gen_random_uuid(), 'Bo Li', (SELECT max(password_hash) FROM users), false, '{}')`)
		accepted(t, o.environment(database), "--rename", file(t, `{"0b6e2c1e-9d5b-4a3f-8d6c-2f1f7c1f4f10": "Ann2", "Bo Li": "bo.li"}`))
		if names := o.server.Exec(t, database, "SELECT string_agg(username, ' ' ORDER BY username) FROM identity.users"); names != "ann ann2 bo.li bob root" {
			t.Error(names)
		}
	})
	t.Run("a look", func(t *testing.T) {
		database := o.copy(t, "")
		before, path := o.state(t, database, ""), filepath.Join(t.TempDir(), "identity.db")
		env := o.environment(database)
		accepted(t, env, "--dry-run")
		accepted(t, with(env, append(prefixed(env), "DATABASE_DRIVER", "sqlite", "DATABASE_PATH", path)...), "--dry-run")
		if _, err := os.Stat(path); err == nil || o.state(t, database, "") != before {
			t.Error("it made something")
		}
	})
	t.Run("two schemas", func(t *testing.T) {
		database := o.copy(t, `CREATE SCHEMA old; CREATE TABLE old.users (LIKE users); CREATE TABLE old.clients (LIKE clients); CREATE TABLE old.c (LIKE service_config)`)
		accepted(t, o.environment(database), "--schema", "public")
	})
	t.Run("other names and types", func(t *testing.T) {
		database := o.copy(t, `CREATE SCHEMA "the ""Old"" one"; ALTER TABLE users RENAME TO "My 'Users'"; ALTER TABLE "My 'Users'" SET SCHEMA "the ""Old"" one";
			ALTER TABLE clients ALTER secret_hash TYPE varchar(300), ALTER permissions TYPE varchar(99)[], ADD created timestamptz DEFAULT now(), ADD tags jsonb;
			ALTER TABLE service_config RENAME TO "Settings"; ALTER TABLE "Settings" ALTER jwt_expiration TYPE bigint, ALTER public_key TYPE varchar, ADD more text`)
		accepted(t, o.environment(database))
		if n := o.server.Exec(t, database, "SELECT count(*) FROM identity.principals"); n != "6" {
			t.Error(n)
		}
	})
	t.Run("the schema of this service", func(t *testing.T) {
		database := o.copy(t, "")
		env := with(o.environment(database), "DATABASE_SCHEMA_NAME", "public", "DATABASE_HOST", "localhost")
		from := with(env, append(prefixed(env), "ORIGINAL_DATABASE_HOST", "127.0.0.1")...)
		if o.server.Host != "127.0.0.1" {
			from = env
		}
		for _, env := range []map[string]string{env, from, with(env, "DATABASE_HOST", o.server.Host)} {
			o.refused(t, database, env, []string{"import", "--from-original"}, []string{
				"CREATE SCHEMA IF NOT EXISTS original;", `ALTER TABLE "public"."users" SET SCHEMA original;`, `"public"."clients"`, `"public"."service_config"`,
			})
		}
		// What it says can be done, and helps.
		_, moves, _ := strings.Cut(identityRun(t, env, "import", "--from-original").stderr, "move its tables:\n")
		o.server.Exec(t, database, moves)
		accepted(t, env)
	})
	t.Run("no power", func(t *testing.T) {
		// Whoever may write to the original's database gains nothing here, not even by a
		// function that stands before PostgreSQL's own.
		database := o.copy(t, `UPDATE users SET permissions = '{Identity:Admin,IDENTITY:users:write,identity:admin,keep}' WHERE NOT is_root;
			UPDATE clients SET permissions = '{identity:admin,identity:,keep}';
			CREATE FUNCTION to_json(text[]) RETURNS json LANGUAGE sql AS $$ SELECT '["forged"]'::json $$`)
		accepted(t, o.environment(database))
		const has = `SELECT string_agg(DISTINCT permissions || privileged, ' ') FROM identity.`
		if users := o.server.Exec(t, database, has+"users WHERE username <> 'root'"); users != `["keep"]0` {
			t.Errorf("users have %s", users)
		}
		if clients := o.server.Exec(t, database, has+"clients"); clients != `["keep"]0` {
			t.Errorf("clients have %s", clients)
		}
	})
}

func file(t *testing.T, text string) string {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
