package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// Static is content that stays the same as long as the process lives.
type Static struct {
	mediaType string
	etag      string // without its quotes
	zipped    []byte // nil where there is only plain
	plain     func() ([]byte, error)
}

// NewStatic returns a Static of this content.
func NewStatic(mediaType string, content []byte) *Static {
	return &Static{mediaType: mediaType, etag: tagOf(content), plain: func() ([]byte, error) { return content, nil }}
}

// NewZipped returns a Static of content that is compressed by gzip (RFC 1952), and
// sent so to whoever takes it.
func NewZipped(mediaType string, zipped []byte) *Static {
	return &Static{mediaType: mediaType, etag: tagOf(zipped), zipped: zipped, plain: sync.OnceValues(func() ([]byte, error) { return unzip(zipped) })}
}

func tagOf(content []byte) string {
	sum := sha256.Sum256(content)
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Serve is a Handler. Anybody may keep the content for five minutes, and ask by its
// entity tag whether it is still the same. It takes no query.
func (s *Static) Serve(w http.ResponseWriter, r *http.Request) error {
	if err := NoQuery(r); err != nil {
		return err
	}
	h := w.Header()
	etag, body := `"`+s.etag+`"`, []byte(nil)
	if s.zipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if takesGzip(r) {
			// RFC 9110 section 8.8.3.3: each coding is a representation of its own.
			etag, body = `"`+s.etag+`-gzip"`, s.zipped
		}
	}
	h.Set("Cache-Control", "public, max-age=300")
	h.Set("ETag", etag)
	if NotModified(r, etag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if body == nil {
		var err error
		if body, err = s.plain(); err != nil {
			return fmt.Errorf("reading static content: %w", err)
		}
	} else {
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", s.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // that the caller has gone is no error of ours
	return nil
}

func unzip(zipped []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(zipped))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z) // #nosec G110 -- it is our own
}

// takesGzip reports whether the caller takes gzip (RFC 9110 section 12.5.3), named or
// as "*", and not with a weight of 0.
func takesGzip(r *http.Request) bool {
	takes := false
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(coding, " ", "")), ";")
		refused := strings.HasPrefix(weight, "q=0") && strings.Trim(weight[len("q=0"):], ".0") == ""
		if name == "gzip" || name == "x-gzip" {
			return !refused
		}
		takes = takes || name == "*" && !refused
	}
	return takes
}
