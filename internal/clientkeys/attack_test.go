package clientkeys_test

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func newKitConfig() clientkeys.Config {
	return clientkeys.Config{Now: time.Now, Logger: discard}
}

// A server on this machine is not even connected to, unless it is allowed: by its address,
// by any spelling of it, or by a name.
func TestLocalServer(t *testing.T) {
	jwk, kid := newKey(t)
	for _, host := range []string{"127.0.0.1", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "localhost", "0", "0.0.0.0", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::]"} {
		k := newKit(t, answers(setOf(jwk)))
		var connected atomic.Int64
		k.server.Config.ConnState = func(net.Conn, http.ConnState) { connected.Add(1) }
		k.cfg.Networks = nil
		k.want.URI = strings.Replace(k.want.URI, "127.0.0.1", host, 1)
		if set, err := k.keys(""); err == nil || set != nil {
			t.Errorf("%s: its keys are %q", host, set.KIDs())
		}
		if connected.Load() > 0 {
			t.Errorf("%s: it was connected to", host)
		}
	}
	newKit(t, answers(setOf(jwk))).gets("", 1, kid)
}

// A name gets no further than to addresses that are allowed, whatever it is resolved to.
func TestNames(t *testing.T) {
	jwk, kid := newKey(t)
	for _, address := range notPublic {
		if a := netip.MustParseAddr(address); address == "127.0.0.1" || !a.Is4() {
			continue // that is what the kit allows; IPv6 is not everywhere, and judged by the same rule
		}
		k := newKit(t, answers(setOf(jwk)))
		k.named([]string{address})
		k.refused(0, "its host has the address "+address+", which is not public")
	}
	t.Run("mapped", func(t *testing.T) {
		k := newKit(t, answers(setOf(jwk)))
		k.cfg.Networks = nil
		k.named([]string{"::ffff:127.0.0.1"})
		k.refused(0, "its host has the address 127.0.0.1, which")
	})
	t.Run("several", func(t *testing.T) {
		k := newKit(t, answers(setOf(jwk)))
		k.named([]string{"10.0.0.1", "127.0.0.1", "169.254.169.254"})
		k.gets("", 1, kid)
	})
	t.Run("none", func(t *testing.T) {
		k := newKit(t, answers(setOf(jwk)))
		k.named([]string{})
		k.refused(0, "its host has no address")
	})
}

// A name that leads elsewhere the next time is judged by where it leads then.
func TestRebinding(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.named([]string{"127.0.0.1"}, []string{"127.0.0.2"}, []string{"10.0.0.1"}, []string{"127.0.0.1"})
	k.gets("", 1, kid)
	for range 2 {
		k.pass(5 * time.Minute)
		k.gets("", 1, kid) // the last good keys
	}
	if log := k.log.String(); !strings.Contains(log, "127.0.0.2, which is not public") {
		t.Error(log)
	}
	k.pass(5 * time.Minute)
	k.gets("", 2, kid)
}

// Whoever is asked cannot send the request elsewhere.
func TestRedirects(t *testing.T) {
	jwk, _ := newKey(t)
	elsewhere := newKit(t, answers(setOf(jwk)))
	for _, status := range []int{300, 301, 302, 303, 305, 307, 308} {
		for _, to := range []string{elsewhere.want.URI, "http://169.254.169.254/", "/keys2", "file:///etc/passwd"} {
			k := newKit(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", to)
				w.Header().Set("Content-Type", "application/json")
				w.WriteHeader(status)
				_, _ = w.Write([]byte(setOf(jwk)))
			})
			k.refused(1, fmt.Sprintf("its answer has status %d", status))
		}
	}
	elsewhere.requests(0)
}

// proxied counts the requests to what the environment of all tests says is a proxy: the
// standard library reads that once.
var proxied atomic.Int64

func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { proxied.Add(1) }))
	defer proxy.Close()
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if err := os.Setenv(name, proxy.URL); err != nil {
			panic(err)
		}
	}
	m.Run()
}

// The environment's proxy is not used: it would resolve the name itself.
func TestNoProxy(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, answers(setOf(jwk)))
	k.named([]string{"127.0.0.1"})
	k.gets("", 1, kid)
	if proxied.Load() > 0 {
		t.Error("it went by the proxy")
	}
}

// Only the URL is sent, and nothing of this service but its name.
func TestRequest(t *testing.T) {
	jwk, kid := newKey(t)
	k := newKit(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Set-Cookie", "a=b; Path=/")
		answers(setOf(jwk))(w, nil)
	})
	k.gets("", 1, kid)
	k.pass(5 * time.Minute)
	k.gets("", 2, kid)
	r := k.last
	if r.Method != "GET" || r.RequestURI != "/keys?x="+canary || r.ContentLength != 0 || len(r.TransferEncoding) > 0 || r.ProtoMajor != 1 {
		t.Errorf("%s %s %s with %d bytes", r.Method, r.RequestURI, r.Proto, r.ContentLength)
	}
	for name, want := range map[string]string{"User-Agent": "identity", "Accept": "application/jwk-set+json, application/json", "Connection": "close"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
		r.Header.Del(name)
	}
	if len(r.Header) > 0 {
		t.Errorf("it sends %v too", r.Header)
	}
}

