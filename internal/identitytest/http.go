package identitytest

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"strings"
)

// Response is what the service answered.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// Object is the body as a JSON object; the test fails if it is none.
func (s *Service) Object(r Response) map[string]any {
	s.t.Helper()
	var o map[string]any
	if err := json.Unmarshal(r.Body, &o); err != nil {
		s.t.Fatalf("the body is no JSON object: %v\n%s", err, r.Body)
	}
	return o
}

// Do sends a request, and fails the test if the response is not as the API is
// described. body is sent as it is; headers are name and value in turn. A
// body goes as application/json unless a header says otherwise.
func (s *Service) Do(method, path, body string, headers ...string) Response {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.at(path), strings.NewReader(body))
	s.must(err)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	s.must(err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	s.must(err)
	answered := Response{response.StatusCode, response.Header, text}
	conforms := Conforms
	if s.OpsURL != "" && strings.HasPrefix(path, s.OpsURL) && answered.Status == http.StatusNotFound {
		conforms = noRoute // the operators' port has few of the routes
	}
	if err := conforms(method, request.URL.EscapedPath(), answered); err != nil {
		s.t.Errorf("%s %s: the response is not as the API is described in internal/openapi: %v\n%s", method, path, err, text)
	}
	return answered
}

// at returns the URL of a path; a whole URL is taken as it is.
func (s *Service) at(path string) string {
	if strings.HasPrefix(path, "http://") {
		return path
	}
	return s.URL + path
}

// client follows no redirect: the service must never send one.
var client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// Post posts v as JSON.
func (s *Service) Post(path string, v any, headers ...string) Response {
	s.t.Helper()
	body, err := json.Marshal(v)
	s.must(err)
	return s.Do("POST", path, string(body), headers...)
}

// Get gets a path.
func (s *Service) Get(path string, headers ...string) Response {
	s.t.Helper()
	return s.Do("GET", path, "", headers...)
}

// Login returns a token for a user; the test fails if there is none.
func (s *Service) Login(username, password, audience string) string {
	s.t.Helper()
	return s.member("token", s.login(username, password, audience))
}

func (s *Service) login(username, password, audience string) Response {
	s.t.Helper()
	body := map[string]string{"username": username, "password": password}
	if audience != "" {
		body["audience"] = audience
	}
	return s.Post("/auth/login", body)
}

// Session logs a user in and returns the refresh token; the test fails if there is none.
func (s *Service) Session(username, password, audience string) string {
	s.t.Helper()
	return s.member("refresh_token", s.login(username, password, audience))
}

// Refresh uses a refresh token and returns the next one; the test fails if there is none.
func (s *Service) Refresh(refreshToken string) string {
	s.t.Helper()
	return s.member("refresh_token", s.Post("/auth/refresh", map[string]string{"refresh_token": refreshToken}))
}

// AdminToken returns a token of the administrator for this service.
func (s *Service) AdminToken() string {
	s.t.Helper()
	return s.Login(s.AdminUsername, s.AdminPassword.Reveal(), "")
}

// Token returns a token for a machine; the test fails if there is none. Members are
// those of the request but audience.
func (s *Service) Token(audience string, members map[string]string) string {
	s.t.Helper()
	body := map[string]string{"audience": audience}
	maps.Copy(body, members)
	return s.member("token", s.Post("/auth/token", body))
}

// member returns a member of a good answer.
func (s *Service) member(name string, r Response) string {
	s.t.Helper()
	text, _ := s.Object(r)[name].(string)
	if r.Status != http.StatusOK || text == "" {
		s.t.Fatalf("no %s: status %d\n%s", name, r.Status, r.Body)
	}
	return text
}

// JWKS returns the published keys.
func (s *Service) JWKS() []byte {
	s.t.Helper()
	r := s.Get("/.well-known/jwks.json")
	if r.Status != http.StatusOK {
		s.t.Fatalf("no JWKS: status %d\n%s", r.Status, r.Body)
	}
	return r.Body
}
