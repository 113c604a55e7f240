package breach_test

import (
	"context"
	"crypto/sha1"
	"crypto/x509"
	"encoding/hex"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/breach"
)

const canary = "canary in a coal mine"

// digits are those of the password's SHA-1: the first 5 and the others.
func digits(password string) (prefix, suffix string) {
	sum := sha1.Sum([]byte(password))
	text := strings.ToUpper(hex.EncodeToString(sum[:]))
	return text[:5], text[5:]
}

// kit is a range service and one who asks it.
type kit struct {
	*testing.T
	cfg breach.Config
	log strings.Builder

	mu    sync.Mutex
	asked []*http.Request
}

// newKit starts a range service that answers so.
func newKit(t *testing.T, answer http.HandlerFunc) *kit {
	t.Helper()
	k := &kit{T: t}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		k.asked = append(k.asked, r)
		k.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	k.cfg = breach.Config{
		URL: server.URL + "/range", Timeout: time.Minute, Now: func() time.Time { return time.Unix(1, 0) },
		Logger: slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return k
}

func (k *kit) checker() *breach.Checker {
	k.Helper()
	c, err := breach.New(k.cfg)
	if err != nil {
		k.Fatal(err)
	}
	return c
}

// want asks once, and wants that said, counted and logged; nothing of the password is
// in the log.
func (k *kit) want(password string, known bool, counted breach.Stats, logged string) {
	k.Helper()
	c := k.checker()
	if got := c.Known(k.Context(), identity.NewSecret(password)); got != known {
		k.Errorf("known: %v, want %v", got, known)
	}
	if c.Stats() != counted {
		k.Errorf("counted %+v, want %+v", c.Stats(), counted)
	}
	log := k.log.String()
	if logged == "" && log != "" || !strings.Contains(log, logged) {
		k.Errorf("logged %q, want %q", log, logged)
	}
	prefix, suffix := digits(password)
	for _, part := range []string{password, prefix, suffix} {
		if strings.Contains(strings.ToUpper(log), strings.ToUpper(part)) {
			k.Errorf("%q is in the log: %s", part, log)
		}
	}
}

func answers(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
}

var (
	known   = breach.Stats{Known: 1}
	unknown = breach.Stats{Unknown: 1}
	failed  = breach.Stats{Failed: 1}
)

func TestAnswers(t *testing.T) {
	_, suffix := digits(canary)
	_, other := digits("another")
	line := func(suffix, count string) string { return suffix + ":" + count + "\r\n" }
	for name, c := range map[string]struct {
		body  string
		known bool
		count breach.Stats
		log   string
	}{
		"hit":                             {line(other, "3") + line(suffix, "42"), true, known, ""},
		"hit, no line feed at the end":    {line(other, "3") + suffix + ":1", true, known, ""},
		"hit, bare line feeds":            {other + ":3\n" + suffix + ":1\n", true, known, ""},
		"hit in lower case":               {line(strings.ToLower(suffix), "1"), true, known, ""},
		"hit beyond 64 bits":              {line(suffix, strings.Repeat("9", 40)), true, known, ""},
		"hit and padding of the same":     {line(suffix, "1") + line(suffix, "0"), true, known, ""},
		"miss":                            {line(other, "3"), false, unknown, ""},
		"empty":                           {"", false, unknown, ""},
		"padding":                         {line(other, "3") + line(suffix, "0"), false, unknown, ""},
		"padding with many zeros":         {line(suffix, "000"), false, unknown, ""},
		"garbage":                         {"<html>busy</html>", false, failed, "not a list of hashes"},
		"hit and then garbage":            {line(suffix, "1") + "<html>", false, failed, "not a list of hashes"},
		"hit and an empty line":           {line(suffix, "1") + "\r\n", false, failed, "not a list of hashes"},
		"no count":                        {suffix, false, failed, "not a list of hashes"},
		"empty count":                     {line(suffix, ""), false, failed, "not a list of hashes"},
		"negative count":                  {line(suffix, "-1"), false, failed, "not a list of hashes"},
		"fraction":                        {line(suffix, "1.5"), false, failed, "not a list of hashes"},
		"the whole hash":                  {line("AAAAA"+suffix, "1"), false, failed, "not a list of hashes"},
		"no digits":                       {line(strings.Repeat("Z", 35), "1"), false, failed, "not a list of hashes"},
		"spaces":                          {" " + line(suffix, "1"), false, failed, "not a list of hashes"},
		"as long as it may be, and a hit": {strings.Repeat(other+":1234567890\n", (1<<20)/47-1) + line(suffix, "1"), true, known, ""},
		"oversized":                       {line(suffix, "1") + strings.Repeat(line(other, "1"), 1<<15), false, failed, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			newKit(t, answers(c.body)).want(canary, c.known, c.count, c.log)
		})
	}
}

