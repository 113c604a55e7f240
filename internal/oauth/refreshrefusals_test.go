package oauth_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// What is wrong with a request as such is told before anybody looks at the token.
func TestRefreshAndLogoutRefusals(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{})
	for _, path := range []string{refreshPath, logoutPath} {
		t.Run(path, func(t *testing.T) {
			good := []any{"refresh_token", canary}
			rows := append(commonRefusals(path, object(good...)), memberRefusals("refresh_token", true, good...)...)
			rows = append(rows,
				refusal{name: "nothing", body: "{}", status: 422, code: "invalid_request", fields: []string{"body.refresh_token missing"}},
				refusal{name: "token with NUL", body: `{"refresh_token":"` + canary + `\u0000"}`, status: 400, code: "invalid_json"},
				refusal{name: "token in the query", path: path + "?refresh_token=" + canary, body: "{}", status: 422, code: "invalid_request",
					fields: []string{"body.refresh_token missing", "query.refresh_token unknown"}},
				refusal{name: "422 before 401", path: path + "?refresh_token=" + canary, body: object(good...), status: 422, code: "invalid_request",
					fields: []string{"query.refresh_token unknown"}},
				refusal{name: "password beside it", body: object("refresh_token", canary, "audience", "other"), status: 422, code: "invalid_request",
					fields: []string{"body.audience unknown"}},
				refusal{name: "form", body: "grant_type=refresh_token&refresh_token=" + canary, headers: []string{"Content-Type", "application/x-www-form-urlencoded"},
					status: 415, code: "unsupported_media_type"},
			)
			refuse(t, s, path, rows)
		})
	}
	wantStatus(t, use(s, logoutPath, begin(t, s).RefreshToken), 204)
}

// badTokens are what is no refresh token of this installation, though some are as near to
// one as it gets. good is one that is, of a session that has been refreshed once.
func badTokens(t *testing.T, s *identitytest.Service, good string) map[string]string {
	t.Helper()
	edit := func(f func(b []byte) []byte) string { return refreshText(f(refreshBytes(t, good))) }
	set := func(at int, value byte) string { return edit(func(b []byte) []byte { b[at] = value; return b }) }
	text := good[len(refreshPrefix):]
	bad := map[string]string{
		"empty":                   "",
		"random":                  canary,
		"prefix alone":            refreshPrefix,
		"no prefix":               text,
		"prefix twice":            refreshPrefix + good,
		"prefix in capitals":      "IDR_" + text,
		"prefix of a secret":      "ids_" + text,
		"access token":            begin(t, s).Token,
		"zeros":                   refreshText(make([]byte, refreshLength)),
		"version 0":               set(0, 0),
		"version 2":               set(0, 2),
		"count before, same MAC":  set(macAt-1, 0),
		"count after, same MAC":   set(macAt-1, 2),
		"highest count":           edit(func(b []byte) []byte { copy(b[countAt:], "\xff\xff\xff\xff"); return b }),
		"no MAC":                  edit(func(b []byte) []byte { return b[:macAt] }),
		"MAC of zeros":            edit(func(b []byte) []byte { clear(b[macAt:]); return b }),
		"half a MAC":              edit(func(b []byte) []byte { return b[:macAt+16] }),
		"a byte behind":           edit(func(b []byte) []byte { return append(b, 0) }),
		"cut off":                 good[:len(good)-1],
		"a character behind":      good + "A",
		"padded":                  good + "=",
		"padded as for one less":  good[:len(good)-2] + "==",
		"space behind":            good + " ",
		"space before":            " " + good,
		"line break behind":       good + "\n",
		"line break inside":       good[:40] + "\n" + good[40:],
		"line break for the last": good[:40] + "\r\n" + good[40:len(good)-2],
		"line breaks alone":       refreshPrefix + strings.Repeat("\n", len(text)),
		"twice":                   good + good,
		"60 KB":                   refreshPrefix + strings.Repeat("A", 60_000),
		"not ASCII":               good[:40] + "é" + good[42:],
		"full width":              "ｉｄｒ_" + text,
		"SQL":                     "' OR 1=1--",
		"bearer":                  "Bearer " + good,
	}
	for i := range refreshLength {
		bad[fmt.Sprintf("byte %d flipped", i)] = set(i, refreshBytes(t, good)[i]^0x80)
		bad[fmt.Sprintf("byte %d one off", i)] = set(i, refreshBytes(t, good)[i]^1)
	}
	return bad
}

// inStandardAlphabet begins sessions until a token has a character that the two alphabets
// of base64 have otherwise, and writes it in the other one.
func inStandardAlphabet(t *testing.T, s *identitytest.Service) string {
	t.Helper()
	for range 1000 {
		token := begin(t, s).RefreshToken
		text := base64.StdEncoding.EncodeToString(refreshBytes(t, token))
		if strings.ContainsAny(text, "+/") {
			return refreshPrefix + text
		}
	}
	t.Fatal("no token has one of those characters")
	return ""
}