func TestTLSIsVerified(t *testing.T) {
	jwk, kid := newKey(t)
	for name, c := range map[string]struct {
		change func(*kit)
		reason string
	}{
		"unknown authority":           {func(k *kit) { k.cfg.Roots = x509.NewCertPool() }, "unknown authority"},
		"authorities of this machine": {func(k *kit) { k.cfg.Roots = nil }, "unknown authority"},
		"other name": {func(k *kit) {
			k.named([]string{"127.0.0.1"})
			k.want.URI = strings.Replace(k.want.URI, "example.com", "example.net", 1)
		}, "is not for example.net"},
		"no TLS": {func(k *kit) {
			open := httptest.NewServer(answers(setOf(jwk)))
			k.Cleanup(open.Close)
			k.want.URI = strings.Replace(open.URL, "http:", "https:", 1)
		}, "does not speak HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, answers(setOf(jwk)))
			c.change(k)
			k.refused(0, c.reason)
		})
	}
	t.Run("old version", func(t *testing.T) {
		k := newKit(t, answers(setOf(jwk)))
		old := httptest.NewUnstartedServer(answers(setOf(jwk)))
		old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
		old.Config.ErrorLog = k.server.Config.ErrorLog
		old.StartTLS()
		t.Cleanup(old.Close)
		k.want.URI = old.URL
		k.refused(0, "does not speak HTTP")
	})
	newKit(t, answers(setOf(jwk))).gets("", 1, kid)
}

// In the clear only what is allowed is reached, and nothing at all if nothing is.
func TestInTheClear(t *testing.T) {
	jwk, kid := newKey(t)
	server := func(t *testing.T) *kit {
		k := newKit(t, answers(setOf(jwk)))
		open := httptest.NewServer(http.HandlerFunc(k.serve))
		t.Cleanup(open.Close)
		k.want.URI = open.URL
		return k
	}
	server(t).gets("", 1, kid)
	k := server(t)
	k.cfg.Networks = nil
	k.refused(0, "its URL is not one that may be asked")
	k = server(t)
	k.cfg.Networks = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	k.named([]string{"8.8.8.8"}) // public, but in the clear
	k.refused(0, "its host has the address 8.8.8.8, which")
}

func TestHostileAnswers(t *testing.T) {
	jwk, kid := newKey(t)
	good := setOf(jwk)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(bytes.Repeat([]byte(" "), 10<<20))
	_ = z.Close()
	with := func(header, value, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set(header, value)
			_, _ = w.Write([]byte(body))
		}
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		reason string // empty if it is good
	}{
		"good":                       {answers(good), ""},
		"its own media type":         {with("Content-Type", "application/jwk-set+json", good), ""},
		"charset":                    {with("Content-Type", "Application/JSON; charset=utf-8", good), ""},
		"as long as it may be":       {answers(good + strings.Repeat(" ", 64<<10-len(good))), ""},
		"a byte longer":              {answers(good + strings.Repeat(" ", 64<<10-len(good)+1)), "more than 65536 bytes"},
		"said to be longer":          {with("Content-Length", "65537", good), "more than 65536 bytes"},
		"endless":                    {endless, "more than 65536 bytes"},
		"gzip bomb":                  {with("Content-Encoding", "gzip", packed.String()), "Content-Encoding"},
		"gzip bomb that is not said": {answers(packed.String()), "no JWK Set"},
		"long header":                {with("X-Long", strings.Repeat("x", 1<<20), good), "does not speak HTTP"},
		"cut off":                    {with("Content-Length", "1000", good), "cut off"},
		"hung up":                    {hangUp(""), "cut off"},
		"not HTTP":                   {hangUp("SSH-2.0-" + canary + "\r\n"), "does not speak HTTP"},
		"HTML":                       {with("Content-Type", "text/html", good), "neither application/json nor"},
		"plain text":                 {with("Content-Type", "text/plain", good), "neither application/json nor"},
		"no media type":              {with("Content-Type", "", good), "neither application/json nor"},
		"bad media type":             {with("Content-Type", "application/json; "+canary, good), "neither application/json nor"},
		"nothing":                    {answers(""), "no JWK Set"},
		"not JSON":                   {answers(canary), "no JWK Set"},
		"array":                      {answers("[" + good + "]"), "no JWK Set"},
		"twice":                      {answers(good + good), "no JWK Set"},
		"member twice":               {answers(`{"keys":[],"keys":[` + jwk + `]}`), "no JWK Set"},
		"other case":                 {answers(`{"Keys":[` + jwk + `]}`), `no member "keys"`},
		"no keys":                    {answers(`{}`), `no member "keys"`},
		"null":                       {answers(`{"keys":null}`), `no member "keys"`},
		"a key":                      {answers(jwk), `no member "keys"`},
		"keys as an object":          {answers(`{"keys":{"a":` + jwk + `}}`), "no JWK Set"},
		"not UTF-8":                  {answers("{\"keys\":[],\"" + canary + "\":\"\xff\"}"), "no JWK Set"},
		"byte order mark":            {answers("\ufeff" + good), "no JWK Set"},
		"deep":                       {answers(`{"keys":[],"a":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`), "no JWK Set"},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, c.answer)
			if c.reason == "" {
				k.gets("", 1, kid)
			} else {
				k.refused(1, c.reason)
			}
		})
	}
	for _, status := range []int{201, 202, 203, 204, 206, 400, 401, 403, 404, 410, 429, 500, 503} {
		k := newKit(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = w.Write([]byte(good))
		})
		k.refused(1, fmt.Sprintf("status %d", status))
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	for r.Context().Err() == nil {
		if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<10)); err != nil {
			return
		}
	}
}