// Only the prefix leaves, the answer is asked to be padded, and the form is the one that
// is hashed.
func TestOnlyThePrefixLeaves(t *testing.T) {
	const composed, decomposed = "caf\u00e9 in the morning", "cafe\u0301 in the morning"
	prefix, suffix := digits(composed)
	k := newKit(t, answers(suffix+":1"))
	k.want(decomposed, true, known, "")
	if len(k.asked) != 1 {
		t.Fatalf("%d requests", len(k.asked))
	}
	r := k.asked[0]
	if r.Method != "GET" || r.RequestURI != "/range/"+prefix || r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
		t.Errorf("%s %s with %d bytes", r.Method, r.RequestURI, r.ContentLength)
	}
	if r.Header.Get("Add-Padding") != "true" {
		t.Error("no padding is asked for")
	}
	r.Header.Del("Add-Padding")
	if agent := r.Header.Get("User-Agent"); agent != "identity" {
		t.Errorf("user agent %q", agent)
	}
	r.Header.Del("User-Agent")
	if len(r.Header) > 0 {
		t.Errorf("it sends %v too", r.Header)
	}
}

func TestFailures(t *testing.T) {
	_, suffix := digits(canary)
	t.Run("status", func(t *testing.T) {
		for _, status := range []int{201, 204, 400, 401, 404, 429, 500, 503} {
			newKit(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(suffix + ":1"))
			}).want(canary, false, failed, "status")
		}
	})
	t.Run("redirect", func(t *testing.T) {
		elsewhere := newKit(t, answers(suffix+":1"))
		k := newKit(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.cfg.URL+"/AAAAA", http.StatusFound)
		})
		k.want(canary, false, failed, "status 302")
		if len(elsewhere.asked) > 0 {
			t.Error("it went where it was sent")
		}
	})
	t.Run("compressed", func(t *testing.T) {
		newKit(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Accept-Encoding") != "" {
				t.Error("it asks for compression")
			}
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("\x1f\x8b\x08\x00"))
		}).want(canary, false, failed, "not a list of hashes")
	})
	t.Run("cut off", func(t *testing.T) {
		newKit(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte(suffix + ":1\r\n"))
		}).want(canary, false, failed, "unexpected EOF")
	})
	t.Run("long header", func(t *testing.T) {
		newKit(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 1<<20))
			_, _ = w.Write([]byte(suffix + ":1\r\n"))
		}).want(canary, false, failed, "header")
	})
	t.Run("down", func(t *testing.T) {
		k := newKit(t, answers(""))
		server := httptest.NewServer(answers(""))
		k.cfg.URL = server.URL
		server.Close()
		k.want(canary, false, failed, "connection refused")
	})
	t.Run("caller who is gone", func(t *testing.T) {
		k := newKit(t, answers(suffix+":1"))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if k.checker().Known(ctx, identity.NewSecret(canary)) || len(k.asked) > 0 {
			t.Error("it was asked")
		}
	})
}

