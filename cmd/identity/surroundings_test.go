package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// foreign FILE starts a server that is no identity service, and sets FOREIGN to where.
// Under /moved it redirects to elsewhere, under /garbage it answers with a problem that
// would steer a terminal. What it hears goes to the file.
func foreign(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: foreign FILE")
	}
	heard, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	var mu sync.Mutex
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(heard, "%s %s %v %s\n", r.Method, r.URL, r.Header, body)
		switch {
		case strings.HasPrefix(r.URL.Path, "/moved"):
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		case strings.HasPrefix(r.URL.Path, "/garbage"):
			w.WriteHeader(http.StatusUnprocessableEntity)
			fmt.Fprint(w, `{"code":"invalid_request","detail":"\u001b[31mred","errors":[{"loc":[],"msg":"x"}]}`)
		default:
			fmt.Fprint(w, "<html>A page</html>")
		}
	}))
	ts.Setenv("FOREIGN", server.URL)
	ts.Defer(func() {
		server.Close()
		heard.Close()
	})
}

// certificate CERT KEY writes a certificate for this machine, which is its own CA.
func certificate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: certificate CERT KEY")
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	ts.Check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	ts.Check(err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
}

// readme HEADING N runs the Nth block of shell lines under a heading of the README, at
// the service of the script. Its output is stdout for the script.
func readme(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: readme HEADING N")
	}
	text, err := os.ReadFile(filepath.Join(source, "../../README.md"))
	ts.Check(err)
	_, section, found := strings.Cut(string(text), "\n## "+args[0]+"\n")
	if !found {
		ts.Fatalf("the README has no %q", args[0])
	}
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "\n```sh\n")
	var n int
	if _, err := fmt.Sscan(args[1], &n); err != nil || n < 1 || n >= len(blocks) {
		ts.Fatalf("%q has %d blocks", args[0], len(blocks)-1)
	}
	lines, _, _ := strings.Cut(blocks[n], "\n```")
	lines = strings.NewReplacer("./identity", "identity", "https://id.example.com", ts.Getenv("URL"), "http://localhost:8080", ts.Getenv("URL")).Replace(lines)
	ts.Check(ts.Exec("sh", "-e", "-c", lines))
}
