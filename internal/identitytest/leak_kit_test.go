package identitytest_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// leakDesk is a service in which something of each kind has leaked.
type leakDesk struct {
	*identitytest.Service
	*testing.T
	// admin is the bearer token with which is asked.
	admin string
	// key is the private key of two clients, one of which has it beside a secret.
	key                     jose.PrivateKey
	generated, both, chosen string
	ann                     identity.User
}

const annsPassword = "a long enough password"

func newLeakDesk(t *testing.T, database store.Config) *leakDesk {
	d := &leakDesk{T: t, Service: identitytest.New(t, identitytest.Options{Database: database})}
	d.key = d.Key(jose.ES256)
	_, d.generated = d.AddClient(admin.NewClient{ID: "generated", Name: "Generated"})
	_, d.both = d.AddClient(admin.NewClient{ID: "both", Name: "Both", PublicKey: d.key.Public().PEM(), GenerateSecret: true})
	d.AddClient(admin.NewClient{ID: "signing", Name: "Signing", PublicKey: d.key.Public().PEM()})
	d.chosen = "a secret that somebody has chosen"
	secret := identity.NewSecret(d.chosen)
	d.AddClient(admin.NewClient{ID: "chosen", Name: "Chosen", Secret: &secret})
	d.ann = d.AddUser("ann", annsPassword)
	d.admin = d.AdminToken()
	return d
}

// asked asks about what was found.
func (d *leakDesk) asked(r api.LeakRequest) (l api.Leak) {
	d.Helper()
	answer := d.ask(r)
	if err := json.Unmarshal(answer.Body, &l); err != nil || answer.Status != http.StatusOK {
		d.Fatalf("%d, %v: %s", answer.Status, err, answer.Body)
	}
	return l
}

func (d *leakDesk) ask(r api.LeakRequest) identitytest.Response {
	d.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		d.Fatal(err)
	}
	return d.Do("POST", "/api/leak", string(text), "Authorization", "Bearer "+d.admin)
}

// find asks what it is, without an end.
func (d *leakDesk) find(found string) api.Leak {
	d.Helper()
	return d.asked(api.LeakRequest{Found: found})
}

// end revokes it.
func (d *leakDesk) end(found string) api.Leak {
	d.Helper()
	return d.asked(api.LeakRequest{Found: found, Revoke: true})
}

// wantKind compares what it is and whose.
func (d *leakDesk) wantKind(name string, l api.Leak, kind, id string, good bool, owners ...string) {
	d.Helper()
	var have []string
	for _, o := range l.Owners {
		have = append(have, o.Type+" "+o.ID)
	}
	slices.Sort(owners)
	slices.Sort(have)
	if l.Kind != kind || l.Good != good || id != "" && l.ID != id || !slices.Equal(have, owners) || l.Says == "" || l.Revoked {
		d.Errorf("%s: want %s %q of %v, good %v\n%+v", name, kind, id, owners, good, l)
	}
}

// status is what POST /auth/token answers.
func (d *leakDesk) status(members map[string]string) int {
	d.Helper()
	body := map[string]string{"audience": "orders"}
	maps.Copy(body, members)
	return d.Post("/auth/token", body).Status
}

func (d *leakDesk) wantStatus(what string, got, want int) {
	d.Helper()
	if got != want {
		d.Errorf("%s: %d, want %d", what, got, want)
	}
}

// bearer is what a token gets from administration.
func (d *leakDesk) bearer(token string) int {
	d.Helper()
	return d.Get("/api/users", "Authorization", "Bearer "+token).Status
}

// recorded returns the events of this name.
func (d *leakDesk) recorded(name string) (events []api.Event) {
	d.Helper()
	var page api.Page[api.Event]
	r := d.Get("/api/audit?limit=200&event="+name, "Authorization", "Bearer "+d.AdminToken())
	if err := json.Unmarshal(r.Body, &page); err != nil {
		d.Fatalf("%v: %s", err, r.Body)
	}
	return page.Data
}

// oneOff is the text with one character changed, in the middle.
func oneOff(text string) string {
	at := len(text) / 2
	other := "A"
	if text[at] == 'A' {
		other = "B"
	}
	return text[:at] + other + text[at+1:]
}

// soon lets the time pass within which an imported key takes over.
func (d *leakDesk) soon() { d.Clock.Move(2 * time.Second) }
