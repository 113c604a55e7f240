package oauth_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// wire is what the golden file is made of: requests and their answers, byte for byte but for
// what differs from run to run.
type wire struct {
	*identitytest.Service
	t    *testing.T
	text strings.Builder
}

// note adds an answer under the name of the case.
func (w *wire) note(name string, r identitytest.Response) identitytest.Response {
	w.t.Helper()
	fmt.Fprintf(&w.text, "## %s\n%d %s\n", name, r.Status, http.StatusText(r.Status))
	for _, header := range []string{"Content-Type", "Cache-Control", "Pragma", "WWW-Authenticate", "Retry-After", "Allow"} {
		if value := r.Header.Get(header); value != "" {
			fmt.Fprintf(&w.text, "%s: %s\n", header, value)
		}
	}
	if r.Header.Get("ETag") != "" {
		w.text.WriteString("ETag: (one)\n")
	}
	if got := r.Header.Values("X-Request-Id"); len(got) != 1 {
		w.t.Errorf("%s has the request ids %q", name, got)
	}
	w.text.WriteString("\n" + w.constant(w.shown(r)) + "\n\n")
	return r
}

// shown is a body, of a JWT what is in it.
func (w *wire) shown(r identitytest.Response) string {
	if !strings.HasSuffix(r.Header.Get("Content-Type"), "+jwt") {
		return strings.TrimSuffix(string(r.Body), "\n")
	}
	verifiedToken(w.t, w.Service, string(r.Body))
	var parts []string
	for _, part := range strings.Split(string(r.Body), ".")[:2] {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			w.t.Fatal(err)
		}
		parts = append(parts, string(text))
	}
	return strings.Join(parts, "\n")
}

var (
	numericDate = regexp.MustCompile(`"(iat|exp|auth_time|before)":([0-9]+)`)
	variable    = []struct {
		of *regexp.Regexp
		as string
	}{
		{regexp.MustCompile(`eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+`), "(token)"},
		{regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`), "(uuid)"},
		{regexp.MustCompile(`"[A-Z2-7]{26}"`), `"(id)"`}, // of tokens and sessions
		{regexp.MustCompile(`"(jti|kid|hash|sid|request_id)":"[^"]+"`), `"$1":"(some)"`},
		{regexp.MustCompile(`"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"`), `"(time)"`},
	}
)

// constant is a text without what differs from run to run. Times are left as their distance
// from now.
func (w *wire) constant(text string) string {
	now := w.Clock.Now().Unix()
	text = numericDate.ReplaceAllStringFunc(text, func(member string) string {
		name, value, _ := strings.Cut(member, ":")
		at, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			w.t.Fatal(err)
		}
		return fmt.Sprintf("%s:now%+d", name, at-now)
	})
	for _, v := range variable {
		text = v.of.ReplaceAllString(text, v.as)
	}
	return text
}

// form sends a form and notes the answer.
func (w *wire) form(name, path, body string, headers ...string) map[string]any {
	w.t.Helper()
	r := w.note("POST "+path+": "+name, postForm(w.Service, path, body, headers...))
	var o map[string]any
	if json.Valid(r.Body) && bytes.HasPrefix(r.Body, []byte("{")) {
		o = w.Object(r)
	}
	return o
}

// TestWire holds what the endpoints of the standards answer, success and each failure of
// docs/oauth.md, to testdata/wire.txt.
func TestWire(t *testing.T) {
	w := newWire(t)
	server, machine, both := basic("server", clientSecret), basic("machine", clientSecret), basic("both", clientSecret)

	good := grant("audience", "orders", "audience", "invoices")
	granted := w.form("a token", standardPath, grant("audience", "orders"), machine...)["access_token"].(string)
	w.form("a token for two audiences, a scope", standardPath, grant("audience", "orders", "scope", "orders:read")+"&audience=billing", machine...)
	w.form("a token without permissions", standardPath, grant(), server...)
	w.tokenRefusals(good, machine, both)

	session := w.Session("alice", password, "orders")
	ofPerson := w.Login("alice", password, "orders")
	w.form("a token of a machine", introspectPath, form("token", granted), server...)
	w.form("a token of a person", introspectPath, form("token", ofPerson), server...)
	w.form("not active", introspectPath, form("token", "x"), server...)
	signed := append([]string{"Accept", "application/token-introspection+jwt"}, server...)
	w.form("signed", introspectPath, form("token", granted), signed...)
	w.form("signed, not active", introspectPath, form("token", "x"), signed...)
	w.commonRefusals(introspectPath, both)

	w.list("empty")
	w.form("revoked", revokePath, form("token", granted), machine...)
	w.form("revoked already", revokePath, form("token", granted), machine...)
	w.form("no token", revokePath, form("token", "x"), machine...)
	w.form("somebody else's token", revokePath, form("token", ofPerson), machine...)
	w.form("a refresh token", revokePath, form("token", session), machine...)
	w.commonRefusals(revokePath, both)

	w.documents()
	w.administration()
	w.list("with entries")
	w.throttled()
	w.away(server, machine, granted)
	w.compare("wire.txt")
}

// newWire is a service with the clients, audiences and the person that the cases name.
func newWire(t *testing.T) *wire {
	t.Helper()
	w := &wire{Service: identitytest.New(t), t: t}
	const full = 5 * time.Minute // when a list without entries is dated
	w.Clock.Move(w.Clock.Now().Truncate(full).Add(full).Sub(w.Clock.Now()))
	key := w.Key(jose.ES256)
	for _, id := range []string{"server", "machine", "both", "broken", "throttled"} {
		chosen := identity.NewSecret(clientSecret)
		n := admin.NewClient{ID: id, Secret: &chosen}
		switch id {
		case "machine":
			n.Permissions, n.Audiences = []string{"orders:read", "orders:write"}, &[]string{"orders", "billing"}
		case "both":
			n.PublicKey, n.Require = key.Public().PEM(), []string{"secret", "signature"}
		}
		w.AddClient(n)
	}
	register(t, w.Service, admin.NewAudience{Audience: "orders", IntrospectionClient: "server"})
	w.AddUser("alice", password)
	w.Change("client", "broken", `UPDATE clients SET permissions = '{' WHERE id = 'broken'`)
	return w
}

