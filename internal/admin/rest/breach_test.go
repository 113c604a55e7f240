package rest_test

import (
	"crypto/sha1"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/breach"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// rangeService knows one password from a breach, and counts how often it was asked.
type rangeService struct {
	breach.Config
	asked atomic.Int64
	down  atomic.Bool
}

func newRangeService(t *testing.T, known string) *rangeService {
	t.Helper()
	sum := sha1.Sum([]byte(known))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	s := &rangeService{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if s.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.URL.Path == "/"+digits[:5] {
			_, _ = w.Write([]byte(digits[5:] + ":7\r\n"))
		}
	}))
	t.Cleanup(server.Close)
	s.Config = breach.Config{URL: server.URL, Timeout: time.Minute} // the machine may be busy
	return s
}

// wantAsked runs what must ask the service so often.
func (s *rangeService) wantAsked(t *testing.T, what string, times int64, fn func()) {
	t.Helper()
	before := s.asked.Load()
	fn()
	if got := s.asked.Load() - before; got != times {
		t.Errorf("%s: it was asked %d times, want %d", what, got, times)
	}
}

// A password that is known from a breach is refused wherever one is set, and asked for
// nowhere else: not at a login, and not for strangers.
func TestBreachedPasswords(t *testing.T) {
	const breached, good = "canary in a coal mine", "another good password"
	known := newRangeService(t, breached)
	s := identitytest.New(t, identitytest.Options{PasswordRange: known.Config})
	d := &desk{Service: s, T: t, bearer: s.AdminToken()}
	path := d.user("u", map[string]any{"password": good})
	refused := func(what, member string, send func() identitytest.Response) {
		t.Helper()
		d.wantUnchanged(what, func() {
			known.wantAsked(t, what, 1, func() {
				r := send()
				d.wantProblem(what, r, 422, "invalid_request", fault{member, "invalid_value"})
				if !strings.Contains(string(r.Body), "known from a breach") {
					t.Errorf("%s: %s", what, r.Body)
				}
				d.WantNoCanary(breached, r)
			})
		})
	}
	refused("creating", "password", func() identitytest.Response {
		return d.asAdmin("POST", "/api/users", object(map[string]any{"username": "v", "password": breached}))
	})
	refused("changing", "password", func() identitytest.Response {
		return d.asAdmin("PATCH", path, object(map[string]any{"password": breached}))
	})
	refused("changing one's own", "new_password", func() identitytest.Response { return d.changePassword("u", good, breached) })

	known.wantAsked(t, "where no password is set", 0, func() {
		d.wantProblem("wrong password", d.changePassword("u", "not the password", breached), 401, "invalid_credentials")
		d.wantProblem("unknown name", d.changePassword("nobody", good, breached), 401, "invalid_credentials")
		d.wantStatus("login", d.login("u", good), 200)
		d.wantProblem("login with it", d.login("u", breached), 401, "invalid_credentials")
		d.wantStatus("another change", d.asAdmin("PATCH", path, `{"enabled":true}`), 200)
		d.wantProblem("nobody's change", d.call("", "PATCH", path, object(map[string]any{"password": breached})), 401, "invalid_token")
		d.wantProblem("without permission", d.call(d.machine("m", "identity:users:read"), "PATCH", path, object(map[string]any{"password": breached})), 403, "insufficient_permission")
		d.wantProblem("too short", d.asAdmin("PATCH", path, `{"password":"short"}`), 422, "invalid_request", fault{"password", "invalid_value"})
		d.wantProblem("common", d.asAdmin("PATCH", path, `{"password":"password123"}`), 422, "invalid_request", fault{"password", "invalid_value"})
	})
	known.wantAsked(t, "changing to a good one", 1, func() {
		d.wantStatus("changing", d.changePassword("u", good, "a third good password"), 204)
	})

	// Nobody waits for a service that is away.
	known.down.Store(true)
	d.wantStatus("changing while it is away", d.asAdmin("PATCH", path, object(map[string]any{"password": breached})), 200)
	d.wantStatus("login", d.login("u", breached), 200)
	if text := string(d.Get("/metrics").Body); !strings.Contains(text, `identity_password_range_requests_total{outcome="known"} 3`) ||
		!strings.Contains(text, `identity_password_range_requests_total{outcome="failed"} 1`) {
		t.Errorf("the metrics say\n%s", text)
	}
	if !strings.Contains(d.Log.String(), "the range service of PASSWORD_RANGE_URL was of no use") {
		t.Error("the log does not say that it is away")
	}
	d.WantNoCanary(breached, d.asAdmin("GET", "/api/audit", ""))
}

// The first administrator's password is a new one too.
func TestBreachedFirstPassword(t *testing.T) {
	known := newRangeService(t, "canary in a coal mine")
	s := identitytest.New(t)
	_, err := s.Installation.Admin.NewUser(t.Context(), admin.NewUser{Username: "v", Password: identity.NewSecret("canary in a coal mine")})
	if err != nil {
		t.Errorf("without a range service: %v", err)
	}
	with := identitytest.New(t, identitytest.Options{PasswordRange: known.Config})
	if known.asked.Load() != 1 {
		t.Errorf("the first start asked %d times", known.asked.Load())
	}
	_, err = with.Installation.Admin.NewUser(t.Context(), admin.NewUser{Username: "v", Password: identity.NewSecret("canary in a coal mine")})
	if identity.KindOf(err) != identity.InvalidRequest {
		t.Errorf("with one: %v", err)
	}
}
