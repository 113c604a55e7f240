package apidocs_test

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// Every file that a page names is there, of its type, and from our own host.
func TestPages(t *testing.T) {
	s := identitytest.New(t)
	for _, path := range []string{"/docs", "/redoc"} {
		page := s.Get(path)
		if page.Status != http.StatusOK || page.Header.Get("Content-Type") != "text/html; charset=utf-8" {
			t.Fatalf("%s: status %d, %s", path, page.Status, page.Header.Get("Content-Type"))
		}
		for _, banned := range []string{"<script>", "style=", "onload", "//"} {
			if bytes.Contains(page.Body, []byte(banned)) {
				t.Errorf("%s has %q in it", path, banned)
			}
		}
		names := regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllSubmatch(page.Body, -1)
		if len(names) < 6 {
			t.Errorf("%s names only %d files", path, len(names))
		}
		for _, name := range names {
			if string(name[1]) == "data:," { // no icon
				continue
			}
			file := s.Get("/" + string(name[1]))
			mediaType := file.Header.Get("Content-Type")
			wrong := strings.HasSuffix(string(name[1]), ".js") && mediaType != "text/javascript; charset=utf-8" ||
				strings.HasSuffix(string(name[1]), ".css") && mediaType != "text/css; charset=utf-8"
			if file.Status != http.StatusOK || wrong || len(file.Body) == 0 {
				t.Errorf("%s names %s: status %d, %s, %d bytes", path, name[1], file.Status, mediaType, len(file.Body))
			}
		}
	}
}

// The policy of the pages is strict, and theirs alone.
func TestPolicy(t *testing.T) {
	s := identitytest.New(t)
	for _, path := range []string{"/docs", "/redoc"} {
		header := s.Get(path).Header
		directives := map[string]string{}
		for directive := range strings.SplitSeq(header.Get("Content-Security-Policy"), ";") {
			name, sources, _ := strings.Cut(strings.TrimSpace(directive), " ")
			directives[name] = sources
		}
		for name, want := range map[string]string{
			"default-src": "'none'", "script-src": "'self'", "connect-src": "'self'", "img-src": "'self' data:",
			"base-uri": "'none'", "form-action": "'none'", "frame-ancestors": "'none'",
		} {
			if directives[name] != want {
				t.Errorf("%s: %s is %q, want %q", path, name, directives[name], want)
			}
		}
		if policy := header.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "*") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
		if header.Get("X-Content-Type-Options") != "nosniff" || header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: the headers are %v", path, header)
		}
	}
	for _, path := range []string{"/docs/docs.js", "/docs/nothing.js", "/openapi.json"} {
		if policy := s.Get(path).Header.Get("Content-Security-Policy"); policy != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: the policy is %q", path, policy)
		}
	}
}

// What is embedded compressed is the same to whoever takes it so and whoever does not.
func TestCompression(t *testing.T) {
	s := identitytest.New(t)
	const path = "/docs/swagger-ui.css"
	zipped, plain := s.Get(path, "Accept-Encoding", "gzip"), s.Get(path, "Accept-Encoding", "identity")
	z, err := gzip.NewReader(bytes.NewReader(zipped.Body))
	if err != nil {
		t.Fatal(err)
	}
	unzipped, err := io.ReadAll(z)
	if err != nil || !bytes.Equal(unzipped, plain.Body) {
		t.Errorf("the two are not the same: %v", err)
	}
	if plain.Header.Get("Content-Encoding") != "" || len(plain.Body) < 2*len(zipped.Body) {
		t.Errorf("%d bytes, and %d compressed", len(plain.Body), len(zipped.Body))
	}
}

func TestNoOtherFiles(t *testing.T) {
	s := identitytest.New(t)
	for _, path := range []string{"/docs/", "/docs/docs.html", "/docs/redoc.js", "/docs/swagger-ui.css.gz", "/redoc/..", "/docs/%2e%2e", "/docs/swagger-ui.css/x"} {
		if r := s.Get(path); r.Status != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", path, r.Status)
		}
	}
	if r := s.Get("/docs?url=https://elsewhere.test/openapi.json"); r.Status != http.StatusUnprocessableEntity {
		t.Errorf("with a query: status %d, want 422", r.Status)
	}
}

// The licences of what is in the binary can be read there.
func TestLicences(t *testing.T) {
	s := identitytest.New(t)
	for path, want := range map[string]string{
		"/docs/swagger-ui.LICENSE.txt": "Apache License", "/redoc/redoc.LICENSE.txt": "The MIT License",
	} {
		if r := s.Get(path); r.Status != http.StatusOK || !bytes.Contains(r.Body, []byte(want)) {
			t.Errorf("%s: status %d, without %q", path, r.Status, want)
		}
	}
}
