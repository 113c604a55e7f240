package web_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

func TestStatic(t *testing.T) {
	const content = "the content, the content, the content"
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = z.Write([]byte(content))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	router, err := web.New(web.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	router.Handle("GET", "/plain", web.NewStatic("text/plain", []byte(content)).Serve)
	router.Handle("GET", "/zipped", web.NewZipped("text/css", zipped.Bytes()).Serve)
	router.Handle("GET", "/broken", web.NewZipped("text/css", []byte("no gzip")).Serve)
	get := func(path string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Add(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		return w
	}
	for _, tc := range []struct {
		name, path, accept string
		zipped             bool
	}{
		{"plain", "/plain", "gzip", false},
		{"gzip", "/zipped", "gzip", true},
		{"a list", "/zipped", "deflate, gzip;q=0.5, br", true},
		{"anything", "/zipped", "*", true},
		{"nothing said", "/zipped", "", false},
		{"refused", "/zipped", "gzip;q=0, *", false},
		{"refused at length", "/zipped", "gzip; q=0.000", false},
		{"nearly refused", "/zipped", "gzip;q=0.001", true},
		{"anything refused", "/zipped", "*;q=0", false},
		{"another", "/zipped", "br", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var headers []string
			if tc.accept != "" {
				headers = []string{"Accept-Encoding", tc.accept}
			}
			w := get(tc.path, headers...)
			body := w.Body.Bytes()
			if got := w.Header().Get("Content-Encoding") == "gzip"; got != tc.zipped {
				t.Fatalf("zipped: %v, want %v", got, tc.zipped)
			}
			if tc.zipped {
				z, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				body, _ = io.ReadAll(z)
			}
			if w.Code != 200 || string(body) != content {
				t.Errorf("status %d, body %q", w.Code, body)
			}
			etag := w.Header().Get("ETag")
			again := get(tc.path, append(headers, "If-None-Match", etag)...)
			if again.Code != 304 || again.Body.Len() != 0 || again.Header().Get("ETag") != etag {
				t.Errorf("with its tag %s: status %d, tag %s, %d bytes", etag, again.Code, again.Header().Get("ETag"), again.Body.Len())
			}
		})
	}
	if a, b := get("/zipped"), get("/zipped", "Accept-Encoding", "gzip"); a.Header().Get("ETag") == b.Header().Get("ETag") {
		t.Error("both representations have the same tag")
	}
	if w := get("/plain?x=1"); w.Code != 422 {
		t.Errorf("with a query: status %d, want 422", w.Code)
	}
	if w := get("/broken"); w.Code != 500 || w.Header().Get("ETag") != "" {
		t.Errorf("broken: status %d, tag %q", w.Code, w.Header().Get("ETag"))
	}
}
