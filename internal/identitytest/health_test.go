package identitytest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// healthReport asks as whoever may read health only.
func healthReport(t *testing.T, s *identitytest.Service, bearer, query string) (report api.HealthReport) {
	t.Helper()
	r := s.Get("/api/health-report"+query, "Authorization", "Bearer "+bearer)
	if err := json.Unmarshal(r.Body, &report); err != nil || r.Status != http.StatusOK {
		t.Fatalf("%d, %v: %s", r.Status, err, r.Body)
	}
	return report
}

// The report has what is in the database, on each of them, and comes to its end with it.
func TestHealthReport(t *testing.T) {
	onDatabases(t, func(t *testing.T, database store.Config) {
		s := identitytest.New(t, identitytest.Options{Database: database, Issuer: "https://id.example.com"})
		s.AddUser("watcher", "a long enough password", identity.PermissionHealthRead)
		s.AddUser("leaver", "a long enough password")
		key := s.Key(jose.ES256)
		s.AddClient(admin.NewClient{ID: "one", Name: "One", PublicKey: key.Public().PEM()})
		s.AddClient(admin.NewClient{ID: "two", Name: "Two", PublicKey: key.Public().PEM()})
		_, secret := s.AddClient(admin.NewClient{ID: "robot", Name: "Robot"})
		bearer := s.Login("watcher", "a long enough password", "")
		ids := func(report api.HealthReport) string {
			var list []string
			for _, f := range report.Findings {
				if f.Cause == "" || f.Cure == "" {
					t.Errorf("%s says too little", f.ID)
				}
				list = append(list, f.ID)
			}
			return strings.Join(list, " ")
		}
		report := healthReport(t, s, bearer, "")
		if have := ids(report); have != "client_key.shared" || !report.NeedsCare || !strings.Contains(report.Findings[0].Cause, "one, two") {
			t.Errorf("at first: %s\n%+v", have, report.Findings)
		}
		m := report.Measured
		if m.HashTime <= 0 || m.HashSlots < 1 || m.ConnectionsLimit < 1 || m.SigningKeys != 1 || m.SigningKeyAge == nil || (m.DiskTotal == nil) != (database.Driver != "" && database.Driver != store.SQLite) {
			t.Errorf("measured: %+v", m)
		}
		if v := report.Configuration[0]; v != (api.SettingValue{Name: "jwt_issuer", Value: "https://id.example.com", Origin: "stored"}) || report.Configuration[1].Origin != "default" {
			t.Errorf("configuration: %+v", report.Configuration)
		}
		before := s.Installation.Pool.Stats().Hashes
		for range 5 {
			healthReport(t, s, bearer, "")
		}
		if n := s.Installation.Pool.Stats().Hashes - before; n != 0 {
			t.Errorf("%d hashes were computed for reports within a minute", n)
		}

		s.Clock.Move(100 * 24 * time.Hour)
		s.Token("orders", map[string]string{"client_id": "robot", "client_secret": secret})
		bearer = s.Login("watcher", "a long enough password", "")
		const want = "client_key.shared client_key.unused client_key.unused user.never user.never audit.unsealed"
		have := ""
		for begun := time.Now(); !same(have, want) && time.Since(begun) < 30*time.Second; time.Sleep(50 * time.Millisecond) {
			have = ids(healthReport(t, s, bearer, "")) // when something was used is stored a little later
		}
		if !same(have, want) {
			t.Errorf("after 100 days: %s, want %s", have, want)
		}
		if have := ids(healthReport(t, s, bearer, "?unused_days=365")); !same(have, "client_key.shared audit.unsealed") {
			t.Errorf("with more patience: %s", have)
		}
		s.Clock.Move(300 * 24 * time.Hour)
		bearer = s.Login("watcher", "a long enough password", "")
		if have := ids(healthReport(t, s, bearer, "?unused_days=3650")); !same(have, "client_key.shared key.old audit.unsealed") {
			t.Errorf("after more than a year: %s", have)
		}
	})
}

func same(have, want string) bool {
	count := func(text string) string {
		n := map[string]int{}
		for word := range strings.FieldsSeq(text) {
			n[word]++
		}
		return fmt.Sprint(n)
	}
	return count(have) == count(want)
}

// Nobody learns of it who may not, and no parameter is taken for another.
func TestHealthReportIsRefused(t *testing.T) {
	s := identitytest.New(t)
	s.AddUser("bob", "a long enough password", identity.PermissionUsersRead, identity.PermissionAuditRead, identity.PermissionConfigurationRead)
	if r := s.Get("/api/health-report", "Authorization", "Bearer "+s.Login("bob", "a long enough password", "")); r.Status != 403 {
		t.Errorf("without identity:health:read: %d", r.Status)
	}
	if r := s.Get("/api/health-report"); r.Status != 401 {
		t.Errorf("nobody: %d", r.Status)
	}
	for _, query := range []string{"?unused_days=0", "?unused_days=3651", "?unused_days=", "?unused_days=x", "?unused=3", "?unused_days=3&unused_days=4"} {
		if r := s.Get("/api/health-report"+query, "Authorization", "Bearer "+s.AdminToken()); r.Status != http.StatusUnprocessableEntity {
			t.Errorf("%s: %d", query, r.Status)
		}
	}
}
