package identitytest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// lifetime is that of access tokens.
const lifetime = 90 * time.Second

// world is the service, two nodes of it, beside the model.
type world struct {
	t     *testing.T
	nodes [2]*identitytest.Service
	// made counts people, who are new ones in each check.
	made int

	people                []*person
	sessions              []*family
	grace, age            time.Duration
	maximum               int
	jtis                  map[string]bool
	refreshed, reused     int // how often in all checks, so that a test that tests nothing is seen
	repeated, interleaved int
}

func newWorld(t *testing.T, database store.Config) *world {
	t.Helper()
	w := &world{t: t, jtis: map[string]bool{}}
	w.nodes[0] = identitytest.New(t, identitytest.Options{Database: database})
	w.nodes[1] = w.nodes[0].Another()
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) rules() rules { return rules{w.nodes[0].Clock.Now(), w.grace} }

// begin forgets the sessions of the check before.
func (w *world) begin() {
	w.sessions, w.people = nil, nil
	for range 2 {
		w.made++
		p := &person{name: fmt.Sprintf("person-%d", w.made), password: "a long enough password", enabled: true, allowed: true}
		p.begin(w.rules().now)
		p.id = w.nodes[0].AddUser(p.name, p.password).ID
		w.people = append(w.people, p)
	}
	w.grace, w.maximum, w.age = 10*time.Second, 3, 5*time.Minute
	w.configure(0)
}

var master = identity.LocalAdministrator("model")

// configure makes the configuration that of the model, by way of a node.
func (w *world) configure(node int) {
	w.t.Helper()
	expiration := lifetime
	_, err := w.nodes[node].Installation.Admin.UpdateConfiguration(w.t.Context(), master, admin.ConfigurationUpdate{
		MaxRefreshes: &w.maximum, RefreshGrace: &w.grace, SessionMaxAge: &w.age, Expiration: &expiration,
	}, nil)
	w.must(err)
	w.poll()
}

// poll has every node know what was changed on another: it may take a second to.
func (w *world) poll() {
	w.t.Helper()
	for _, n := range w.nodes {
		w.must(n.Installation.Follower.Poll(w.t.Context()))
	}
}

// answer is a response, and what its JSON says.
type answer struct {
	status        int
	Code          string
	Token         string
	RefreshToken  string `json:"refresh_token"`
	RefreshesLeft *int   `json:"refreshes_left"`
	ExpiresIn     int64  `json:"expires_in"`
}

// post makes a request at a node, without a network.
func (w *world) post(node int, path string, members map[string]string) (a answer) {
	body, _ := json.Marshal(members)
	r := httptest.NewRequestWithContext(w.t.Context(), http.MethodPost, path, strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	response := httptest.NewRecorder()
	w.nodes[node].Handler.ServeHTTP(response, r)
	a.status = response.Code
	if response.Body.Len() > 0 && json.Unmarshal(response.Body.Bytes(), &a) != nil {
		a.status = -1
	}
	return a
}

// outcome is what the answer to a refresh says.
func (a answer) outcome() outcome {
	if a.status != http.StatusOK || a.RefreshesLeft == nil {
		return outcome{}
	}
	return outcome{a.RefreshToken, *a.RefreshesLeft}
}

// wantAnswer checks what every answer to a login or a refresh has in common: it is a
// refusal, or has a good access token that nobody had before.
func (w *world) wantAnswer(rt *rapid.T, f *family, a answer) {
	if a.status != http.StatusOK {
		if a.status != http.StatusUnauthorized || a.Code != "invalid_refresh_token" {
			rt.Errorf("a refresh was answered with %d %s", a.status, a.Code)
		}
		return
	}
	now := w.nodes[0].Clock.Now()
	claims := readAccess(a.Token)
	if claims.Jti == "" || w.jtis[claims.Jti] {
		rt.Errorf("the jti %q was used before", claims.Jti)
	}
	w.jtis[claims.Jti] = true
	expires := now.Add(lifetime).Unix()
	if f != nil {
		expires = min(expires, f.expires.Unix())
		if claims.Sid != f.id || claims.Subject != f.of.id {
			rt.Errorf("the token is of session %s, want %s", claims.Sid, f.id)
		}
		f.access = a.Token
	}
	// Right after all tokens of the user were revoked it is the next second after that.
	latest := now.Unix() + 60 // of a login: it is not said whose
	if f != nil {
		latest = min(latest, max(now.Unix(), identity.IssuedBy(f.of.from).Unix()))
	}
	issued := claims.Iat >= now.Unix() && claims.Iat <= latest
	if !issued || claims.Exp != expires || a.ExpiresIn != expires-now.Unix() {
		rt.Errorf("at %d the token says iat %d and exp %d, want exp %d; expires_in is %d", now.Unix(), claims.Iat, claims.Exp, expires, a.ExpiresIn)
	}
}

// access is what an access token says. Its signature is for others to check.
type access struct {
	Subject  string `json:"sub"`
	Sid, Jti string
	Iat, Exp int64
}

// readAccess returns the zero access for what is no token.
func readAccess(token string) (a access) {
	if parts := strings.Split(token, "."); len(parts) == 3 {
		payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
		_ = json.Unmarshal(payload, &a)
	}
	return a
}

// stored reports whether the database has the sessions, and the audit what came of them,
// as the model has them.
func (w *world) stored(sessions []*family) bool {
	now := w.nodes[0].Clock.Now()
	for _, f := range sessions {
		s, err := w.nodes[0].Installation.DB.Standing(w.t.Context(), f.id)
		if identity.KindOf(err) == identity.NotFound && f.over(now) { // pruned
			continue
		}
		w.must(err)
		if s.Refreshes != f.refreshes() || s.EndedAt.IsZero() == f.ended && !f.disowned || w.reuses(f) != f.reuses {
			return false
		}
	}
	return true
}

// reuses counts what the audit says of a session.
func (w *world) reuses(f *family) int {
	events, err := w.nodes[0].Installation.DB.Events(w.t.Context(), store.EventFilter{Name: "session.reused", Target: f.id, Limit: 10})
	w.must(err)
	return len(events)
}