// hangUp says this and closes the connection.
func hangUp(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = conn.Write([]byte(text))
		_ = conn.Close()
	}
}

// Whoever is slow, at whatever point, is given up.
func TestSlow(t *testing.T) {
	jwk, _ := newKey(t)
	drip := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(time.Millisecond)
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"no answer": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no end": func(w http.ResponseWriter, r *http.Request) {
			answers(setOf(jwk))(w, r)
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
		"byte by byte": drip,
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, answer)
			k.cfg.Timeout = 200 * time.Millisecond
			k.refused(1, "did not answer in time")
		})
	}
	t.Run("no handshake", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		k := newKit(t, answers(setOf(jwk)))
		k.cfg.Timeout = 50 * time.Millisecond
		k.want.URI = "https://" + l.Addr().String()
		k.refused(0, "did not answer in time")
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.Copy(io.Discard, conn) // until it is given up, also by those who made it
	})
	t.Run("no names", func(t *testing.T) {
		conn, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		k := newKit(t, answers(setOf(jwk)))
		k.cfg.Timeout = 50 * time.Millisecond
		k.named([]string{})
		k.cfg.Resolver = resolverAt(conn.LocalAddr())
		k.refused(0, "did not answer in time")
	})
	t.Run("nobody there", func(t *testing.T) {
		k := newKit(t, answers(setOf(jwk)))
		k.server.Close()
		k.refused(0, "connection refused")
	})
}

// The keys of a set that can verify are taken, and no others.
func TestKeys(t *testing.T) {
	jwk, kid := newKey(t)
	other, otherKID := newKey(t)
	private, err := jose.GeneratePrivateKey(jose.ES256)
	if err != nil {
		t.Fatal(err)
	}
	elliptic := private.Public().JWK()
	secret := strings.TrimSuffix(elliptic, "}") + `,"d":"jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}`
	for name, c := range map[string]struct {
		set  string
		kids []string
		log  string
	}{
		"none":           {setOf(), nil, ""},
		"two":            {setOf(jwk, other), []string{kid, otherKID}, ""},
		"private":        {setOf(secret, jwk), []string{kid}, "private or symmetric keys are published"},
		"private alone":  {setOf(secret), nil, "private or symmetric keys are published"},
		"symmetric":      {setOf(`{"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ"}`, jwk), []string{kid}, "private or symmetric keys are published"},
		"unknown kind":   {setOf(`{"kty":"AKP","alg":"ML-DSA-44","pub":"AA"}`, jwk), []string{kid}, ""},
		"to encrypt":     {setOf(strings.Replace(other, `"sig"`, `"enc"`, 1), jwk), []string{kid}, ""},
		"weak":           {setOf(`{"kty":"RSA","n":"`+strings.Repeat("A", 170)+`","e":"AQAB"}`, jwk), []string{kid}, ""},
		"no objects":     {setOf(`null`, `1`, `[]`, `"-----BEGIN PUBLIC KEY-----"`, jwk), []string{kid}, ""},
		"kid a number":   {setOf(strings.Replace(other, `"`+otherKID+`"`, "7", 1), jwk), []string{kid}, ""},
		"further words":  {strings.Replace(setOf(jwk), "{", `{"a":{"keys":[]},`, 1), []string{kid}, ""},
		"a remote chain": {setOf(strings.TrimSuffix(jwk, "}") + `,"x5u":"http://169.254.169.254/","jku":"http://169.254.169.254/"}`), []string{kid}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKit(t, answers(c.set))
			k.gets("", 1, c.kids...)
			if log := k.log.String(); c.log == "" && log != "" || !strings.Contains(log, c.log) {
				t.Errorf("log %q", log)
			}
		})
	}
}

// 20 keys are taken, however many there are.
func TestManyKeys(t *testing.T) {
	var good, kids []string
	for range 25 {
		jwk, kid := newKey(t)
		good, kids = append(good, jwk), append(kids, kid)
	}
	newKit(t, answers(setOf(good...))).gets("", 1, kids[:20]...)
	var bad []string
	for range 1000 {
		bad = append(bad, `{"kty":"OKP","crv":"Ed25519","x":"AA"}`)
	}
	newKit(t, answers(setOf(append(bad, good[0])...))).gets("", 1, kids[0])
}
