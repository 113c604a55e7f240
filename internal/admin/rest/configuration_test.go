package rest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// shape is the answer as it goes over the wire.
func shape(key jose.PrivateKey, algorithm string, expiration int, issuer string, refreshes, grace, age, interval int, updated time.Time) string {
	escaped, _ := json.Marshal(key.Public().PEM())
	return fmt.Sprintf(`{"public_key":%s,"kid":"%s","algorithm":"%s","jwt_expiration":%d,"jwt_issuer":"%s","jwt_max_refreshes":%d,"refresh_grace":%d,"session_max_age":%d,"key_rotation_interval":%d,"updated_at":"%s"}`+"\n",
		escaped, key.Public().KID(), algorithm, expiration, issuer, refreshes, grace, age, interval, updated.Format(time.RFC3339Nano))
}

func TestWireShape(t *testing.T) {
	d := newDesk(t)
	key := d.Key(jose.ES384)
	created := d.Clock.Now()
	r := d.send("POST", object(map[string]any{"private_key": pemOf("PRIVATE KEY", key.PKCS8())}))
	d.wantStatus("POST of a key", r, 201)
	want := shape(key, "ES384", 900, d.Issuer, 100, 10, 2592000, 0, created)
	if string(r.Body) != want {
		t.Errorf("POST answers\n%s\nwant\n%s", r.Body, want)
	}
	d.Clock.Move(1500 * time.Millisecond)
	if got := d.send("GET", ""); got.Status != 200 || string(got.Body) != want || got.Header.Get("ETag") != r.Header.Get("ETag") || got.Header.Get("ETag") == "" {
		t.Errorf("GET answers %d with tag %s, after POST with tag %s\n%s", got.Status, got.Header.Get("ETag"), r.Header.Get("ETag"), got.Body)
	}

	r = d.send("PATCH", `{"jwt_expiration":60,"jwt_issuer":"urn:new","jwt_max_refreshes":0,"refresh_grace":0,"session_max_age":60,"key_rotation_interval":3600}`)
	d.wantStatus("PATCH of everything else", r, 200)
	want = shape(key, "ES384", 60, "urn:new", 0, 0, 60, 3600, d.Clock.Now())
	if string(r.Body) != want {
		t.Errorf("PATCH answers\n%s\nwant\n%s", r.Body, want)
	}
	for _, h := range []string{r.Header.Get("Content-Type"), r.Header.Get("Cache-Control")} {
		if h != "application/json" && h != "no-store" {
			t.Errorf("header %q", h)
		}
	}

	// What it is answers to nothing: the same values again are no change.
	d.bearer = d.AdminToken()
	d.Clock.Move(time.Second)
	same := d.send("PATCH", `{"jwt_expiration":60}`)
	if string(same.Body) != want || same.Header.Get("ETag") != r.Header.Get("ETag") {
		t.Errorf("PATCH of the same value answers\n%s", same.Body)
	}
	empty := d.send("PATCH", `{}`)
	if empty.Status != 200 || string(empty.Body) != want {
		t.Errorf("PATCH of nothing answers %d\n%s", empty.Status, empty.Body)
	}
	d.wantUnchanged("POST of nothing", func() {
		r := d.send("POST", `{}`)
		d.wantProblem("POST of nothing", r, 422, "invalid_request", fault{"", "missing"})
	})
}

// A change holds for the very next request.
func TestChangeHoldsAtOnce(t *testing.T) {
	d := newDesk(t)
	for seconds := 60; seconds < 70; seconds++ {
		d.wantStatus("PATCH", d.send("PATCH", fmt.Sprintf(`{"jwt_expiration":%d}`, seconds)), 200)
		r := d.Post("/auth/login", map[string]string{"username": d.AdminUsername, "password": d.AdminPassword.Reveal()})
		if got := d.Object(r)["expires_in"]; got != float64(seconds) {
			t.Fatalf("expires_in %v right after jwt_expiration became %d", got, seconds)
		}
	}
}

