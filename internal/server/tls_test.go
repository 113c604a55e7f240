package server_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/server"
)

// site is a house served over TLS, with its certificate in files.
type site struct {
	*house
	*running
	cert, key string
}

func newSite(t *testing.T) *site {
	t.Helper()
	h := prepared(t)
	s := &site{house: h, cert: filepath.Join(t.TempDir(), "cert.pem"), key: filepath.Join(t.TempDir(), "key.pem")}
	s.replace(1, true, true)
	s.running = h.serve(server.Config{TLSCertFile: s.cert, TLSKeyFile: s.key})
	return s
}

// pair makes a certificate with the serial number, and its key.
func pair(t *testing.T, serial int64) (certificate, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err = x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	if key, err = x509.MarshalPKCS8PrivateKey(private); err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key})
}

// replace writes a new pair, or one half of it, and returns the other.
func (s *site) replace(serial int64, cert, key bool) (certificate, private []byte) {
	s.Helper()
	certificate, private = pair(s.T, serial)
	if cert {
		s.must(os.WriteFile(s.cert, certificate, 0o600))
	}
	if key {
		s.must(os.WriteFile(s.key, private, 0o600))
	}
	return certificate, private
}

// serial makes a new connection and returns the number of the certificate there.
func (s *site) serial() int64 {
	s.Helper()
	conn, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true})
	s.must(err)
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber.Int64()
}

// aSecondLater waits until the files are looked at again.
func aSecondLater() { time.Sleep(1050 * time.Millisecond) }

func TestTLS(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, tc := range map[string]struct {
		transport *http.Transport
		major     int
	}{
		"HTTP/2":   {&http.Transport{ForceAttemptHTTP2: true}, 2},
		"HTTP/1.1": {&http.Transport{TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}, 1},
	} {
		tc.transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
		response, err := (&http.Client{Transport: tc.transport}).Get("https://" + s.addr + "/healthz")
		s.must(err)
		s.must(response.Body.Close())
		if response.StatusCode != 200 || response.ProtoMajor != tc.major {
			t.Errorf("%s: %d over %s", name, response.StatusCode, response.Proto)
		}
		if got := response.Header.Get("Strict-Transport-Security"); got != "max-age=31536000" {
			t.Errorf("%s: Strict-Transport-Security %q", name, got)
		}
		tc.transport.CloseIdleConnections()
	}
	for version, good := range map[uint16]bool{tls.VersionTLS10: false, tls.VersionTLS11: false, tls.VersionTLS12: true, tls.VersionTLS13: true} {
		conn, err := tls.Dial("tcp", s.addr, &tls.Config{InsecureSkipVerify: true, MinVersion: version, MaxVersion: version})
		if (err == nil) != good {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if response, err := http.Get("http://" + s.addr + "/healthz"); err == nil {
		_ = response.Body.Close()
		if response.StatusCode != 400 {
			t.Errorf("without TLS: %d", response.StatusCode)
		}
	}
	s.must(s.stop())
}

func TestNoHSTSWithoutTLS(t *testing.T) {
	r := prepared(t).serve(server.Config{})
	response, err := http.Get("http://" + r.addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	// RFC 6797 section 7.2: not over plain HTTP.
	if got := response.Header.Values("Strict-Transport-Security"); len(got) != 0 {
		t.Errorf("Strict-Transport-Security %q", got)
	}
}

// The operators' port has no TLS, whatever the public one has.
func TestNoHSTSForOperators(t *testing.T) {
	s := newSite(t)
	srv, err := server.New(server.Config{Installation: s.open(), Logger: s.logger(), TLSCertFile: s.cert, TLSKeyFile: s.key, SeparateOps: true})
	s.must(err)
	for want, handler := range []http.Handler{srv.Operations(), srv.Handler()} { // none, and one
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/healthz", http.NoBody))
		if got := len(recorder.Header().Values("Strict-Transport-Security")); recorder.Code != 200 || got != want {
			t.Errorf("status %d with %d headers Strict-Transport-Security, want %d", recorder.Code, got, want)
		}
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	if got := s.serial(); got != 1 {
		t.Fatalf("serial %d", got)
	}
	s.replace(2, true, true)
	aSecondLater()
	if got := s.serial(); got != 2 {
		t.Errorf("after both files were replaced the certificate has serial %d", got)
	}
	if !strings.Contains(s.log.String(), "read again") {
		t.Error("the log does not say so")
	}
}

// While the files do not belong together the former pair serves.
func TestHalfReplacedCertificate(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serial()
	_, key := s.replace(2, true, false)
	aSecondLater()
	if got := s.serial(); got != 1 {
		t.Errorf("with half of the pair replaced the certificate has serial %d", got)
	}
	if log := s.log.String(); !strings.Contains(log, `"level":"WARN"`) || !strings.Contains(log, "the former one serves") {
		t.Error("the log does not warn")
	}
	s.must(os.WriteFile(s.key, key, 0o600))
	aSecondLater()
	if got := s.serial(); got != 2 {
		t.Errorf("with the other half replaced too the certificate has serial %d", got)
	}
}

func TestLostCertificateFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.serial()
	s.must(os.Remove(s.cert))
	s.must(os.WriteFile(s.key, []byte("garbage"), 0o600))
	aSecondLater()
	if got := s.serial(); got != 1 {
		t.Errorf("with its files gone the certificate has serial %d", got)
	}
}

func TestPairMustBelongTogether(t *testing.T) {
	s := newSite(t)
	other := filepath.Join(t.TempDir(), "other.pem")
	_, key := pair(t, 3)
	s.must(os.WriteFile(other, key, 0o600))
	_, err := server.New(server.Config{Installation: s.open(), Logger: s.logger(), TLSCertFile: s.cert, TLSKeyFile: other})
	if err == nil || !strings.Contains(err.Error(), "TLS_KEY_FILE") {
		t.Errorf("made with a key of another certificate: %v", err)
	}
}
