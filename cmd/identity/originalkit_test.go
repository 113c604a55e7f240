package main_test

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
)

// original is what the Python libraries filled a database with.
type original struct {
	EncryptionKey string `json:"encryption_key"`
	KID, Token    string
	Users         map[string]string
	Clients       []struct {
		ID                string
		Secret, Signature *string
	}

	server   *dbserver.Server
	template string // the database
}

// fillOriginal fills a database, in the schema public. It returns nil where a server or
// the libraries are not here, which with IDENTITY_DATABASES=require or
// IDENTITY_INTEROP=require fails.
func fillOriginal(t *testing.T) *original {
	t.Helper()
	const python = "/usr/bin/python3" // Debian's: its packages are not for others on the machine
	out, err := exec.CommandContext(t.Context(), python, "-c", "import argon2, cryptography, jwcrypto, psycopg2").CombinedOutput()
	if err != nil {
		if os.Getenv("IDENTITY_INTEROP") == "require" {
			t.Fatalf("the libraries of the original are required and not here: %v\n%s", err, out)
		}
		t.Log("did not run: the Python libraries of the original are not here")
		return nil
	}
	if !servers["postgresql"].Here(t) {
		return nil
	}
	o := &original{server: servers["postgresql"].Get(t)}
	o.template = o.server.NewDatabase(t)
	dsn := url.URL{Scheme: "postgres", User: url.UserPassword(o.server.Username, o.server.Password), Host: o.server.Host + ":" + strconv.Itoa(o.server.Port), Path: o.template}
	cmd := exec.CommandContext(t.Context(), python, filepath.Join(source, "../../interop/python/fill_original.py"), dsn.String(), "public")
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err = cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, &problems)
	}
	if err := json.Unmarshal(out, o); err != nil || len(o.Users) == 0 || len(o.Clients) != 3 {
		t.Fatalf("%v: %s", err, out)
	}
	return o
}

// copy makes another database like the filled one, and runs SQL in it.
func (o *original) copy(t *testing.T, sql string) string {
	t.Helper()
	database := "test_" + strings.ToLower(rand.Text()[:16])
	o.server.Admin(t, "", fmt.Sprintf(`CREATE DATABASE %s TEMPLATE %s OWNER "%s";`, database, o.template, o.server.Username))
	t.Cleanup(func() { o.server.Admin(t, "", "DROP DATABASE "+database+" WITH (FORCE);") })
	if sql != "" {
		o.server.Exec(t, database, sql+";")
	}
	return database
}

// environment is that of the original: the schema of this service is "identity".
func (o *original) environment(database string) map[string]string {
	return with(map[string]string{"ENCRYPTION_KEY": o.EncryptionKey, "DATABASE_NAME": database}, on(o.server, "postgresql+psycopg2", "identity")...)
}

// state is a digest of every table of a schema, or of all schemas, row by row where they lie.
func (o *original) state(t *testing.T, database, schema string) string {
	t.Helper()
	return o.server.Exec(t, database, `SELECT string_agg(name || ' ' || md5(table_to_xml(name::regclass, true, false, '')::text), ',' ORDER BY name)
		FROM (SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
			WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND '`+schema+`' IN ('', n.nspname)) tables;
		SELECT string_agg(nspname, ' ' ORDER BY nspname) FROM pg_namespace WHERE '`+schema+`' = '';`)
}

// on is the variables that lead to a server.
func on(s *dbserver.Server, driver, schema string) []string {
	return []string{
		"DATABASE_DRIVER", driver, "DATABASE_HOST", s.Host, "DATABASE_PORT", strconv.Itoa(s.Port), "DATABASE_USERNAME", s.Username,
		"DATABASE_PASSWORD", s.Password, "DATABASE_SCHEMA_NAME", schema,
	}
}

// with is an environment with more variables, each after its name.
func with(env map[string]string, more ...string) map[string]string {
	env = maps.Clone(env)
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

// prefixed is the variables that lead to a database as those that lead to the original's.
func prefixed(env map[string]string) []string {
	var list []string
	for name, value := range env {
		if strings.HasPrefix(name, "DATABASE_") && name != "DATABASE_DRIVER" && name != "DATABASE_SCHEMA_NAME" {
			list = append(list, "ORIGINAL_"+name, value)
		}
	}
	return list
}

// ended is what a run of the program was.
type ended struct {
	stdout, stderr string
	code           int
}

func command(t *testing.T, env map[string]string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "identity"), args...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"HOME=" + cmd.Dir, "TMPDIR=" + cmd.Dir}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return cmd
}

// identityRun runs the program in an environment.
func identityRun(t *testing.T, env map[string]string, args ...string) ended {
	t.Helper()
	cmd := command(t, env, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return ended{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// serveOriginal runs the service until the test ends, and returns its URL.
func serveOriginal(t *testing.T, env map[string]string) string {
	t.Helper()
	cmd := command(t, with(env, "PORT", "0", "HOST", "127.0.0.1", "LOG_FORMAT", "json"), "serve")
	log := filepath.Join(cmd.Dir, "log")
	out, err := os.Create(log)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-done
	})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(log)
		if err != nil {
			t.Fatal(err)
		}
		if m := listening.FindSubmatch(text); m != nil {
			return "http://127.0.0.1:" + string(m[2])
		}
	}
	text, _ := os.ReadFile(log)
	t.Fatalf("it does not listen:\n%s", text)
	return ""
}

// call sends a request with a JSON body, if there is one, and returns the answer.
func call(t *testing.T, method, address, token string, body any) (status int, answer map[string]any) {
	t.Helper()
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatalf("%s: %v", address, err)
	}
	return response.StatusCode, answer
}