func TestBounds(t *testing.T) {
	d := newDesk(t)
	const (
		ok      = ""
		value   = "invalid_value"
		kind    = "wrong_type"
		unknown = "unknown"
	)
	quoted := func(s string) string { return `"` + s + `"` }
	for _, tc := range []struct{ member, value, fault string }{
		{"jwt_expiration", "29", value},
		{"jwt_expiration", "30", ok},
		{"jwt_expiration", "31", ok},
		{"jwt_expiration", "2592000", ok},
		{"jwt_expiration", "2592001", value},
		{"jwt_expiration", "0", value},
		{"jwt_expiration", "-900", value},
		{"jwt_expiration", "9223372036854775807", value},
		{"jwt_expiration", "-9223372036854775808", value},
		{"jwt_expiration", "9223372036854775808", value},
		{"jwt_expiration", "18446744134", value}, // 2^64 ns, and a minute
		{"jwt_expiration", "900.0", kind},
		{"jwt_expiration", "9e2", kind},
		{"jwt_max_refreshes", "-1", value},
		{"jwt_max_refreshes", "0", ok},
		{"jwt_max_refreshes", "100000", ok},
		{"jwt_max_refreshes", "100001", value},
		{"jwt_max_refreshes", "4294967296", value}, // 2^32
		{"jwt_max_refreshes", "9223372036854775807", value},
		{"refresh_grace", "-1", value},
		{"refresh_grace", "0", ok},
		{"refresh_grace", "60", ok},
		{"refresh_grace", "61", value},
		{"refresh_grace", "9223372036854775807", value},
		{"session_max_age", "0", value},
		{"session_max_age", "59", value},
		{"session_max_age", "60", ok},
		{"session_max_age", "31622400", ok},
		{"session_max_age", "31622401", value},
		{"session_max_age", "-60", value},
		{"session_max_age", "18446744134", value}, // 2^64 ns, and a minute
		{"session_max_age", "9223372036854775807", value},
		{"session_max_age", "3600.0", kind},
		{"key_rotation_interval", "-1", value},
		{"key_rotation_interval", "1", value},
		{"key_rotation_interval", "3599", value},
		{"key_rotation_interval", "3600", ok},
		{"key_rotation_interval", "86400000", ok},
		{"key_rotation_interval", "86400001", value},
		{"key_rotation_interval", "9223372036854775807", value},
		{"key_rotation_interval", "0", ok},
		{"epoch", "1", unknown},
		{"jwt_issuer", quoted(""), value},
		{"jwt_issuer", quoted("i"), ok},
		{"jwt_issuer", quoted("https://id.test/path?query"), ok},
		{"jwt_issuer", quoted("!~"), ok},
		{"jwt_issuer", quoted(strings.Repeat("i", 255)), ok},
		{"jwt_issuer", quoted(strings.Repeat("i", 256)), value},
		{"jwt_issuer", quoted("a b"), value},
		{"jwt_issuer", quoted(" a"), value},
		{"jwt_issuer", quoted("é"), value},
		{"jwt_issuer", quoted(`a\nb`), value},
		{"jwt_issuer", quoted(`a\u007f`), value},
		{"private_key", quoted(""), value},
		{"public_key", quoted(""), value},
		{"JWT_EXPIRATION", "60", unknown},
		{"jwt_Issuer", quoted("x"), unknown},
		{"kid", quoted("x"), unknown},
		{"algorithm", quoted("none"), unknown},
		{"updated_at", quoted("2026-01-01T00:00:00Z"), unknown},
		{"", "1", unknown},
	} {
		d.wantBound(tc.member, tc.value, tc.fault)
	}
	for _, member := range []string{"jwt_expiration", "jwt_max_refreshes", "refresh_grace", "session_max_age", "key_rotation_interval", "jwt_issuer", "private_key", "public_key"} {
		for _, v := range []string{"null", "true", "[]", "{}", `[900]`, `{"a":1}`} {
			d.wantBound(member, v, kind)
		}
		if strings.HasPrefix(member, "jwt_issuer") || strings.HasSuffix(member, "_key") {
			d.wantBound(member, "1", kind)
		} else {
			d.wantBound(member, `"900"`, kind)
		}
	}
}

