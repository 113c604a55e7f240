package web_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// kit is a Router behind a real server, with what it logged.
type kit struct {
	*web.Router
	url  string
	addr string
	log  *buffer
}

// buffer is a bytes.Buffer that the server may write while a test reads.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newKit(t *testing.T, c web.Config) *kit {
	t.Helper()
	k := &kit{log: &buffer{}}
	c.Logger = slog.New(slog.NewJSONHandler(k.log, nil))
	var err error
	if k.Router, err = web.New(c); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(nil)
	s.Config = web.NewServer(web.ServerConfig{Handler: k.Router, Logger: c.Logger})
	s.Start()
	t.Cleanup(s.Close)
	k.url, k.addr = s.URL, s.Listener.Addr().String()
	return k
}

// records returns the log, one map a record, once it has at least n.
func (k *kit) records(t *testing.T, n int) []map[string]any {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); strings.Count(k.log.String(), "\n") < n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("want %d log records, got:\n%s", n, k.log)
		}
	}
	var records []map[string]any
	for line := range strings.Lines(k.log.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("log line %q: %v", line, err)
		}
		records = append(records, r)
	}
	return records
}

// requests returns those records that are of requests.
func (k *kit) requests(t *testing.T, n int) []map[string]any {
	t.Helper()
	return slices.DeleteFunc(k.records(t, n), func(r map[string]any) bool { return r["msg"] != "request" })
}

type answer struct {
	*http.Response
	body string
}

func (a answer) code(t *testing.T) string {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(a.body), &p); err != nil {
		t.Fatalf("%d %q: %v", a.StatusCode, a.body, err)
	}
	return p.Code
}

// do sends a request; headers are "Name: value" lines.
func (k *kit) do(t *testing.T, method, target string, body io.Reader, headers ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, k.url+target, body)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		t.Errorf("%s %s was redirected", method, target)
		return http.ErrUseLastResponse
	}}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return answer{res, string(b)}
}

// raw sends bytes over a connection of its own and returns all that comes back,
// and whether the server closed the connection. Sent to a server that rightly
// keeps the connection it takes long.
func (k *kit) raw(t *testing.T, text string) (reply string, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", k.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err = io.Copy(&got, conn)
	return got.String(), !errors.Is(err, os.ErrDeadlineExceeded)
}

// first sends bytes and returns the first response, without waiting for a
// close.
func (k *kit) first(t *testing.T, text string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", k.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// rawCode sends one request and returns the status and the code of its answer.
func (k *kit) rawCode(t *testing.T, text string) (int, string) {
	t.Helper()
	reply, _ := k.raw(t, text)
	res, err := http.ReadResponse(bufio.NewReader(strings.NewReader(reply)), nil)
	if err != nil {
		t.Fatalf("%q: %v", reply, err)
	}
	defer func() { _ = res.Body.Close() }()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, answer{res, string(b)}.code(t)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func ok(w http.ResponseWriter, _ *http.Request) error {
	return web.WriteJSON(w, http.StatusOK, map[string]string{"answer": "<ok>&"})
}

func fails(err error) web.Handler {
	return func(http.ResponseWriter, *http.Request) error { return err }
}
