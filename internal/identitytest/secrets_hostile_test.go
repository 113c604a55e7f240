package identitytest_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// hostile sends every request to a route that has a secret where none belongs, or a fault
// beside one. Nothing of it is done.
func (d *driver) hostile(route web.Route, path, body string) {
	d.t.Helper()
	m, most := d.mark, web.MaxBody
	if route.Pattern == "/api/declaration" {
		most = 4 << 20
	}
	faults := []string{
		with(body, `"a":"`+strings.Repeat(m, most/len(m)+1)+`"`), fmt.Sprintf(`[%q]`, m),
		with(body, fmt.Sprintf(`"unknown":%q`, m)), with(body, fmt.Sprintf(`%q:1`, m)), with(body, fmt.Sprintf(`"a":{%q:[%q]}`, m, m)),
		with(body, fmt.Sprintf(`"a":%q,"a":%q`, m, m)), with(body, fmt.Sprintf(`%q:1,%q:2`, m, m)), with(body, fmt.Sprintf(`"a":{%q:1,%q:2}`, m, m)),
		body + fmt.Sprintf("{%q:1}", m), fmt.Sprintf(`{"a":%q`, m), fmt.Sprintf(`{%q`, m), fmt.Sprintf("%q", m), m,
		with(body, "\"a\":\""+m+"\xff\""), with(body, "\""+m+"\xff\":1"), with(body, `"a":"`+m+`\ud800"`), with(body, `"a":"`+m+`\u0000"`), with(body, "\"a\":\""+m+"\x01\""),
		with(body, `"a":`+strings.Repeat(`[`, 20)+`"`+m+`"`+strings.Repeat(`]`, 20)),
	}
	if body == "" {
		faults = faults[:3] // it is not read
	}
	for _, wrong := range faults {
		d.do(route, path, wrong)
	}
	for _, member := range membersOf(body) {
		for _, wrong := range []string{fmt.Sprintf(`[{"a":%q}]`, m), fmt.Sprintf(`{%q:%q}`, m, m), "7", "null"} {
			d.do(route, path, replaced(body, member, wrong))
		}
	}
	for _, media := range []string{"text/plain", "application/x-www-form-urlencoded", "application/json; charset=" + m, m + "/json", "application/json; " + m + "=1"} {
		d.do(route, path, with(body, fmt.Sprintf(`"a":%q`, m)), "Content-Type", media)
	}
	d.do(route, path, "grant_type=client_credentials&client_secret="+m, "Content-Type", "application/x-www-form-urlencoded")
	d.do(route, path, with(body, fmt.Sprintf(`"a":%q`, m)), "Content-Encoding", m)
	for _, query := range []string{"?x=" + m, "?password=" + url.QueryEscape(m+" ü"), "?" + m + "=1", "?" + m, "?%zz" + m, "?limit=" + m, "?cursor=" + m, "?limit=5&limit=" + m} {
		d.do(route, path+query, body)
	}
	// The path, and the method.
	d.do(web.Route{Method: route.Method, Pattern: "unmatched"}, path+"/"+m, body)
	d.do(web.Route{Method: route.Method, Pattern: "unmatched"}, "/"+m+path, body)
	for _, method := range []string{m, "PUT", "TRACE", "OPTIONS"} {
		d.send(method, route, path, with(body, fmt.Sprintf(`"a":%q`, m)), "Origin", "https://"+m+".test", "Access-Control-Request-Method", m)
	}
	for from, pattern := strings.Index(route.Pattern, "{"), route.Pattern; from >= 0; from = strings.Index(pattern, "{") {
		id, _, _ := strings.Cut(pattern[from:], "/")
		pattern = strings.Replace(pattern, id, m, 1)
		d.do(route, strings.NewReplacer("{id}", "none", "{sid}", "none", "{kid}", "none", "{file}", "none").Replace(pattern), body)
	}
	// Headers beside what is wrong without them, so that nothing is done.
	wrong := with(body, `"unknown":1`)
	for _, header := range []string{
		"Cookie", "User-Agent", "Referer", "Origin", "X-Forwarded-For", "Forwarded", "X-Real-Ip", "If-Match", "If-None-Match", "Accept", "Accept-Language",
		"Proxy-Authorization", "X-Api-Key", "X-Client-Secret", "Range",
	} {
		d.do(route, path, wrong, header, "x="+m)
	}
	d.do(route, path, wrong, "X-Request-Id", m+"!") // one without anything strange is a name that its sender chose
	d.do(route, path, wrong, "Cookie", "session="+m+"; other="+m)
	for _, authorization := range []string{
		"Bearer " + m, "Bearer " + d.admin + m, "Bearer " + m + "." + m + "." + m, "Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+m)), m, m + " x", "Bearer", "Bearer " + m + " " + m,
	} {
		d.do(route, path, wrong, "Authorization", authorization)
	}
}

// membersOf returns the names of the members of an object.
func membersOf(object string) []string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(object), &members) // none, where it is none
	return slices.Sorted(maps.Keys(members))
}

// replaced is the object with another value of a member.
func replaced(object, member, value string) string {
	var members map[string]json.RawMessage
	_ = json.Unmarshal([]byte(object), &members)
	members[member] = json.RawMessage(value)
	text, _ := json.Marshal(members)
	return string(text)
}
