package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/seed-60f9e3ad/identity/client"
	"github.com/seed-60f9e3ad/identity/client/clienttest"
)

// hosts are servers by their names, without a network. Each answers with its status, or
// redirects, and remembers what it was asked.
type hosts map[string]*host

type host struct {
	status   int
	redirect string
	tokens   []string // the Authorization of each request
	bodies   []string
}

// RoundTrip implements http.RoundTripper.
func (h hosts) RoundTrip(r *http.Request) (*http.Response, error) {
	to := h[r.URL.Host]
	to.tokens = append(to.tokens, r.Header.Get("Authorization"))
	body := ""
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		body = string(text)
	}
	to.bodies = append(to.bodies, body)
	w := httptest.NewRecorder()
	if to.redirect != "" {
		w.Header().Set("Location", to.redirect)
		w.WriteHeader(http.StatusTemporaryRedirect)
	} else {
		w.WriteHeader(to.status)
	}
	response := w.Result()
	response.Request = r
	return response, nil
}

const orders = "https://orders.example.com"

// newClient makes a client that sends tokens to orders, over these hosts.
func newClient(t *testing.T, issuer *clienttest.Issuer, over hosts) (*http.Client, *client.Source) {
	t.Helper()
	s := newSource(t, issuer)
	transport, err := s.Transport(over, orders)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Transport: transport}, s
}

func post(t *testing.T, c *http.Client, url string, body io.Reader) int {
	t.Helper()
	response, err := c.Post(url, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	return response.StatusCode
}

// TestTransport: the token goes to the origins that it is for, and to nobody else, whoever
// redirects.
func TestTransport(t *testing.T) {
	issuer := clienttest.New(t)
	over := hosts{
		"orders.example.com": {status: 200}, "ORDERS.example.com:443": {status: 200}, "orders.example.com:8443": {status: 200},
		"evil.example": {status: 200}, "stock.example.com": {redirect: orders + "/orders"},
	}
	c, s := newClient(t, issuer, over)
	want := "Bearer " + token(t, s)
	for url, sent := range map[string]bool{
		orders + "/orders": true, "https://ORDERS.example.com:443/": true,
		"https://orders.example.com:8443/": false, "http://orders.example.com/": false, "https://evil.example/": false,
	} {
		if status := post(t, c, url, strings.NewReader("an order")); status != http.StatusOK {
			t.Errorf("%s: %d", url, status)
		}
		to := over[strings.Split(url, "/")[2]]
		got := to.tokens[len(to.tokens)-1]
		if sent && got != want || !sent && got != "" || to.bodies[0] != "an order" {
			t.Errorf("%s: token %t, want %t; body %q", url, got != "", sent, to.bodies[0])
		}
	}
	over["orders.example.com"].redirect = "https://evil.example/collect"
	post(t, c, orders, strings.NewReader("x"))
	if to := over["evil.example"]; len(to.tokens) != 2 || to.tokens[1] != "" {
		t.Errorf("redirected: %d requests, the last with a token: %t", len(to.tokens), to.tokens[1] != "")
	}
}

// TestTransportLeavesRequests as they are, and who has an Authorization of its own keeps it.
func TestTransportLeavesRequests(t *testing.T) {
	over := hosts{"orders.example.com": {status: 200}}
	c, _ := newClient(t, clienttest.New(t), over)
	r, err := http.NewRequest(http.MethodGet, orders, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		response, err := c.Transport.RoundTrip(r)
		if err != nil || len(r.Header) > 0 {
			t.Fatalf("%v; the request has headers %v", err, r.Header)
		}
		_ = response.Body.Close()
		r.Header.Set("Authorization", "Basic own")
		response, err = c.Transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		r.Header.Del("Authorization")
	}
	if got := over["orders.example.com"].tokens; got[1] != "Basic own" || !strings.HasPrefix(got[0], "Bearer ") {
		t.Error("the caller's own Authorization is lost")
	}
}

// TestTransportRenews: a token that is refused is changed for another, once, where the
// request can be made again; one that is new is not to blame.
func TestTransportRenews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		over := hosts{"orders.example.com": {status: http.StatusUnauthorized}}
		c, _ := newClient(t, issuer, over)
		to := over["orders.example.com"]
		for range 5 {
			if status := post(t, c, orders, strings.NewReader("an order")); status != http.StatusUnauthorized {
				t.Fatalf("status %d", status)
			}
		}
		if len(to.tokens) != 5 || issuer.Asked(clienttest.TokenPath) != 1 {
			t.Errorf("new: %d requests, %d tokens", len(to.tokens), issuer.Asked(clienttest.TokenPath))
		}
		time.Sleep(time.Minute)
		to.tokens, to.bodies = nil, nil
		post(t, c, orders, strings.NewReader("an order"))
		if len(to.tokens) != 2 || to.tokens[0] == to.tokens[1] || to.bodies[0] != "an order" || to.bodies[1] != "an order" {
			t.Errorf("old: %d requests with %q", len(to.tokens), to.bodies)
		}
		time.Sleep(time.Minute)
		to.tokens = nil
		post(t, c, orders, io.MultiReader(strings.NewReader("a stream")))
		if len(to.tokens) != 1 {
			t.Errorf("a stream was sent %d times", len(to.tokens))
		}
		if n := issuer.Asked(clienttest.TokenPath); n > 3 {
			t.Errorf("%d tokens", n)
		}
	})
}

// TestTransportWithoutToken fails, and sends nothing.
func TestTransportWithoutToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := clienttest.InProcess(t, issuerURL)
		issuer.Fail(http.StatusUnauthorized)
		over := hosts{"orders.example.com": {status: 200}}
		c, _ := newClient(t, issuer, over)
		if response, err := c.Get(orders); err == nil {
			_ = response.Body.Close()
			t.Errorf("status %d", response.StatusCode)
		}
		if n := len(over["orders.example.com"].tokens); n > 0 {
			t.Errorf("%d requests", n)
		}
	})
}

// TestOrigins that are none.
func TestOrigins(t *testing.T) {
	s := newSource(t, clienttest.New(t))
	for _, bad := range [][]string{nil, {"orders.example.com"}, {"https://"}, {orders, "ftp://orders.example.com"}, {orders + "/orders"}, {"https://a@orders.example.com"}, {"*"}, {"https://*.example.com"}, {orders + "?x"}, {"http://orders.example.com"}} {
		if _, err := s.Transport(nil, bad...); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
	if _, err := s.Transport(nil, orders+"/", "http://localhost:8080", "https://[::1]:8443"); err != nil {
		t.Error(err)
	}
}

// TestTransportSendsTrailers that are known when the body has been read.
func TestTransportSendsTrailers(t *testing.T) {
	got := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r.Trailer.Get("Checksum")
	}))
	defer server.Close()
	transport, err := newSource(t, clienttest.New(t)).Transport(nil, server.URL)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequest(http.MethodPost, server.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Trailer = http.Header{"Checksum": nil}
	r.Body = io.NopCloser(&atEnd{strings.NewReader("an order"), func() { r.Trailer.Set("Checksum", "42") }})
	response, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if checksum := <-got; checksum != "42" {
		t.Errorf("the trailer is %q", checksum)
	}
}

// atEnd does something when all has been read.
type atEnd struct {
	io.Reader
	do func()
}

func (a *atEnd) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if err == io.EOF {
		a.do()
	}
	return n, err
}
