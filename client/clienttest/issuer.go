package clienttest

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Where an Issuer serves things.
const (
	MetadataPath    = "/.well-known/openid-configuration"
	KeysPath        = "/.well-known/jwks.json"
	RevocationsPath = "/.well-known/revocation-list"
	TokenPath       = "/auth/token"
)

// listLife is how long a revocation list can be believed.
const listLife = 10 * time.Minute

// T is what is needed of a *testing.T.
type T interface {
	Helper()
	Cleanup(func())
}

// Issuer is an issuer. It is safe for concurrent use.
type Issuer struct {
	url  string
	http *http.Client

	mu      sync.Mutex
	keys    []signingKey // published; the last one signs
	entries []identity.Revocation
	shift   time.Duration
	failure int
	delay   time.Duration
	answers map[string]http.Handler
	asked   map[string]int
	clients map[string]Client
}

type signingKey struct {
	key jose.PrivateKey
	alg jose.Algorithm
}

// New starts an issuer on a port of this machine, until the end of the test. It signs with
// ES256.
func New(t T) *Issuer {
	t.Helper()
	i := &Issuer{}
	server := httptest.NewServer(i)
	t.Cleanup(server.Close)
	return i.begin(server.URL, server.Client())
}

// InProcess makes an issuer of this URL, such as "https://id.example.com", which only its
// HTTPClient reaches.
func InProcess(t T, url string) *Issuer {
	t.Helper()
	i := &Issuer{}
	return i.begin(url, &http.Client{Transport: inProcess{i}})
}

func (i *Issuer) begin(url string, client *http.Client) *Issuer {
	i.mu.Lock()
	i.url, i.http = url, client
	i.answers, i.asked, i.clients = map[string]http.Handler{}, map[string]int{}, map[string]Client{}
	i.mu.Unlock()
	i.Rotate()
	return i
}

// URL is where the issuer is, and what its tokens have as iss.
func (i *Issuer) URL() string { return i.url }

// HTTPClient reaches the issuer: it is for VerifierConfig and SourceConfig.
func (i *Issuer) HTTPClient() *http.Client { return i.http }

// Rotate has a new key sign from now on, and returns its id. Those before stay published.
func (i *Issuer) Rotate() (kid string) { return i.RotateTo(string(jose.ES256)) }

// RotateTo is Rotate to a key for this algorithm.
func (i *Issuer) RotateTo(algorithm string) (kid string) {
	alg, err := jose.ParseAlgorithm(algorithm)
	must(err)
	key, err := jose.GeneratePrivateKey(alg)
	must(err)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = append(i.keys, signingKey{key, alg})
	return key.Public().KID()
}

// Withdraw does not publish the key any more. The last one that there is stays.
func (i *Issuer) Withdraw(kid string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.keys) > 1 {
		i.keys = slices.DeleteFunc(i.keys, func(k signingKey) bool { return k.key.Public().KID() == kid })
	}
}

// Revoke revokes the tokens that were issued until now whose claim of this kind has the
// value, which is empty for identity.RevokedAll.
func (i *Issuer) Revoke(kind identity.RevocationKind, value string) {
	before := identity.IssuedBy(i.now())
	if kind == identity.RevokedKey { // what such a key signs later is no better
		before = before.Add(listLife + Lifetime)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.entries = append(i.entries, identity.Revocation{Kind: kind, Value: value, Before: before})
}

// SetClock sets the issuer's clock forward by so much, or back if it is negative, from the
// time that it really is.
func (i *Issuer) SetClock(by time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.shift = by
}

func (i *Issuer) now() time.Time {
	i.mu.Lock()
	defer i.mu.Unlock()
	return time.Now().Add(i.shift)
}

// Fail answers everything with this status; 0 ends that. A status of -1 breaks connections.
func (i *Issuer) Fail(status int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.failure = status
}

// Delay lets every answer wait so long; 0 ends that.
func (i *Issuer) Delay(by time.Duration) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.delay = by
}

// Answer has a handler answer at a path instead; nil ends that.
func (i *Issuer) Answer(path string, h http.Handler) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers[path] = h
}

// Asked is how many requests there were for a path.
func (i *Issuer) Asked(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[path]
}

// ServeHTTP implements http.Handler.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked[r.URL.Path]++
	delay, failure, instead := i.delay, i.failure, i.answers[r.URL.Path]
	i.mu.Unlock()
	select {
	case <-time.After(delay):
	case <-r.Context().Done():
		return
	}
	switch {
	case failure < 0:
		panic(http.ErrAbortHandler)
	case failure > 0:
		w.WriteHeader(failure)
	case instead != nil:
		instead.ServeHTTP(w, r)
	default:
		i.serve(w, r)
	}
}

func (i *Issuer) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case MetadataPath:
		i.write(w, http.StatusOK, api.Discovery{
			Issuer: i.url, JWKSURI: i.url + KeysPath, RevocationListURI: i.url + RevocationsPath,
		})
	case KeysPath:
		set := struct {
			Keys []jose.PublicKey `json:"keys"`
		}{i.published()}
		i.write(w, http.StatusOK, set)
	case RevocationsPath:
		w.Header().Set("Content-Type", "application/revocation-list+jwt")
		_, _ = io.WriteString(w, i.RevocationList()) //nolint:gosec // base64url and dots
	case TokenPath:
		i.issue(w, r)
	default:
		http.NotFound(w, r)
	}
}

// published are the public halves, each bound to its algorithm.
func (i *Issuer) published() []jose.PublicKey {
	i.mu.Lock()
	defer i.mu.Unlock()
	list := make([]jose.PublicKey, 0, len(i.keys))
	for _, k := range i.keys {
		bound, err := k.key.Public().Bind(k.alg)
		must(err)
		list = append(list, bound)
	}
	return list
}

// RevocationList is the list as it is served now.
func (i *Issuer) RevocationList() string {
	now := i.now()
	i.mu.Lock()
	defer i.mu.Unlock()
	entries := []map[string]any{}
	for _, r := range i.entries {
		entry := map[string]any{"kind": r.Kind, "before": r.Before.Unix()}
		if r.Kind != identity.RevokedAll {
			hash := r.Hash()
			entry["hash"] = base64.RawURLEncoding.EncodeToString(hash[:])
		}
		entries = append(entries, entry)
	}
	return i.sign("revocation-list+jwt", map[string]any{
		"iss": i.url, "iat": now.Unix(), "exp": now.Add(listLife).Unix(), "entries": entries,
	})
}

func (i *Issuer) write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	text, err := json.Marshal(body)
	must(err)
	w.WriteHeader(status)
	_, _ = w.Write(text) // that the caller has gone is no error of ours
}

// must panics for what cannot go wrong, or is wrong in the test: it may be called from a
// goroutine of the server, which cannot end the test otherwise.
func must(err error) {
	if err != nil {
		panic("clienttest: " + err.Error())
	}
}

// inProcess is an http.RoundTripper that calls the issuer.
type inProcess struct{ issuer *Issuer }

// RoundTrip implements http.RoundTripper.
func (p inProcess) RoundTrip(r *http.Request) (response *http.Response, err error) {
	defer func() {
		switch broken := recover(); broken {
		case nil:
		case http.ErrAbortHandler: // this is how a handler breaks a connection
			response, err = nil, http.ErrAbortHandler
		default:
			panic(broken)
		}
	}()
	recorder := httptest.NewRecorder()
	p.issuer.ServeHTTP(recorder, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return recorder.Result(), nil
}
