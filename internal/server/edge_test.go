package server_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/identitytest"
	"github.com/seed-60f9e3ad/identity/internal/server"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// raw sends bytes on a connection of their own and returns all that comes back
// until the service closes it.
func raw(t *testing.T, s *identitytest.Service, text string) (reply string, closed bool) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(conn)
	return string(got), err == nil
}

// Two readers that take the length of a request from different headers see
// different requests: what one takes for a body is a request to the other. RFC 9112
// section 6.1: one response, and the connection is closed.
func TestSmuggling(t *testing.T) {
	s := identitytest.New(t)
	login := fmt.Sprintf(`{"username":%q,"password":%q}`, s.AdminUsername, s.AdminPassword.Reveal())
	chunked := fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(login), login)
	const smuggled = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: h\r\n\r\n"
	head := "POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
	for name, text := range map[string]string{
		"Content-Length first":               head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(chunked)) + chunked + smuggled,
		"Transfer-Encoding first":            head + fmt.Sprintf("Transfer-Encoding: chunked\r\nContent-Length: %d\r\n\r\n", len(login)) + chunked + smuggled,
		"a length that covers what follows":  head + fmt.Sprintf("Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(chunked+smuggled)) + chunked + smuggled,
		"two lengths":                        head + fmt.Sprintf("Content-Length: %d\r\nContent-Length: 0\r\n\r\n", len(login)) + login + smuggled,
		"a length with a sign":               head + fmt.Sprintf("Content-Length: +%d\r\n\r\n", len(login)) + login + smuggled,
		"two encodings":                      head + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + chunked + smuggled,
		"a space before the colon":           head + "Transfer-Encoding : chunked\r\n\r\n" + chunked + smuggled,
		"a chunk that ends in a bare LF":     head + "Transfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\n%s\r\n0\r\n\r\n", len(login), login) + smuggled,
		"HTTP/1.0 with both, and keep-alive": strings.Replace(head, "HTTP/1.1", "HTTP/1.0", 1) + fmt.Sprintf("Connection: keep-alive\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n", len(login)) + login + smuggled,
	} {
		reply, closed := raw(t, s, text)
		if n := strings.Count(reply, "HTTP/1."); n != 1 || !closed || strings.Contains(reply, `"keys"`) {
			t.Errorf("%s: %d responses, closed %v: %.80q", name, n, closed, reply)
		}
	}
	// Without anything odd both requests are answered: the attack is one.
	both, _ := raw(t, s, head+fmt.Sprintf("Content-Length: %d\r\n\r\n", len(login))+login+strings.Replace(smuggled, "Host: h", "Host: h\r\nConnection: close", 1))
	if strings.Count(both, "HTTP/1.1 200") != 2 {
		t.Errorf("two plain requests: %.80q", both)
	}
}

// A request that waits for the database ends with its context.
func TestWaitingEndsWithTheRequest(t *testing.T) {
	s := identitytest.New(t)
	bearer := s.AdminToken()
	srv, err := server.New(server.Config{Installation: s.Installation, Logger: s.Logger})
	if err != nil {
		t.Fatal(err)
	}
	held, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- s.Installation.DB.Tx(context.Background(), func(*store.DB) error {
			close(held)
			<-release
			return nil
		})
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, http.MethodPatch, "/api/configuration", bytes.NewReader([]byte(`{"jwt_expiration":60}`)))
	request.Header.Set("Authorization", "Bearer "+bearer)
	request.Header.Set("Content-Type", "application/json")
	recorder := httptest.NewRecorder()
	began := time.Now()
	srv.Handler().ServeHTTP(recorder, request)
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	if recorder.Code != 503 || recorder.Header().Get("Retry-After") == "" || !strings.Contains(recorder.Body.String(), `"unavailable"`) {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	cfg, err := s.Installation.DB.Configuration(t.Context())
	if err != nil || cfg.Expiration != 900*time.Second {
		t.Errorf("what was given up was done all the same: %s, %v", cfg.Expiration, err)
	}
}

// What has no use any more goes when the service runs, however much of it there is,
// and nothing else.
func TestUpkeep(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{OwnUpkeep: true})
	s.Stop()
	now := s.Clock.Now().UnixMilli()
	const fill = `INSERT INTO spent_assertions (digest, expires_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT randomblob(32), ? FROM n`
	s.ChangeElsewhere("configuration", "", fill, 2500, now-1000)
	s.ChangeElsewhere("configuration", "", fill, 3, now+3_600_000)
	s.ChangeElsewhere("configuration", "", `UPDATE changes SET changed_at = 1`)
	again := identitytest.New(t, identitytest.Options{Database: s.Database, EncryptionKey: s.EncryptionKey, OwnUpkeep: true})
	eventually(t, "what has expired is gone", func() bool {
		tables := again.Tables()
		return strings.HasPrefix(tables["spent_assertions"], "3 rows") && strings.HasPrefix(tables["changes"], "1 rows")
	})
	again.AdminToken()
}