// A service that does not answer, or never ends, holds nobody up for longer than the
// timeout.
func TestSlow(t *testing.T) {
	_, suffix := digits(canary)
	for name, begin := range map[string]string{"no answer": "", "no end": suffix + ":1\r\n"} {
		t.Run(name, func(t *testing.T) {
			done := make(chan struct{})
			k := newKit(t, func(w http.ResponseWriter, _ *http.Request) {
				if begin != "" {
					_, _ = w.Write([]byte(begin))
					_ = http.NewResponseController(w).Flush()
				}
				<-done
			})
			t.Cleanup(func() { close(done) }) // before the server is closed, which waits for it
			k.cfg.Timeout = 50 * time.Millisecond
			k.want(canary, false, failed, "in time")
		})
	}
	t.Run("no handshake", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		k := newKit(t, answers(""))
		k.cfg.URL, k.cfg.Timeout = "https://"+l.Addr().String(), 50*time.Millisecond
		k.want(canary, false, failed, "in time")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.Copy(io.Discard, conn) // until it is given up, also by those who made it
	})
}

func TestTLSIsVerified(t *testing.T) {
	_, suffix := digits(canary)
	server := httptest.NewTLSServer(answers(suffix + ":1"))
	defer server.Close()
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	k := newKit(t, answers(""))
	k.cfg.URL = server.URL
	k.want(canary, false, failed, "certificate")
	k.log.Reset()
	k.cfg.Roots = x509.NewCertPool()
	k.cfg.Roots.AddCert(server.Certificate())
	k.want(canary, true, known, "")
	k.cfg.URL = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) // not in the certificate
	k.want(canary, false, failed, "certificate")
}

// One record a minute, which says how many it stands for.
func TestLogIsKeptShort(t *testing.T) {
	k := newKit(t, answers("garbage"))
	now := time.Unix(1000, 0)
	k.cfg.Now = func() time.Time { return now }
	c := k.checker()
	for range 5 {
		c.Known(t.Context(), identity.NewSecret(canary))
	}
	if n := strings.Count(k.log.String(), "\n"); n != 1 || !strings.Contains(k.log.String(), "since_the_last_record=0") {
		t.Errorf("%d records: %s", n, k.log.String())
	}
	now = now.Add(time.Minute)
	k.log.Reset()
	c.Known(t.Context(), identity.NewSecret(canary))
	if n := strings.Count(k.log.String(), "\n"); n != 1 || !strings.Contains(k.log.String(), "since_the_last_record=4") {
		t.Errorf("%d records: %s", n, k.log.String())
	}
	if got := c.Stats(); got.Failed != 6 {
		t.Errorf("counted %+v", got)
	}
}

func TestCheckURL(t *testing.T) {
	for text, ok := range map[string]bool{
		"https://api.pwnedpasswords.com/range":  true,
		"https://api.pwnedpasswords.com/range/": true,
		"https://range.example.com":             true,
		"https://[2001:db8::1]:8443/x/range":    true,
		"http://127.0.0.1:8000/range":           true,
		"http://[::1]/range":                    true,
		"http://localhost:8000":                 true,
		"http://api.pwnedpasswords.com/range":   false,
		"http://10.0.0.1/range":                 false,
		"http://localhost.example.com/range":    false,
		"http://127.0.0.1.example.com/range":    false,
		"http://2130706433/":                    false,
		"ftp://example.com/range":               false,
		"file:///etc/passwd":                    false,
		"https:range":                           false,
		"https:///range":                        false,
		"//example.com/range":                   false,
		"example.com/range":                     false,
		"https://user:pw@example.com/range":     false,
		"https://example.com/range?key=1":       false,
		"https://example.com/range?":            false,
		"https://example.com/range#x":           false,
		"https://exa mple.com/":                 false,
		"https://example.com/\r\nX: y":          false,
		"":                                      false,
	} {
		err := breach.CheckURL(text)
		if (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if err != nil && text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats %q", text)
		}
		if _, err := breach.New(breach.Config{URL: text, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}); (err == nil) != ok {
			t.Errorf("New with %q: %v", text, err)
		}
	}
	if _, err := breach.New(breach.Config{URL: "https://range.example.com"}); err == nil {
		t.Error("a Checker without clock and logger")
	}
}
