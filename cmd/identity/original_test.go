package main_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// TestOriginalMoves takes the original's tables over into each kind of database, and
// demands that everybody goes on as before.
func TestOriginalMoves(t *testing.T) {
	o := fillOriginal(t)
	if o == nil {
		return
	}
	from := with(map[string]string{"ENCRYPTION_KEY": o.EncryptionKey}, prefixed(o.environment(o.template))...)
	for name, target := range map[string]func(t *testing.T) map[string]string{
		"the same environment": func(t *testing.T) map[string]string { return o.environment(o.copy(t, "")) },
		"SQLite": func(t *testing.T) map[string]string {
			return with(from, "DATABASE_DRIVER", "sqlite", "DATABASE_PATH", filepath.Join(t.TempDir(), "identity.db"))
		},
		"MariaDB": func(t *testing.T) map[string]string {
			if !servers["mariadb"].Here(t) {
				return nil
			}
			s := servers["mariadb"].Get(t)
			return with(from, on(s, "mysql", s.NewDatabase(t))...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			if env := target(t); env != nil {
				o.moves(t, env)
			}
		})
	}
}

func (o *original) moves(t *testing.T, env map[string]string) {
	before := o.state(t, o.template, "public")
	for _, args := range [][]string{{"--dry-run", "-o", "json"}, {"-o", "json"}} {
		r := identityRun(t, env, append([]string{"import", "--from-original"}, args...)...)
		var v struct {
			Empty          bool `json:"target_empty"`
			KID            string
			Users, Clients []string
			Notes          []string
		}
		if err := json.Unmarshal([]byte(r.stdout), &v); err != nil || r.code != 0 || !v.Empty || v.KID != o.KID || len(v.Users) != 3 || len(v.Clients) != 3 || len(v.Notes) != 4 {
			t.Fatalf("%v: %+v %v", args, r, err)
		}
	}
	again := identityRun(t, env, "import", "--from-original")
	if again.code != 1 || !strings.Contains(again.stderr, "The installation is not empty") {
		t.Errorf("the second import: %+v", again)
	}
	if r := identityRun(t, env, "import", "--from-original", "--dry-run"); r.code != 0 || !strings.Contains(r.stderr, "the target is not empty") {
		t.Errorf("the look at a filled target: %+v", r)
	}
	if o.state(t, o.template, "public") != before {
		t.Error("the original's tables were changed")
	}
	if r := identityRun(t, env, "audit", "list", "-o", "json"); !strings.Contains(r.stdout, "installation.imported") {
		t.Errorf("the audit says nothing of the import: %+v", r)
	}

	url := serveOriginal(t, env)
	tokens := map[string]string{}
	for name, password := range o.Users {
		status, answer := call(t, http.MethodPost, url+"/auth/login", "", map[string]any{"username": name, "password": password})
		tokens[name], _ = answer["token"].(string)
		if status != http.StatusOK || answer["expires_in"] != 600.0 {
			t.Fatalf("%s: %d %v %v", name, status, answer["detail"], answer["expires_in"])
		}
		if status, _ := call(t, http.MethodPost, url+"/auth/login", "", map[string]any{"username": name, "password": password + "x"}); status != http.StatusUnauthorized {
			t.Errorf("%s with a wrong password: %d", name, status)
		}
		if status, answer := call(t, http.MethodPost, url+"/auth/login", "", map[string]any{"username": name, "password": password}); status != http.StatusOK {
			t.Errorf("%s once more: %d %v", name, status, answer)
		}
	}
	for name, want := range map[string]int{"root": http.StatusOK, "Ann": http.StatusForbidden, "bob": http.StatusForbidden} {
		if status, answer := call(t, http.MethodGet, url+"/api/users", tokens[name], nil); status != want {
			t.Errorf("%s lists the users: %d %v, want %d", name, status, answer, want)
		}
	}
	if status, _ := call(t, http.MethodGet, url+"/api/users", o.Token, nil); status != http.StatusUnauthorized {
		t.Errorf("a token of the original for root administers: %d", status)
	}
	_, settings := call(t, http.MethodGet, url+"/api/configuration", tokens["root"], nil)
	if settings["jwt_issuer"] != "https://id.example.com" || settings["jwt_expiration"] != 600.0 || settings["jwt_max_refreshes"] != 7.0 || settings["kid"] != o.KID {
		t.Errorf("the settings: %v", settings)
	}
	o.clientsGoOn(t, url)
	o.verifies(t, url, o.Token)
	o.verifies(t, url, tokens["bob"])
}

// clientsGoOn demands that every client gets a token with what it proves itself by, and
// without any part of that does not.
func (o *original) clientsGoOn(t *testing.T, url string) {
	for i, c := range o.Clients {
		proofs := map[string]any{"client_id": c.ID, "audience": "api"}
		if c.Secret != nil {
			proofs["client_secret"] = *c.Secret
		}
		if c.Signature != nil {
			proofs["signature"] = *c.Signature
		}
		for _, changed := range []string{"", "client_secret", "signature"} {
			request, want := map[string]any{}, http.StatusOK
			for name, value := range proofs {
				request[name] = value
			}
			if _, ok := proofs[changed]; ok {
				request[changed], want = o.wrong(i, changed), http.StatusUnauthorized
			} else if changed != "" {
				continue
			}
			if status, answer := call(t, http.MethodPost, url+"/auth/token", "", request); status != want {
				t.Errorf("client %d with %q wrong: %d %v, want %d", i, changed, status, answer, want)
			}
		}
		for name := range proofs {
			if name != "client_secret" && name != "signature" {
				continue
			}
			lacking := map[string]any{"client_id": c.ID, "audience": "api"}
			for other, value := range proofs {
				if other != name {
					lacking[other] = value
				}
			}
			if status, _ := call(t, http.MethodPost, url+"/auth/token", "", lacking); status == http.StatusOK {
				t.Errorf("client %d gets a token without %s", i, name)
			}
		}
	}
}

// wrong is a proof of another client.
func (o *original) wrong(i int, kind string) string {
	other := o.Clients[len(o.Clients)-1]
	if i == len(o.Clients)-1 {
		other = o.Clients[map[string]int{"client_secret": 0, "signature": 1}[kind]]
	}
	if kind == "signature" {
		return *other.Signature
	}
	return *other.Secret
}

// verifies does what a verifier does that knows the JWKS only.
func (o *original) verifies(t *testing.T, url, token string) {
	_, answer := call(t, http.MethodGet, url+"/.well-known/jwks.json", "", nil)
	text, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		t.Fatal(err)
	}
	parsed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	kid := parsed.Signatures[0].Header.KeyID
	keys := set.Key(kid)
	if kid != o.KID || len(keys) != 1 {
		t.Fatalf("%d keys with the kid %q, want 1 with %q", len(keys), kid, o.KID)
	}
	payload, err := parsed.Verify(keys[0])
	if err != nil || !strings.Contains(string(payload), `"https://id.example.com"`) {
		t.Errorf("%v %s", err, payload)
	}
}
