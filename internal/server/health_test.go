package server_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

func TestHealth(t *testing.T) {
	const details = `{"status":"ready","checks":{"accepting requests":"ok","database":"ok","signing key":"ok"}}`
	one, two := identitytest.New(t), identitytest.New(t, identitytest.Options{SeparateOps: true})
	for _, tc := range []struct {
		name string
		s    *identitytest.Service
		path string
		want string
	}{
		{"alive", one, "/healthz", `{"status":"alive"}`},
		{"ready", one, "/readyz", details},
		{"alive, on the public port", two, "/healthz", `{"status":"alive"}`},
		{"ready, on the public port", two, "/readyz", `{"status":"ready"}`},
		{"alive, on the operators' port", two, two.OpsURL + "/healthz", `{"status":"alive"}`},
		{"ready, on the operators' port", two, two.OpsURL + "/readyz", details},
	} {
		if r := tc.s.Get(tc.path); r.Status != 200 || strings.TrimSpace(string(r.Body)) != tc.want {
			t.Errorf("%s: %d %s", tc.name, r.Status, r.Body)
		}
	}
}

// The operators' port serves operators, and the public port does not.
func TestSeparateOps(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{SeparateOps: true})
	if r := s.Get("/metrics"); r.Status != 404 {
		t.Errorf("/metrics on the public port: %d", r.Status)
	}
	if r := s.Get(s.OpsURL + "/metrics"); r.Status != 200 {
		t.Errorf("/metrics on the operators' port: %d", r.Status)
	}
	for _, path := range []string{"/auth/login", "/auth/token", "/api/configuration", "/.well-known/jwks.json", "/"} {
		if r := s.Get(s.OpsURL + path); r.Status != 404 {
			t.Errorf("%s on the operators' port: %d", path, r.Status)
		}
	}
	if r := identitytest.New(t).Get("/metrics"); r.Status != 200 {
		t.Errorf("/metrics where there is one port: %d", r.Status)
	}
}

// With its signing key damaged the service is alive but not ready: it verifies,
// publishes and refuses as ever, and issues nothing.
func TestQuarantinedKeyIsNotReady(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{SeparateOps: true})
	bearer := s.AdminToken()
	jwks := s.JWKS()
	s.Change("signing_keys", "", `UPDATE signing_keys SET private_ciphertext = substr(private_ciphertext, 1, 20)`)
	stored := s.Tables()["signing_keys"]

	public, ops := s.Get("/readyz"), s.Get(s.OpsURL+"/readyz")
	for name, r := range map[string]identitytest.Response{"public": public, "ops": ops} {
		if r.Status != 503 || s.Object(r)["code"] != "unavailable" || r.Header.Get("Retry-After") == "" {
			t.Errorf("%s: /readyz answers %d %s", name, r.Status, r.Body)
		}
	}
	if strings.Contains(string(public.Body), "key") || !strings.Contains(string(ops.Body), "signing key") || strings.Contains(string(ops.Body), "database") {
		t.Errorf("the details: public %s, ops %s", public.Body, ops.Body)
	}
	login := map[string]string{"username": s.AdminUsername, "password": s.AdminPassword.Reveal()}
	if r := s.Post("/auth/login", login); r.Status != 503 || s.Object(r)["code"] != "unavailable" || r.Header.Get("Retry-After") == "" {
		t.Errorf("login: %d %s", r.Status, r.Body)
	}
	login["password"] = "wrong"
	if r := s.Post("/auth/login", login); r.Status != 401 {
		t.Errorf("login with a wrong password: %d", r.Status)
	}
	if r := s.Get("/api/configuration", "Authorization", "Bearer "+bearer); r.Status != 200 {
		t.Errorf("administration: %d %s", r.Status, r.Body)
	}
	if r := s.Get("/healthz"); r.Status != 200 {
		t.Errorf("/healthz: %d", r.Status)
	}
	if string(s.JWKS()) != string(jwks) {
		t.Error("the JWKS has changed")
	}
	if s.Tables()["signing_keys"] != stored {
		t.Error("a key was rewritten")
	}
}

// A database that is away is not ready either.
func TestLostDatabaseIsNotReady(t *testing.T) {
	s := identitytest.New(t)
	if err := s.Installation.DB.Close(); err != nil {
		t.Fatal(err)
	}
	r := s.Get("/readyz")
	if r.Status != 503 || !strings.Contains(string(r.Body), "database") {
		t.Errorf("/readyz: %d %s", r.Status, r.Body)
	}
	if r := s.Get("/healthz"); r.Status != 200 {
		t.Errorf("/healthz: %d", r.Status)
	}
}

