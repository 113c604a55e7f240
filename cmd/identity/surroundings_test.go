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
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
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

// page FILE HEADING N runs the Nth block of shell lines under a heading of a page of the
// documentation, or all of them, at the service of the script. The output is stdout for
// the script.
func page(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: page FILE HEADING N|all")
	}
	text, err := os.ReadFile(filepath.Join(source, "../..", args[0]))
	ts.Check(err)
	_, section, found := strings.Cut(string(text), "\n## "+args[1]+"\n")
	if !found {
		ts.Fatalf("%s has no %q", args[0], args[1])
	}
	section, _, _ = strings.Cut(section, "\n## ")
	blocks := strings.Split(section, "\n```sh\n")[1:]
	for i := range blocks {
		blocks[i], _, _ = strings.Cut(blocks[i], "\n```")
	}
	if args[2] != "all" {
		var n int
		if _, err := fmt.Sscan(args[2], &n); err != nil || n < 1 || n > len(blocks) {
			ts.Fatalf("%q has %d blocks", args[1], len(blocks))
		}
		blocks = blocks[n-1 : n]
	}
	lines := strings.Join(blocks, "\n")
	replaced := []string{"./identity", "identity", "https://id.example.com", ts.Getenv("URL"), "http://localhost:8080", ts.Getenv("URL")}
	for _, port := range []string{"8081", "8082"} {
		if strings.Contains(lines, port) {
			replaced = append(replaced, port, freePort(ts))
		}
	}
	ts.Check(ts.Exec("sh", "-e", "-c", strings.NewReplacer(replaced...).Replace(lines)))
}

// freePort is one that nobody uses now. It is below those that systems give to whoever
// does not name one: another test's connection would get it before the program does.
func freePort(ts *testscript.TestScript) string {
	for range 100 {
		port := strconv.Itoa(10_000 + mathrand.N(20_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			ts.Check(l.Close())
			return port
		}
	}
	ts.Fatalf("no port is free")
	return ""
}
