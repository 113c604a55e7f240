package rest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// walk reads a list page by page and returns the ids of what is on it. between runs
// after each page.
func (d *desk) walk(path string, limit int, between func()) []string {
	d.Helper()
	ids, cursor := []string{}, ""
	for range 1000 {
		query := url.Values{}
		if limit > 0 {
			query.Set("limit", fmt.Sprint(limit))
		}
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		sign := "?"
		if strings.Contains(path, "?") {
			sign = "&"
		}
		r := d.asAdmin("GET", path+sign+query.Encode(), "")
		var page struct {
			Data []struct {
				ID, KID  string
				ClientID string `json:"client_id"`
			}
			NextCursor *string `json:"next_cursor"`
		}
		d.must(json.Unmarshal(r.Body, &page))
		if r.Status != 200 || page.Data == nil || limit > 0 && len(page.Data) > limit {
			d.Fatalf("%s limit %d: status %d %s", path, limit, r.Status, r.Body)
		}
		for _, item := range page.Data {
			ids = append(ids, item.ID+item.ClientID+item.KID)
		}
		if page.NextCursor == nil {
			return ids
		}
		if len(page.Data) == 0 || *page.NextCursor == cursor {
			d.Fatalf("%s limit %d: a page that leads nowhere", path, limit)
		}
		cursor = *page.NextCursor
		if between != nil {
			between()
		}
	}
	d.Fatalf("%s: no end", path)
	return nil
}

// fill makes seven more of everything and returns the lists there are.
func (d *desk) fill() []string {
	for i := range 7 {
		d.Clock.Move(time.Millisecond)
		name := fmt.Sprintf("user-%d", i)
		d.user(name, nil)
		d.Login(name, goodPassword, "")
		d.throttle(fmt.Sprintf("guessed-%d", i))
		d.wantStatus("a key", d.asAdmin("POST", "/api/keys", `{"algorithm":"ES256"}`), 201)
		d.client(fmt.Sprintf("client-%d", i), nil)
		d.role(fmt.Sprintf("role-%d", i))
		d.wantStatus("a revocation", d.asAdmin("POST", "/api/revocations", fmt.Sprintf(`{"kind":"jti","value":"jti-%d"}`, i)), 200)
		d.made("/api/audiences", map[string]any{"audience": fmt.Sprintf("audience-%d", i), "name": "x"})
		if i < 4 {
			d.wantStatus("a secret", d.asAdmin("POST", "/api/clients/client-0/secrets", "{}"), 201)
		}
	}
	d.must(d.StoreEvents(d.Context())) // of the logins, which come late
	return []string{"/api/users", "/api/clients", "/api/roles", "/api/audiences", "/api/audit", "/api/sessions", "/api/keys", "/api/throttles", "/api/revocations", "/api/clients/client-0/secrets"}
}

func TestPagesMakeTheWhole(t *testing.T) {
	d := newDesk(t)
	for _, path := range d.fill() {
		whole := d.walk(path, 0, nil)
		if len(whole) < 5 || len(slices.Compact(slices.Sorted(slices.Values(whole)))) != len(whole) {
			t.Errorf("%s: %d entries", path, len(whole))
		}
		for _, limit := range []int{1, 2, 3, len(whole), 200} {
			if got := d.walk(path, limit, nil); !slices.Equal(got, whole) {
				t.Errorf("%s by %d: %v, want %v", path, limit, got, whole)
			}
		}
	}
}

// Whatever comes and goes meanwhile, what stays is seen, and nothing twice.
func TestPagesWhileThingsChange(t *testing.T) {
	d := newDesk(t)
	n := 0
	for _, path := range d.fill() {
		kept := d.walk(path, 0, nil)
		var gone []string
		got := d.walk(path, 2, func() {
			n++
			d.Clock.Move(time.Millisecond)
			for _, prefix := range []string{"a", "user-3", "zz"} { // in front, among and behind
				name := fmt.Sprintf("%s%d", prefix, n)
				switch path {
				case "/api/users":
					gone = append(gone, last(d.user(name, nil)))
				case "/api/roles":
					gone = append(gone, last(d.role(name)))
				case "/api/audiences":
					gone = append(gone, d.made(path, map[string]any{"audience": name, "name": "x"}))
				case "/api/clients":
					gone = append(gone, last(d.client(name, nil)))
				case "/api/sessions":
					gone = append(gone, sidOf(t, d.Login("user-3", goodPassword, "")))
				}
			}
			if len(gone) > 5 {
				d.wantStatus("deleting", d.asAdmin("DELETE", path+"/"+gone[0], ""), 204)
				gone = gone[1:]
			}
		})
		if len(slices.Compact(slices.Sorted(slices.Values(got)))) != len(got) {
			t.Errorf("%s: something twice: %v", path, got)
		}
		if seen := slices.DeleteFunc(slices.Clone(got), func(id string) bool { return !slices.Contains(kept, id) }); !slices.Equal(seen, kept) {
			t.Errorf("%s: %v, want %v among them", path, seen, kept)
		}
	}
}

