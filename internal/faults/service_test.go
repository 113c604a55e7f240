package faults_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const adminPassword = "the administrator's password"

func startService(t *testing.T, binary string) *faults.Process {
	t.Helper()
	p := faults.Start(t, binary, map[string]string{
		"DATABASE_PATH": filepath.Join(t.TempDir(), "identity.db"), "ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": adminPassword,
	})
	if took, err := p.Ready(20 * time.Second); err != nil || took <= 0 {
		t.Fatalf("ready after %v: %v", took, err)
	}
	return p
}

func newClient(t *testing.T, url func() string, ledger *faults.Ledger) *faults.Client {
	c := faults.NewClient(faults.ClientConfig{URL: url, Ledger: ledger})
	t.Cleanup(c.Close)
	return c
}

// must returns what went well.
func must[T any](value T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// wantStatus expects a refusal.
func wantStatus(t *testing.T, what string, err error, status int) {
	t.Helper()
	if refused := (*faults.StatusError)(nil); !errors.As(err, &refused) || refused.Status != status {
		t.Errorf("%s: %v, want %d", what, err, status)
	}
}

// TestService runs a whole story over a real process, which nothing is wrong with, and
// then forges what a service would do that does not keep its word.
func TestService(t *testing.T) {
	p := startService(t, faults.Build(t))
	ctx, ledger := t.Context(), newLedger(t)
	admin := newClient(t, p.URL, ledger.With("admin"))
	if err := admin.Authorize(ctx, "admin", adminPassword); err != nil {
		t.Fatal(err)
	}
	someone := newClient(t, p.URL, ledger.With("someone"))

	must(admin.CreateUser(ctx, api.CreateUserRequest{Username: "alice", Password: "correct horse battery"}))(t)
	must(someone.Login(ctx, "alice", "correct horse battery", "shop"))(t)
	if err := someone.ChangePassword(ctx, "alice", "correct horse battery", "staple of another kind"); err != nil {
		t.Fatal(err)
	}
	must(someone.Login(ctx, "alice", "staple of another kind", "shop"))(t)
	_, err := admin.CreateUser(ctx, api.CreateUserRequest{Username: "alice", Password: "correct horse battery"})
	wantStatus(t, "a second alice", err, http.StatusConflict)
	bob := must(admin.CreateUser(ctx, api.CreateUserRequest{Username: "bob", Password: "correct horse battery"}))(t)
	if err := admin.EnableUser(ctx, bob, false); err != nil {
		t.Fatal(err)
	}
	carol := must(admin.CreateUser(ctx, api.CreateUserRequest{Username: "carol", Password: "correct horse battery"}))(t)
	if err := admin.DeleteUser(ctx, carol); err != nil {
		t.Fatal(err)
	}
	eventually(t, "bob is refused", func() bool {
		_, err := someone.Login(ctx, "bob", "correct horse battery", "shop")
		return err != nil
	})
	machines(t, admin, someone)

	state := must(admin.ReadState(ctx))(t)
	if err := admin.ProbePassword(ctx, state, "alice", "correct horse battery", "staple of another kind"); err != nil {
		t.Fatal(err)
	}
	if got, want := state.Users["alice"].Credential, ledger.Credential("staple of another kind"); got != want {
		t.Errorf("alice's password at the end is %s, want %s", got, want)
	}
	faults.Expect(t, ledger, state, admin, someone)
	noSecrets(t, ledger)

	ledger.With("forger").Begin(faults.OpUserCreate, "dave", nil).Ok(http.StatusCreated, nil)
	probe := &failing{TB: t}
	if !probe.fails(func() { faults.Expect(probe, ledger, state, admin, someone) }) || !strings.Contains(probe.errors[0], "user dave exists") {
		t.Errorf("the checker does not see the forged line: %q", probe.errors)
	}
}

// machines is the part of the story that has no people in it.
func machines(t *testing.T, admin, machine *faults.Client) {
	t.Helper()
	ctx := t.Context()
	made := must(admin.CreateClient(ctx, api.CreateClientRequest{Name: "m", ClientID: "m"}))(t)
	must(machine.Token(ctx, faults.Secret("m", made.ClientSecret), "shop"))(t)
	second := must(admin.AddSecret(ctx, "m", "second"))(t)
	if err := admin.DeleteSecret(ctx, "m", made.Secrets[0]); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the first secret is refused", func() bool {
		_, err := machine.Token(ctx, faults.Secret("m", made.ClientSecret), "shop")
		return err != nil
	})
	must(machine.Token(ctx, faults.Secret("m", second.Secret), "shop"))(t)

	for _, alg := range []jose.Algorithm{jose.ES256, jose.EdDSA} {
		id := "signer-" + strings.ToLower(string(alg))
		key, other := faults.NewKey(t, alg), faults.NewKey(t, alg)
		must(admin.CreateClient(ctx, api.CreateClientRequest{Name: id, ClientID: id, PublicKey: key.Public()}))(t)
		proof := must(key.Assertion(id, admin.Issuer()))(t)
		must(machine.Token(ctx, proof, "shop"))(t)
		_, err := machine.Token(ctx, proof, "shop")
		wantStatus(t, "a replay", err, http.StatusUnauthorized)
		must(admin.AddKey(ctx, id, other))(t)
		if err := admin.DeleteKey(ctx, id, key); err != nil {
			t.Fatal(err)
		}
		must(machine.Token(ctx, must(other.Assertion(id, admin.Issuer()))(t), "shop"))(t)
	}
	if err := admin.EnableClient(ctx, "m", false); err != nil {
		t.Fatal(err)
	}
	if err := admin.DeleteClient(ctx, "signer-eddsa"); err != nil {
		t.Fatal(err)
	}
	if err := admin.Write(ctx, "role.create", "r", http.MethodPost, "/api/roles", api.CreateRoleRequest{Name: "r", Permissions: api.List[string]{"a"}}, nil); err != nil {
		t.Fatal(err)
	}
}

// noSecrets looks for what was shown and sent in the ledger.
func noSecrets(t *testing.T, ledger *faults.Ledger) {
	t.Helper()
	text := string(must(os.ReadFile(ledger.Path()))(t))
	for _, secret := range []string{adminPassword, "horse", "staple", "ids_", "eyJ"} {
		if strings.Contains(text, secret) {
			t.Errorf("the ledger has %q in it", secret)
		}
	}
}