func (w *wire) tokenRefusals(good string, machine, both []string) {
	w.t.Helper()
	w.form("an audience that the client may not have", standardPath, good, machine...)
	w.form("a resource that is no URI", standardPath, grant("resource", "orders"), machine...)
	w.form("a scope that the client does not hold", standardPath, grant("audience", "orders", "scope", "orders:all"), machine...)
	w.form("a scope that is none", standardPath, grant("audience", "orders", "scope", "a  b"), machine...)
	w.form("no grant type", standardPath, form("audience", "orders"), machine...)
	w.form("another grant", standardPath, form("grant_type", "password"), machine...)
	w.form("two proofs are required", standardPath, grant(), both...)
	w.form("a client that cannot be read", standardPath, grant(), basic("broken", clientSecret)...)
	w.commonRefusals(standardPath, both)
}

// commonRefusals are those that each endpoint has.
func (w *wire) commonRefusals(path string, both []string) {
	w.t.Helper()
	good, machine := grant("token", "x"), basic("machine", clientSecret)
	w.form("two ways of proving", path, good+"&client_secret=x", machine...)
	w.form("a parameter twice", path, good+"&token=x&x=1&x=2", machine...)
	w.form("a parameter in the query", path+"?x=1", good, machine...)
	w.form("JSON", path, "{}", append([]string{"Content-Type", "application/json"}, machine...)...)
	w.form("more than 64 KiB", path, good+"&x="+strings.Repeat("x", 64<<10), machine...)
	w.form("no proof", path, good)
	w.form("a wrong secret", path, good, basic("machine", "wrong")...)
	w.form("an unknown client", path, good, basic("nobody", "wrong")...)
	w.ForgetAttempts()
	if path != standardPath {
		w.form("no token", path, form("x", "y"), machine...)
		w.form("two proofs are required", path, good, both...)
	}
	w.note("GET "+path, w.Get(path))
}

// list notes the revocation list, and that it is not sent again.
func (w *wire) list(name string) {
	w.t.Helper()
	r := w.note("GET "+listPath+": "+name, w.Get(listPath))
	w.note("GET "+listPath+": "+name+", not modified", w.Get(listPath, "If-None-Match", r.Header.Get("ETag")))
}

// documents notes the metadata.
func (w *wire) documents() {
	w.t.Helper()
	for _, path := range []string{oauthPath, openIDPath} {
		r := w.note("GET "+path, w.Get(path))
		if etag := r.Header.Get("ETag"); etag != "" {
			w.note("GET "+path+": not modified", w.Get(path, "If-None-Match", etag))
		}
		w.note("POST "+path, w.Do("POST", path, "{}"))
	}
	w.note("POST "+listPath, w.Do("POST", listPath, "{}"))
	w.note("GET "+listPath+": a query", w.Get(listPath+"?x=1"))
}

// administration notes /api/revocations.
func (w *wire) administration() {
	w.t.Helper()
	const path = "/api/revocations"
	bearer := []string{"Authorization", "Bearer " + w.AdminToken()}
	lesser := []string{"Authorization", "Bearer " + w.Login("alice", password, "")}
	for _, body := range []string{
		`{"kind":"jti","value":"one"}`, `{"kind":"sub","value":"machine"}`, `{"kind":"kid","value":"one"}`, `{"kind":"sid","value":"one"}`,
		`{"kind":"x","value":"y"}`, `{"kind":"jti"}`, `{"before":"now"}`, `{`,
	} {
		w.Clock.Move(time.Second) // they are listed in the order of their times
		w.note("POST "+path+": "+body, w.Do("POST", path, body, bearer...))
	}
	w.note("POST "+path+": not allowed", w.Do("POST", path, `{"kind":"jti","value":"two"}`, lesser...))
	w.note("GET "+path+": not allowed", w.Get(path, lesser...))
	w.note("GET "+path+": no token", w.Get(path))
	w.note("GET "+path, w.Get(path, bearer...))
	w.note("PUT "+path, w.Do("PUT", path, "{}", bearer...))
	w.note("POST "+path+": all", w.Do("POST", path, `{"kind":"all"}`, bearer...))
}

// throttled notes what one who is wrong too often gets.
func (w *wire) throttled() {
	w.t.Helper()
	for range 3 {
		wantOAuthError(w.t, postForm(w.Service, standardPath, grant(), basic("throttled", "wrong")...), 401, "invalid_client")
	}
	for _, path := range []string{standardPath, introspectPath, revokePath} {
		w.form("too many failures", path, grant("token", "x"), basic("throttled", "wrong")...)
	}
}

// away notes what there is without a database.
func (w *wire) away(server, machine []string, token string) {
	w.t.Helper()
	if err := w.Installation.DB.Close(); err != nil {
		w.t.Fatal(err)
	}
	w.form("the database is away", standardPath, grant(), basic("throttled", clientSecret)...)
	w.form("the database is away", introspectPath, form("token", token), server...)
	w.form("the database is away", revokePath, form("token", token), machine...)
}

// compare holds what was noted to a golden file.
func (w *wire) compare(name string) {
	w.t.Helper()
	file, got := filepath.Join("testdata", name), strings.TrimSuffix(w.text.String(), "\n")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}