// wantBound sends one member by both methods.
func (d *desk) wantBound(member, value, wrong string) {
	d.Helper()
	body := fmt.Sprintf(`{%q:%s}`, member, value)
	for method, good := range map[string]int{"POST": 201, "PATCH": 200} {
		d.bearer = d.AdminToken() // a new issuer is a new audience
		if wrong == "" {
			r := d.send(method, body)
			d.wantStatus(method+" "+body, r, good)
			if !strings.Contains(string(r.Body), fmt.Sprintf(`%q:%s`, member, value)) {
				d.Errorf("%s %s answers %s", method, body, r.Body)
			}
			continue
		}
		shown := member
		if shown == "" {
			shown = "(not shown)"
		}
		d.wantUnchanged(body, func() {
			d.wantProblem(method+" "+body, d.send(method, body), 422, "invalid_request", fault{shown, wrong})
		})
	}
}

func TestFaultsTogether(t *testing.T) {
	d := newDesk(t)
	d.wantUnchanged("faults", func() {
		d.wantProblem("types and names", d.send("PATCH", `{"jwt_issuer":7,"colour":1,"jwt_expiration":"x","refresh_grace":null,"size":{}}`), 422, "invalid_request",
			fault{"jwt_expiration", "wrong_type"}, fault{"refresh_grace", "wrong_type"}, fault{"jwt_issuer", "wrong_type"},
			fault{"colour", "unknown"}, fault{"size", "unknown"})
		d.wantProblem("values", d.send("PATCH", `{"jwt_issuer":"","jwt_expiration":1,"refresh_grace":99,"jwt_max_refreshes":-1,"private_key":"x"}`), 422, "invalid_request",
			fault{"private_key", "invalid_value"}, fault{"jwt_issuer", "invalid_value"}, fault{"jwt_expiration", "invalid_value"},
			fault{"jwt_max_refreshes", "invalid_value"}, fault{"refresh_grace", "invalid_value"})
	})
}

func TestBadJSON(t *testing.T) {
	d := newDesk(t)
	d.wantUnchanged("bad JSON", func() {
		for _, body := range []string{
			"", "{", "[]", "null", `"x"`, "1", `{"jwt_expiration":60}{}`, `{"jwt_expiration":60,"jwt_expiration":70}`, `{"jwt_expiration":60,}`,
			`{"jwt_issuer":"a\u0000b"}`, "{\"jwt_issuer\":\"\xff\"}", `{"jwt_issuer":"\ud800"}`, `{jwt_expiration:60}`, "\ufeff{}", `{"jwt_expiration":060}`,
		} {
			for _, method := range []string{"POST", "PATCH"} {
				d.wantProblem(fmt.Sprintf("%s %q", method, body), d.send(method, body, "Content-Type", "application/json"), 400, "invalid_json")
			}
		}
	})
}

func TestMediaTypes(t *testing.T) {
	d := newDesk(t)
	for _, tc := range []struct {
		mediaType   string
		post, patch int
	}{
		{"application/json", 201, 200},
		{"application/json; charset=utf-8", 201, 200},
		{"application/merge-patch+json", 415, 200},
		{"application/json-patch+json", 415, 415},
		{"application/x-www-form-urlencoded", 415, 415},
		{"text/plain", 415, 415},
		{"", 415, 415},
	} {
		for method, want := range map[string]int{"POST": tc.post, "PATCH": tc.patch} {
			r := d.send(method, `{"refresh_grace":5}`, "Content-Type", tc.mediaType)
			if want == 415 {
				d.wantProblem(method+" "+tc.mediaType, r, want, "unsupported_media_type")
			} else {
				d.wantStatus(method+" "+tc.mediaType, r, want)
			}
		}
	}
	d.wantProblem("encoded", d.send("PATCH", `{"refresh_grace":6}`, "Content-Encoding", "gzip"), 415, "unsupported_media_type")
}