// Anybody may ask whether the service is ready, as often as they like. The database is
// asked once for all who ask at the same time, so that a slow one does not spend its
// connections on that.
func TestReadinessIsAskedOnceForAll(t *testing.T) {
	s := identitytest.New(t)
	s.Get("/readyz") // reads the keys
	const askers, rounds = 50, 100
	for range rounds { // the first does, nearly always
		before := s.Installation.DB.Stats()
		release := occupy(t, s.Installation.DB)
		var together sync.WaitGroup
		for range askers {
			together.Go(func() {
				recorder := httptest.NewRecorder()
				s.Handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
				if recorder.Code != http.StatusOK {
					t.Errorf("%d %s", recorder.Code, recorder.Body)
				}
			})
		}
		for s.Installation.DB.Stats().Waits == before.Waits {
			runtime.Gosched()
		}
		release()
		together.Wait()
		if asked := s.Installation.DB.Stats().Statements - before.Statements; asked < askers/2 {
			return
		}
	}
	t.Errorf("in each of %d rounds the database was asked by each of %d", rounds, askers)
}

// occupy takes every connection for reading, until release.
func occupy(t *testing.T, db *store.DB) (release func()) {
	t.Helper()
	done := make(chan struct{})
	var taken, ended sync.WaitGroup
	for range db.Stats().Limit - 1 { // SQLite has one for writing
		taken.Add(1)
		ended.Go(func() {
			said := sync.OnceFunc(taken.Done)
			defer said()
			if err := db.Snapshot(t.Context(), func(*store.DB) error { said(); <-done; return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	taken.Wait()
	return func() { close(done); ended.Wait() }
}

var sample = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? [^ ]+$`)

func TestMetrics(t *testing.T) {
	const canary = "canary-do-not-show-me"
	s := identitytest.New(t)
	s.AddUser("alice", canary+" password")
	s.Login("alice", canary+" password", canary)
	s.Post("/auth/login", map[string]string{"username": canary, "password": canary})
	s.Get("/" + canary)
	s.Get("/healthz?" + canary + "=" + canary)
	s.Get("/healthz", "X-Request-Id", canary, "User-Agent", canary, "Authorization", "Bearer "+canary, "Origin", "https://"+canary)
	s.Do("CANARY-do-not-show-me", "/healthz", "")
	s.Do("CANARY-do-not-show-me", "/"+canary, "")

	r := s.Get("/metrics")
	text := string(r.Body)
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
		t.Errorf("content type %q", r.Header.Get("Content-Type"))
	}
	for _, want := range []string{
		`identity_http_requests_total{method="POST",route="/auth/login",status="200"} 1`,
		`identity_http_requests_total{method="POST",route="/auth/login",status="401"} 1`,
		`identity_http_requests_total{method="GET",route="unmatched",status="404"} 1`,
		`identity_http_requests_total{method="other",route="/healthz",status="405"} 1`,
		`identity_http_request_duration_seconds_count{method="POST",route="/auth/login"} 2`,
		`identity_tokens_issued_total{grant="user-credentials"} 1`,
		`identity_build_info{version="test"} 1`,
		`identity_hash_running 0`,
		`identity_hash_waiting{class="people"} 0`,
		`identity_hash_waiting{class="machines"} 0`,
		`identity_hash_memory_limit_bytes 2.68435456e+08`,
		`identity_hash_overloaded_total{class="imported",reason="full"} 0`,
		`identity_hash_overloaded_total{class="administration",reason="late"} 0`,
		`identity_connections{state="requesting"} 1`,
		`identity_connections_limit 8192`,
		`identity_connections_refused_total{limit="address"} 0`,
		`identity_http_requests_in_flight 0`,
		`identity_http2_streams_open 0`,
		`identity_http_requests_limit `,
		`identity_http_requests_overloaded_total 0`,
		`identity_database_connections{state="in_use"} 0`,
		`identity_database_clock_offset_seconds 0`,
		`identity_database_statements_total `,
		`identity_database_polls_total `,
		`go_goroutines `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("there is no %s", want)
		}
	}
	if strings.Contains(strings.ToLower(text), canary) {
		t.Error("the metrics hold what a caller sent")
	}

	// Labels of a closed set: no caller can make the metrics grow.
	allowed := map[string][]string{
		"route":  {"/auth/login", "/healthz", "/metrics", "unmatched"},
		"method": {http.MethodGet, http.MethodPost, "other"},
		"grant":  {"user-credentials"},
		"state":  {"in_use", "idle", "requesting", "waiting"},
		"limit":  {"all", "address"},
		"class":  {"people", "machines", "administration", "imported"},
		"reason": {"full", "late"},
		"policy": {"address", "name"},
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		match := sample.FindStringSubmatch(line)
		if match == nil || !strings.HasPrefix(match[1], "identity_") {
			continue
		}
		for label := range strings.SplitSeq(match[2], ",") {
			name, value, _ := strings.Cut(label, "=")
			if values, known := allowed[name]; known && !slices.Contains(values, strings.Trim(value, `"`)) {
				t.Errorf("a label of its own: %s", line)
			} else if !known && !slices.Contains([]string{"", "status", "le", "version"}, name) {
				t.Errorf("an unknown label: %s", line)
			}
		}
	}
}
