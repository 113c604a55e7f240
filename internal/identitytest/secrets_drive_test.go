package identitytest_test

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// driver sends requests with secrets in them and keeps account of both.
type driver struct {
	*identitytest.Service
	t *testing.T
	// mark is part of every secret that is made up here. It has a digit in it: of letters
	// alone it could be the name of a member, which its sender is told.
	mark string
	// nowhere finds what must be seen nowhere, inside what only the database may have.
	nowhere, inside identitytest.Finder
	// answers are all bodies and headers, without what they hand out.
	answers bytes.Buffer
	pages   map[[sha256.Size]byte]bool
	// seen are the statuses of each route, codes those of all problem documents.
	seen  map[web.Route]map[int]bool
	codes map[string]bool
	admin string // the administrator's token
	files func() map[string][]byte
}

func newDriver(t *testing.T, level slog.Level, on database) *driver {
	t.Helper()
	d := &driver{
		Service: identitytest.New(t, identitytest.Options{LogLevel: level, Database: on.Config}), t: t, files: on.files, mark: "c4nArY" + rand.Text()[:12],
		pages: map[[sha256.Size]byte]bool{}, seen: map[web.Route]map[int]bool{}, codes: map[string]bool{},
	}
	d.keep("what is marked", d.mark)
	d.keep("what is marked, as a username", strings.ToLower(d.mark))
	d.keep("ENCRYPTION_KEY", d.EncryptionKey.Reveal())
	d.keep("the administrator's password", d.AdminPassword.Reveal())
	if password := d.Database.Server.Password; !password.Empty() {
		d.keep("DATABASE_PASSWORD", password.Reveal())
	}
	d.admin = d.AdminToken()
	d.keep("an administrator's token", signatureOf(d.admin))
	return d
}

// keep has a secret be looked for.
func (d *driver) keep(name, secret string) {
	if len(secret) < 12 {
		d.t.Fatalf("%s is too short to be told from chance", name)
	}
	d.nowhere.Add(name, secret)
}

// marked makes a secret that is not the same as any other.
func (d *driver) marked() string { return "a " + d.mark + " " + rand.Text()[:6] + " ü" }

// do sends a request of a route, as the administrator unless a header says otherwise.
func (d *driver) do(route web.Route, path, body string, headers ...string) identitytest.Response {
	d.t.Helper()
	return d.send(route.Method, route, path, body, headers...)
}

func (d *driver) send(method string, route web.Route, path, body string, headers ...string) identitytest.Response {
	d.t.Helper()
	if strings.HasPrefix(route.Pattern, "/api/") && !slices.Contains(headers, "Authorization") {
		headers = append(headers, "Authorization", "Bearer "+d.admin)
	}
	if strings.HasPrefix(route.Pattern, "/oauth2/") && !slices.Contains(headers, "Content-Type") {
		headers = append(headers, "Content-Type", "application/x-www-form-urlencoded")
	}
	r := d.Do(method, path, body, headers...)
	if method == route.Method {
		if d.seen[route] == nil {
			d.seen[route] = map[int]bool{}
		}
		d.seen[route][r.Status] = true
	}
	d.account(r)
	return r
}

// account keeps what must have no secret in it of an answer, and from now on looks for
// what it hands out.
func (d *driver) account(r identitytest.Response) {
	_ = r.Header.Write(&d.answers) // a Buffer takes everything
	var members map[string]any
	if json.Unmarshal(r.Body, &members) != nil {
		if sum := sha256.Sum256(r.Body); !d.pages[sum] { // pages and their files are long and always the same
			d.pages[sum] = true
			d.answers.Write(r.Body)
		}
		return
	}
	if code, ok := members["code"].(string); ok && r.Status >= 400 {
		d.codes[code] = true
	}
	if code, ok := members["error"].(string); ok {
		d.codes[code] = true
	}
	if r.Status < 300 {
		for name, of := range map[string]func(string) string{"token": signatureOf, "access_token": signatureOf, "refresh_token": end, "client_secret": end} {
			if text, ok := members[name].(string); ok {
				d.keep("a "+name+" that was handed out, "+rand.Text()[:4], of(text))
				delete(members, name)
			}
		}
	}
	encoder := json.NewEncoder(&d.answers)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(members)
	d.answers.Write([]byte{'\n'})
}

// signatureOf is the part of a token that makes it one.
func signatureOf(token string) string { return token[strings.LastIndex(token, ".")+1:] }

// end is the part of a secret that nobody can know who knows the id in it.
func end(secret string) string { return secret[max(0, len(secret)-40):] }

// created sends a request that makes something and returns its members.
func (d *driver) created(pattern, path string, members map[string]any) map[string]any {
	d.t.Helper()
	r := d.do(web.Route{Method: http.MethodPost, Pattern: pattern}, path, object(members))
	if r.Status != http.StatusCreated {
		d.t.Fatalf("POST %s: status %d\n%s", path, r.Status, r.Body)
	}
	return d.Object(r)
}

func object(members map[string]any) string {
	text, _ := json.Marshal(members)
	return string(text)
}

// with is the object with more members, which are written as they are.
func with(object, members string) string {
	if object == "" || object == "{}" {
		return "{" + members + "}"
	}
	return "{" + members + "," + strings.TrimPrefix(object, "{")
}

// places are all that the service has written outside of its database, stored what it has
// inside.
func (d *driver) places() map[string][]byte {
	d.t.Helper()
	d.must(d.StoreEvents(d.t.Context()))
	var audit bytes.Buffer
	for path := "/api/audit?limit=200"; path != ""; {
		r := d.Get(path, "Authorization", "Bearer "+d.admin)
		audit.Write(r.Body)
		path = ""
		if next, ok := d.Object(r)["next_cursor"].(string); ok {
			path = "/api/audit?limit=200&cursor=" + next
		}
	}
	return map[string][]byte{
		"the log in JSON": []byte(d.Log.String()), "the log in text": []byte(d.TextLog.String()), "the answers": d.answers.Bytes(),
		"the audit": audit.Bytes(), "the metrics": d.Get("/metrics").Body,
	}
}

func (d *driver) stored() map[string][]byte {
	d.t.Helper()
	stored := d.files()
	stored["the tables"] = d.Dump()
	return stored
}

// wantNothing fails the test for each secret that is where it must not be.
func (d *driver) wantNothing() {
	d.t.Helper()
	d.keepHashes()
	d.search(d.places(), &d.nowhere, &d.inside)
	d.search(d.stored(), &d.nowhere)
}

func (d *driver) search(places map[string][]byte, finders ...*identitytest.Finder) {
	d.t.Helper()
	for where, text := range places {
		if len(text) == 0 {
			d.t.Errorf("%s: there is nothing to look through", where)
		}
		for _, f := range finders {
			for _, found := range f.Find(text) {
				d.t.Errorf("%s: %s", where, found)
			}
		}
	}
}
