package identitytest_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"unicode"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// Whatever stands in what a caller chooses, a record of the log stays one line of text
// that moves no cursor: in names and headers of refused requests, and in those of good ones.
func TestLogCannotBeInjected(t *testing.T) {
	s := identitytest.New(t)
	bearer := "Bearer " + s.AdminToken()
	s.AddUser("ann", "a long enough password")
	injections := []string{
		"x\r\n{\"level\":\"ERROR\",\"msg\":\"forged\"}", "x\nlevel=ERROR msg=forged", "\x1b[2J\x1b]0;title\x07", "\u009b2J", "x\u2028level=ERROR\u2029x", "\u202etxt.exe", "\x7f\x08\x00", `x" level=ERROR msg="forged`,
	}
	for _, injection := range injections {
		s.Post("/auth/login", map[string]string{"username": injection, "password": injection})
		s.Post("/auth/token", map[string]string{"client_id": injection, "client_secret": injection, "signature": injection, "audience": "a"})
		s.Post("/auth/refresh", map[string]string{"refresh_token": injection})
		s.Post("/api/users", map[string]any{"username": injection, "password": "a long enough password", "metadata": map[string]any{"x": injection}}, "Authorization", bearer)
		s.Post("/api/clients", map[string]any{"name": injection}, "Authorization", bearer)
		s.Post("/api/roles", map[string]any{"name": injection, "permissions": []string{injection}}, "Authorization", bearer)
		body, err := json.Marshal(map[string]string{"username": "ann", "password": "a long enough password"})
		if err != nil {
			t.Fatal(err)
		}
		for _, header := range []string{"User-Agent", "X-Request-Id", "X-Forwarded-For", "Authorization"} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/auth/login", bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header[header] = []string{strings.Map(sendable, injection)}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
				t.Errorf("%s %q: status %d (%v)", header, injection, response.StatusCode, err)
			}
		}
	}
	records := strings.Count(s.Log.String(), "\n")
	if least := len(injections) * 10; records < least || strings.Count(s.TextLog.String(), "\n") != records {
		t.Errorf("%d records in JSON and %d in text, want the same and more than %d", records, strings.Count(s.TextLog.String(), "\n"), least)
	}
	for line := range strings.Lines(s.Log.String()) {
		if !json.Valid([]byte(line)) {
			t.Errorf("a line of the log is no JSON: %q", line)
		}
	}
	for form, text := range map[string]string{"JSON": s.Log.String(), "text": s.TextLog.String()} {
		if strings.Contains(text, "forged") {
			t.Errorf("what a caller chose is in the log in %s", form)
		}
		for _, r := range text {
			if r != '\n' && (unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)) {
				t.Fatalf("the log in %s has %U in it", form, r)
			}
		}
	}
}

// sendable leaves out what a header cannot have, and no client sends.
func sendable(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}