func TestIfMatch(t *testing.T) {
	d := newDesk(t)
	tag := func() string { return d.send("GET", "").Header.Get("ETag") }
	stale := tag()
	d.wantStatus("a change", d.send("PATCH", `{"refresh_grace":1}`), 200)
	grace := 2
	for _, tc := range []struct {
		name  string
		match func() string
		good  bool
	}{
		{"the tag", tag, true},
		{"the tag among others", func() string { return `"x", ` + tag() }, true},
		{"any", func() string { return "*" }, true},
		{"stale", func() string { return stale }, false},
		{"weak", func() string { return "W/" + tag() }, false},
		{"without quotes", func() string { return strings.Trim(tag(), `"`) }, false},
		{"any among others", func() string { return `"x", *` }, false},
		{"empty", func() string { return "" }, false},
	} {
		for method, good := range map[string]int{"POST": 201, "PATCH": 200} {
			grace++
			body, match := fmt.Sprintf(`{"refresh_grace":%d}`, grace), tc.match()
			if tc.good {
				d.wantStatus(tc.name, d.send(method, body, "If-Match", match), good)
				continue
			}
			d.wantUnchanged(tc.name, func() {
				d.wantProblem(tc.name, d.send(method, body, "If-Match", match), 412, "precondition_failed")
			})
		}
	}

	// A key that was imported is another state as well.
	before := tag()
	d.wantStatus("a key", d.send("PATCH", object(map[string]any{"private_key": pemOf("PRIVATE KEY", d.Key(jose.ES256).PKCS8())})), 200)
	d.wantUnchanged("after a key", func() {
		d.wantProblem("after a key", d.send("PATCH", `{"refresh_grace":32}`, "If-Match", before), 412, "precondition_failed")
	})
}

func TestQueryIsRefused(t *testing.T) {
	d := newDesk(t)
	for _, method := range []string{"GET", "POST", "PATCH"} {
		body := map[string]string{"GET": "", "POST": `{"refresh_grace":5}`, "PATCH": `{"refresh_grace":5}`}[method]
		d.wantUnchanged(method, func() {
			r := d.Do(method, path+"?jwt_expiration=60", body, "Authorization", "Bearer "+d.bearer)
			d.wantProblem(method, r, 422, "invalid_request", fault{"jwt_expiration", "unknown"})
		})
	}
}

// Whoever may write the configuration may not take over the service.
func TestWriterSetsNeitherKeyNorIssuer(t *testing.T) {
	d := newDesk(t)
	d.AddUser("writer", "a long password", identity.PermissionConfigurationWrite, identity.PermissionConfigurationRead)
	d.bearer = d.Login("writer", "a long password", "")
	key := pemOf("PRIVATE KEY", d.Key(jose.ES256).PKCS8())
	for name, members := range map[string]map[string]any{
		"private_key": {"private_key": key},
		"jwt_issuer":  {"jwt_issuer": "https://evil.test"},
		"both":        {"private_key": key, "jwt_issuer": "https://evil.test", "jwt_expiration": 60},
		"one and more": {
			"jwt_issuer": "https://evil.test", "jwt_expiration": 60,
		},
		// Whoever may not set it learns no more of what is wrong.
		"one of a wrong type": {"jwt_issuer": 5},
		"a bad one and more":  {"private_key": "x", "bogus": 1},
	} {
		for _, method := range []string{"POST", "PATCH"} {
			d.wantUnchanged(name, func() {
				r := d.send(method, object(members))
				d.wantProblem(name, r, 403, "insufficient_permission")
				if got := r.Header.Get("WWW-Authenticate"); got != `Bearer realm="identity", error="insufficient_scope"` {
					t.Errorf("%s: WWW-Authenticate %q", name, got)
				}
			})
		}
	}
	d.wantStatus("the rest", d.send("PATCH", `{"jwt_expiration":60,"jwt_max_refreshes":1,"refresh_grace":1}`), 200)
}
