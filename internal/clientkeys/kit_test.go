package clientkeys_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// canary stands in a URL, and in answers: nothing of either may be in a log or an error.
const canary = "canary"

var (
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	start    = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
)

// kit is a client's server, which can be reached, and a Fetcher that asks it.
type kit struct {
	*testing.T
	server *httptest.Server
	cfg    clientkeys.Config
	f      *clientkeys.Fetcher
	want   clientkeys.Wanted
	asked  atomic.Int64
	log    lockedBuffer

	mu     sync.Mutex
	now    time.Time
	answer http.HandlerFunc
	last   *http.Request
}

// newKit starts a server with TLS that answers so.
func newKit(t *testing.T, answer http.HandlerFunc) *kit {
	t.Helper()
	k := &kit{T: t, now: start, answer: answer}
	k.server = httptest.NewUnstartedServer(http.HandlerFunc(k.serve))
	k.server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	k.server.StartTLS()
	t.Cleanup(k.server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(k.server.Certificate())
	k.cfg = clientkeys.Config{
		Networks: loopback, Roots: roots, Timeout: time.Minute, Now: k.time,
		Logger: slog.New(slog.NewTextHandler(&k.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	k.want = clientkeys.Wanted{ClientID: "machine", URI: k.server.URL + "/keys?x=" + canary, Algorithm: jose.EdDSA}
	return k
}

func (k *kit) serve(w http.ResponseWriter, r *http.Request) {
	k.asked.Add(1)
	k.mu.Lock()
	k.last = r
	answer := k.answer
	k.mu.Unlock()
	answer(w, r)
}

func (k *kit) time() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

func (k *kit) pass(d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.now = k.now.Add(d)
}

func (k *kit) nowAnswers(answer http.HandlerFunc) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.answer = answer
}

// fetcher is made of the configuration when it is first needed.
func (k *kit) fetcher() *clientkeys.Fetcher {
	k.Helper()
	if k.f == nil {
		f, err := clientkeys.New(k.cfg)
		if err != nil {
			k.Fatal(err)
		}
		k.f = f
	}
	return k.f
}

// keys asks for the keys, to verify a message with this kid.
func (k *kit) keys(kid string) (clientkeys.Set, error) {
	k.Helper()
	want := k.want
	want.KID = kid
	set, err := k.fetcher().Keys(k.Context(), want)
	for _, text := range []string{k.log.String(), errorText(err)} {
		if strings.Contains(text, canary) {
			k.Errorf("what came from elsewhere is repeated: %s", text)
		}
	}
	return set, err
}

// gets wants these keys, after so many requests in all.
func (k *kit) gets(kid string, requests int64, kids ...string) {
	k.Helper()
	set, err := k.keys(kid)
	if err != nil {
		k.Errorf("%v; log: %s", err, k.log.String())
	}
	if got := set.KIDs(); strings.Join(got, " ") != strings.Join(kids, " ") {
		k.Errorf("keys %q, want %q", got, kids)
	}
	k.requests(requests)
}

// refused wants no keys, for this reason, after so many requests in all.
func (k *kit) refused(requests int64, reason string) {
	k.Helper()
	set, err := k.keys("")
	if !errors.Is(err, clientkeys.ErrUnavailable) || !strings.Contains(errorText(err), reason) || set != nil {
		k.Errorf("%d keys and error %v, want %q", len(set), err, reason)
	}
	k.requests(requests)
}

func (k *kit) requests(want int64) {
	k.Helper()
	if got := k.asked.Load(); got != want {
		k.Errorf("%d requests, want %d", got, want)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// named has the URL lead to example.com, which the certificate is for as well, and each
// look-up of that to the next of these addresses, the last of them for ever.
func (k *kit) named(answers ...[]string) {
	k.Helper()
	k.want.URI = strings.Replace(k.want.URI, "127.0.0.1", "example.com", 1)
	k.cfg.Resolver = resolver(k.T, answers...)
}

// answers is an answer with a JWK Set.
func answers(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(text))
	}
}

// setOf is a JWK Set of keys.
func setOf(keys ...string) string { return `{"keys":[` + strings.Join(keys, ",") + `]}` }

// newKey is a new Ed25519 key as a JWK, and its thumbprint.
func newKey(t *testing.T) (jwk, kid string) {
	t.Helper()
	key, err := jose.GeneratePrivateKey(jose.EdDSA)
	if err != nil {
		t.Fatal(err)
	}
	return key.Public().JWK(), key.Public().KID()
}

// published is the key under another id than its thumbprint.
func published(jwk, kid, as string) string {
	return strings.Replace(jwk, `"kid":"`+kid+`"`, `"kid":"`+as+`"`, 1)
}

// lockedBuffer is a buffer that can be written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// resolver asks a server of names that is here, and answers every question for an address
// with the next list.
func resolver(t *testing.T, answers ...[]string) *net.Resolver {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	go serveNames(conn, answers)
	return resolverAt(conn.LocalAddr())
}

// serveNames speaks as much of RFC 1035 as it takes: A and AAAA of one name. A name is
// looked up once both were asked for.
func serveNames(conn net.PacketConn, answers [][]string) {
	const typeA, typeAAAA = 1, 28
	asked := map[uint16]int{}
	buffer := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buffer)
		if err != nil {
			return
		}
		question := buffer[12:n]
		question = question[:bytes.IndexByte(question, 0)+5]
		kind := binary.BigEndian.Uint16(question[len(question)-4:])
		list := answers[min(asked[kind], len(answers)-1)]
		asked[kind]++
		var records []byte
		count := uint16(0)
		for _, text := range list {
			address := netip.MustParseAddr(text)
			if address.Is4() != (kind == typeA) || kind != typeA && kind != typeAAAA {
				continue
			}
			count++
			records = append(records, 0xc0, 12) // the name of the question
			records = binary.BigEndian.AppendUint16(records, kind)
			records = append(records, 0, 1, 0, 0, 0, 0) // IN, not to be kept
			records = binary.BigEndian.AppendUint16(records, uint16(address.BitLen()/8))
			records = append(records, address.AsSlice()...)
		}
		reply := append([]byte{buffer[0], buffer[1], 0x81, 0x80, 0, 1}, binary.BigEndian.AppendUint16(nil, count)...)
		reply = append(append(append(reply, 0, 0, 0, 0), question...), records...)
		_, _ = conn.WriteTo(reply, from)
	}
}

// resolverAt asks a server of names that is there.
func resolverAt(address net.Addr) *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", address.String())
	}}
}

var discard = slog.New(slog.DiscardHandler)
