package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const jwksPath = "/.well-known/jwks.json"

// fetchKeys reads a JWKS from a URL or a file.
func fetchKeys(ctx context.Context, from string) ([]jose.PublicKey, error) {
	text, err := fetch(ctx, from)
	if err != nil {
		return nil, fmt.Errorf("the published keys: %w", err)
	}
	return parseKeys(text)
}

// parseKeys reads a JWKS (RFC 7517 section 5).
func parseKeys(text []byte) ([]jose.PublicKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &set); err != nil || set.Keys == nil {
		return nil, errors.New("the published keys: expected a JSON Web Key Set")
	}
	var keys []jose.PublicKey
	for _, k := range set.Keys {
		// RFC 7517 section 5: keys of a kind that is not known are ignored.
		if key, err := jose.ParsePublicKey(k); err == nil {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

const maxJWKS = 1 << 20

func fetch(ctx context.Context, from string) ([]byte, error) {
	if !strings.HasPrefix(from, "http://") && !strings.HasPrefix(from, "https://") {
		return os.ReadFile(from)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return nil, errors.New("expected a URL or a file") // the inner error would show a password in the URL
	}
	client := &http.Client{
		Timeout: 10 * time.Second,
		// Keys from elsewhere than asked are nobody's.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d, expected 200; redirects are not followed", redacted(from), response.StatusCode)
	}
	return io.ReadAll(io.LimitReader(response.Body, maxJWKS))
}

// redacted is a URL without its password; a file is as it is.
func redacted(from string) string {
	if u, err := url.Parse(from); err == nil && u.User != nil {
		return u.Redacted()
	}
	return from
}
