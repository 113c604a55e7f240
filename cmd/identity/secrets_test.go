package main_test

import (
	"crypto/rand"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// What is given to a command in the environment, in files or on standard input comes back
// in nothing that it says, whether it can be used or not.
func TestSecretsStayInCommands(t *testing.T) {
	folder := t.TempDir()
	mark := "c4nArY" + rand.Text()
	key, err := jose.GeneratePrivateKey(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	private := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key.PKCS8()}))
	made, _ := commandSays(t, nil, "", "encryption-key")
	encryptionKey := strings.TrimSpace(made)
	var finder identitytest.Finder
	finder.Add("what is marked", mark)
	finder.Add("a private key", strings.Split(private, "\n")[1])
	finder.Add("ENCRYPTION_KEY", encryptionKey)
	file := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	broken := file("broken.pem", private[:60]+mark+private[60:])
	good := file("good.pem", private)
	marked := file("marked", mark)
	local := []string{"DATABASE_PATH=" + filepath.Join(folder, "identity.db"), "ENCRYPTION_KEY=" + encryptionKey, "LOG_LEVEL=debug"}
	server := []string{"DATABASE_DRIVER=postgresql", "DATABASE_HOST=127.0.0.1", "DATABASE_PORT=1", "DATABASE_USERNAME=u", "DATABASE_SCHEMA_NAME=s", "ENCRYPTION_KEY=" + encryptionKey}
	for _, format := range []string{"json", "text"} {
		log := serveOnce(t, append(local, "LOG_FORMAT="+format, "ADMIN_PASSWORD="+mark))
		for _, found := range finder.Find([]byte(log)) {
			t.Errorf("identity serve, %s: %s", format, found)
		}
	}
	type call struct {
		env   []string
		stdin string
		args  string
		code  int
	}
	calls := []call{
		{append(local, "DATABASE_PATH="+filepath.Join(folder, "another.db"), "ADMIN_PASSWORD="+strings.Repeat(mark, 100)), "", "serve", 1},
		{local, mark + "\n", "user create ann --password-stdin", 0}, {local, mark + "\n", "user create ann --password-stdin", 2}, {local, strings.Repeat(mark, 100) + "\n", "user create bob --password-stdin", 2},
		{local, mark + "\n", "client create --id robot --name n --secret-stdin", 0}, {local, mark + "\n", "client create --id robot --name n --secret-stdin", 2}, {local, strings.Repeat(mark, 100) + "\n", "client create --name n --secret-stdin", 2},
		{local, "", "client create --name n --public-key " + good, 2}, {local, "", "client create --name n --public-key " + broken, 2},
		{local, "", "config set --private-key " + broken, 2}, {local, "", "config set --private-key " + good, 0}, {local, private, "config set --private-key -", 0},
		{nil, "", "sign --key " + broken + " --client-id x --audience https://id.test", 1}, {nil, "", "sign --key " + marked + " --client-id x --audience https://id.test", 1},
		{nil, mark, "token inspect", 1}, {nil, mark + "." + mark + "." + mark, "token inspect", 1}, {nil, mark + "\n", "hash --password-stdin", 0},
		{append(server, "DATABASE_PASSWORD="+mark), "", "user list", 1}, {append(server, "DATABASE_PASSWORD_FILE="+marked), "", "user list", 1},
		{append(server, "DATABASE_PASSWORD="+mark, "DATABASE_PASSWORD_FILE="+marked), "", "user list", 1},
		{append(local, "ENCRYPTION_KEY=", "ENCRYPTION_KEY_FILE="+marked), "", "user list", 1}, {append(local, "ENCRYPTION_KEY="+encryptionKey[:40]+mark), "", "serve", 1},
		{local, "", "audit list", 0}, {local, "", "user list -o json", 0}, {local, "", "client list -o json", 0},
	}
	for _, name := range []string{"PORT", "OPS_PORT", "DATABASE_DRIVER", "DATABASE_SSL_MODE", "ENCRYPTION_KEY", "LOG_LEVEL", "LOG_FORMAT", "TLS_KEY_FILE", "TRUSTED_PROXIES", "ALLOWED_ORIGINS", "JWT_ALGORITHM", "API_DOCS"} {
		calls = append(calls, call{append(local, name+"="+mark), "", "serve", 1})
	}
	for _, c := range calls {
		out, code := commandSays(t, c.env, c.stdin, strings.Fields(c.args)...)
		if code != c.code {
			t.Errorf("identity %s: exit code %d, want %d\n%s", c.args, code, c.code, out)
		}
		for _, found := range finder.Find([]byte(out)) {
			t.Errorf("identity %s: %s", c.args, found)
		}
	}
	if out, _ := commandSays(t, nil, "", mark); len(finder.Find([]byte(out))) == 0 {
		t.Errorf("what a command says is not seen: a name that is no command is repeated, and was not found in %q", out)
	}
	stored, err := os.ReadFile(filepath.Join(folder, "identity.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range finder.Find(stored) {
		t.Errorf("the database: %s", found)
	}
}

// commandSays runs the program and returns all that it says and its exit code.
func commandSays(t *testing.T, env []string, stdin string, args ...string) (said string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "identity"), args...)
	cmd.Env = append([]string{"HOME=" + t.TempDir()}, env...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return string(out), cmd.ProcessState.ExitCode()
}

// serveOnce runs the service until it listens, and returns what it logged.
func serveOnce(t *testing.T, env []string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(t.Context(), filepath.Join(binaries, "identity"), "serve")
	cmd.Env, cmd.Stderr = append([]string{"HOME=" + t.TempDir(), "HOST=127.0.0.1", "PORT=0"}, env...), log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	text := []byte(nil)
	for deadline := time.Now().Add(time.Minute); !listening.Match(text) && time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if text, err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("identity serve: %v\n%s", err, text)
	}
	if text, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	return string(text)
}