// Whatever is wrong with a token, the answer is the same bytes, and nothing has happened.
func TestBadRefreshTokens(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{MaxRefreshes: ptr(1)})
	twin, _ := newSessions(t, admin.ConfigurationUpdate{}) // another installation that calls itself the same
	good := begin(t, s).RefreshToken
	bad := badTokens(t, s, refresh(t, s, good).RefreshToken)
	bad["standard alphabet"] = inStandardAlphabet(t, s)
	bad["another installation"] = begin(t, twin).RefreshToken
	bad["of a session that was ended"] = begin(t, s).RefreshToken
	wantStatus(t, use(s, logoutPath, bad["of a session that was ended"]), 204)
	exhausted := refresh(t, s, begin(t, s).RefreshToken).RefreshToken // good for logout

	before := s.Tables()
	var first identitytest.Response
	var firstName string
	answer := func(name, token string) {
		r := s.Do("POST", refreshPath, object("refresh_token", token), "X-Request-Id", "the-same")
		wantProblem(t, r, "POST", 401, "invalid_refresh_token", nil)
		s.WantNoCanary(canary, r)
		r.Header.Del("Date")
		if firstName == "" {
			first, firstName = r, name
		}
		if !bytes.Equal(first.Body, r.Body) {
			t.Errorf("%q and %q are told apart:\n%s%s", firstName, name, first.Body, r.Body)
		}
		if diff := cmp.Diff(first.Header, r.Header); diff != "" {
			t.Errorf("%q and %q are told apart by the header: %s", firstName, name, diff)
		}
	}
	for name, token := range bad {
		answer(name, token)
	}
	answer("refreshed as often as may be", exhausted)
	for name, token := range bad { // logout tells nobody
		if r := use(s, logoutPath, token); r.Status != 204 || len(r.Body) != 0 {
			t.Errorf("logout with %q: status %d with %d bytes", name, r.Status, len(r.Body))
		}
	}
	if diff := cmp.Diff(before, s.Tables()); diff != "" {
		t.Errorf("a bad token stored something: %s", diff)
	}
	if got := first.Header.Get("WWW-Authenticate"); got != `Identity realm="identity"` {
		t.Errorf("WWW-Authenticate is %q", got)
	}
	// The others differ from these by what has happened, not by what is told.
	s.Clock.Move(time.Hour)
	answer("used twice", good)
	refreshed := begin(t, s).RefreshToken
	s.Clock.Move(31 * 24 * time.Hour)
	answer("expired", refreshed)
}

// Ending all sessions makes every token worthless that was handed out before: by the
// epoch, and by the key, each of which is enough.
func TestTokensOfFormerEpoch(t *testing.T) {
	here, there := twoNodes(t)
	addUser(t, here, "alice", []string{"*"})
	token := begin(t, here).RefreshToken
	here.Clock.Move(time.Second)
	wantStatus(t, here.Do("DELETE", "/api/sessions", "", "Authorization", "Bearer "+here.AdminToken()), 204)
	wantDead(t, here, token)
	wantDead(t, there, token) // whatever a node remembers, the database knows better
	if by := endedBy(t, here, token); by != "" {
		t.Errorf("the row was touched: %q", by)
	}
	refresh(t, here, begin(t, here).RefreshToken)

	token = begin(t, here).RefreshToken
	here.Change("configuration", "", `UPDATE configuration SET epoch = epoch + 1`)
	wantDead(t, here, token)
	token = begin(t, here).RefreshToken
	here.Change("configuration", "", `UPDATE configuration SET epoch = epoch - 1`)
	wantDead(t, here, token)
}

// Browsers may refresh and log out from the allowed origins.
func TestCORSOfSessions(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{AllowedOrigins: []string{"https://app.test"}})
	for _, path := range []string{refreshPath, logoutPath} {
		for origin, want := range map[string]int{"https://app.test": 204, "https://evil.test": 405} {
			r := s.Do("OPTIONS", path, "", "Origin", origin, "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "content-type")
			if allowed := r.Header.Get("Access-Control-Allow-Origin"); r.Status != want || (allowed == origin) != (want == 204) {
				t.Errorf("%s from %s: status %d, allowed origin %q", path, origin, r.Status, allowed)
			}
		}
	}
}

// The form of a token is the one that docs/sessions.md tells.
func TestRefreshTokenForm(t *testing.T) {
	s, _ := newSessions(t, admin.ConfigurationUpdate{})
	first := begin(t, s).RefreshToken
	second := refresh(t, s, first).RefreshToken
	a, b := refreshBytes(t, first), refreshBytes(t, second)
	if len(first) != 80 || !bytes.Equal(a[:countAt], b[:countAt]) || countOf(t, first) != 0 || countOf(t, second) != 1 {
		t.Errorf("%d characters, counts %d and %d", len(first), countOf(t, first), countOf(t, second))
	}
	for i := macAt; i < refreshLength; i += 8 {
		if bytes.Equal(a[i:i+8], b[i:i+8]) {
			t.Errorf("the MACs of two tokens are the same from byte %d", i)
		}
	}
	if other := refreshBytes(t, begin(t, s).RefreshToken); !bytes.Equal(a[keyAt:sessionAt], other[keyAt:sessionAt]) || bytes.Equal(a[sessionAt:countAt], other[sessionAt:countAt]) {
		t.Error("two sessions have the same id, or keys of their own")
	}
}
