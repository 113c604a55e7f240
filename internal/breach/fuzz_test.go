package breach_test

import (
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/breach"
)

var (
	answerForm = regexp.MustCompile(`\A([0-9A-Fa-f]{35}:[0-9]+\r?\n)*([0-9A-Fa-f]{35}:[0-9]+\r?)?\z`)
	hitForm    = regexp.MustCompile(`(?im)^0{34}A:0*[1-9]`)
)

// An answer is read as a regular expression reads it.
func FuzzAnswer(f *testing.F) {
	suffix := strings.Repeat("0", 34) + "A"
	for _, body := range []string{
		"", suffix + ":1", suffix + ":0\r\n" + suffix + ":10\r\n", strings.ToLower(suffix) + ":003\n", suffix + ":\n", suffix + ":1\r\r\n",
		suffix + "\n:1", "\r\n", "<html>", suffix + ":1\x00", suffix + ":\u0661", strings.Repeat("F", 35) + ":1\n\n" + suffix + ":2",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := breach.Listed(body, suffix)
		if wellFormed := answerForm.Match(body); (err == nil) != wellFormed {
			t.Fatalf("%q: %v", body, err)
		}
		if want := err == nil && hitForm.Match(body); got != want {
			t.Fatalf("%q: %v, want %v", body, got, want)
		}
	})
}

// Whatever address is accepted, a request for a prefix goes to its host, over TLS or
// not over a network.
func FuzzCheckURL(f *testing.F) {
	for _, text := range []string{
		"https://api.pwnedpasswords.com/range", "http://[::1]:8000/", "http://127.0.0.1%2eexample.com/", "https://a@b@c/", `https://a\@b/`,
		"https://example.com/%0d%0a", "https://example.com/..%2f", "http://[::1%25eth0]/", "http://[::1%25e\xe0th0]", "HTTPS://EXAMPLE.COM", "https://example.com:0x50/", "http://[::1]:",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if err := breach.CheckURL(text); err != nil {
			if text != "" && len(text) > 8 && strings.Contains(err.Error(), text) {
				t.Fatal("the error repeats it")
			}
			return
		}
		base, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		r, err := http.NewRequest(http.MethodGet, breach.RequestURL(text)+"ABCDE", nil)
		if err != nil {
			t.Fatalf("%q makes no request: %v", text, err)
		}
		if r.URL.Hostname() != base.Hostname() || r.URL.Port() != base.Port() || r.URL.User != nil || r.URL.RawQuery != "" || !strings.HasSuffix(r.URL.Path, "/ABCDE") {
			t.Fatalf("%q asks %s", text, r.URL)
		}
		host, _, _ := strings.Cut(base.Hostname(), "%") // a zone
		local := host == "localhost" || net.ParseIP(host).IsLoopback()
		if r.URL.Scheme != "https" && (r.URL.Scheme != "http" || !local) {
			t.Fatalf("%q is asked in the clear", text)
		}
	})
}