func TestForgedPages(t *testing.T) {
	d := newDesk(t)
	lists, cursors := d.fill(), map[string]string{}
	for _, path := range lists {
		cursors[path], _ = d.Object(d.asAdmin("GET", path+"?limit=1", ""))["next_cursor"].(string)
	}
	b64 := base64.RawURLEncoding.EncodeToString
	for _, path := range append(lists, "/api/clients/client-0/keys") {
		for _, limit := range []string{"0", "-1", "201", "1e9", "1000000000000000000000", "", "x", "1.0", "0x1", "%2b1x", "null"} {
			d.wantProblem(path+" limit "+limit, d.asAdmin("GET", path+"?limit="+limit, ""), 422, "invalid_request", fault{"limit", "invalid_value"})
		}
		name := strings.TrimPrefix(path, "/api/")
		name = name[strings.LastIndexByte(name, '/')+1:]
		forged := []string{
			"", "x", "!", "AAAA", b64([]byte("x")), b64([]byte(name)), b64([]byte(name + "\n")), b64([]byte(name + "\n\xff")), b64([]byte(name + "\na\x00b")),
			b64([]byte(strings.ToUpper(name) + "\nx")), "' OR 1=1--", strings.Repeat("A", 5000), cursors[path] + "=", cursors[path] + "A",
		}
		for other, cursor := range cursors {
			if other != path {
				forged = append(forged, cursor)
			}
		}
		for _, cursor := range forged {
			r := d.asAdmin("GET", path+"?"+url.Values{"cursor": {cursor}}.Encode(), "")
			d.wantProblem(path+" cursor "+cursor, r, 422, "invalid_request", fault{"cursor", "invalid_value"})
		}
		d.wantProblem("an unknown parameter", d.asAdmin("GET", path+"?offset=1", ""), 422, "invalid_request", fault{"offset", "unknown"})
		d.wantProblem("a parameter twice", d.asAdmin("GET", path+"?limit=1&limit=2", ""), 422, "invalid_request", fault{"limit", "invalid_value"})
		d.wantProblem("a NUL", d.asAdmin("GET", path+"?cursor=%00", ""), 422, "invalid_request", fault{"cursor", "invalid_value"})
	}
	for _, query := range []string{"enabled=1", "enabled=", "enabled=TRUE"} {
		d.wantProblem(query, d.asAdmin("GET", "/api/users?"+query, ""), 422, "invalid_request", fault{"enabled", "invalid_value"})
	}
	for _, name := range []string{"from", "to"} {
		for _, value := range []string{"", "yesterday", "2026-01-01", "0", "2026-13-01T00:00:00Z"} {
			d.wantProblem(name+"="+value, d.asAdmin("GET", "/api/audit?"+name+"="+value, ""), 422, "invalid_request", fault{name, "invalid_value"})
		}
	}
}

func TestUsersByNameAndState(t *testing.T) {
	d := newDesk(t)
	for _, name := range []string{"a", "a%b", "a_b", "axb", "ab", "élan", "éclair", "日本", "日本語", "z"} {
		d.user(name, map[string]any{"enabled": name != "axb" && name != "日本語"})
	}
	for _, tc := range []struct {
		query string
		want  []string
	}{
		{"username=a", []string{"a", "a%b", "a_b", "ab", "admin", "axb"}},
		{"username=A", []string{"a", "a%b", "a_b", "ab", "admin", "axb"}},
		{"username=a%25", []string{"a%b"}},
		{"username=a_", []string{"a_b"}},
		{"username=%25", nil},
		{"username=_", nil},
		{"username=%C3%A9", []string{"éclair", "élan"}},
		{"username=%C3%89", []string{"éclair", "élan"}},
		{"username=e%CC%81l", []string{"élan"}},
		{"username=%E6%97%A5%E6%9C%AC", []string{"日本", "日本語"}},
		{"username=%EF%BD%81%EF%BD%82", []string{"ab"}},
		{"username=a+b", nil},
		{"username=%27", nil},
		{"enabled=false", []string{"axb", "日本語"}},
		{"enabled=false&username=a", []string{"axb"}},
		{"enabled=true&username=a", []string{"a", "a%b", "a_b", "ab", "admin"}},
	} {
		for _, limit := range []int{0, 1, 2} {
			var got []string
			for _, id := range d.walk("/api/users?"+tc.query, limit, nil) {
				name, _ := d.get("/api/users/" + id)["username"].(string)
				got = append(got, name)
			}
			if !slices.Equal(got, tc.want) {
				t.Errorf("%s by %d: %q, want %q", tc.query, limit, got, tc.want)
			}
		}
	}
}
