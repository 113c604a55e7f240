package server_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/identitytest"
)

// upload is a login whose body is still to come.
type upload struct {
	*testing.T
	conn  net.Conn
	reply *bufio.Reader
	body  string
}

// begin sends the header of a login. When it returns the handler is running.
func begin(t *testing.T, s *identitytest.Service) *upload {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	u := &upload{t, conn, bufio.NewReader(conn), fmt.Sprintf(`{"username":%q,"password":%q}`, s.AdminUsername, s.AdminPassword.Reveal())}
	fmt.Fprintf(conn, "POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n", len(u.body))
	// RFC 9110 section 10.1.1: this says that somebody reads.
	if line, err := u.reply.ReadString('\n'); err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("%q, %v", line, err)
	}
	if _, err := u.reply.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	return u
}

// finish sends the body and returns the answer.
func (u *upload) finish() *http.Response {
	u.Helper()
	if _, err := io.WriteString(u.conn, u.body); err != nil {
		u.Fatal(err)
	}
	response, err := http.ReadResponse(u.reply, nil)
	if err != nil {
		u.Fatal(err)
	}
	return response
}

// A request that has begun ends well, while nobody new comes in and whoever
// watches is told.
func TestShutdownFinishesWhatHasBegun(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{SeparateOps: true})
	u := begin(t, s)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.Stop() // which fails the test if Serve does not return nil
	}()
	eventually(t, "new connections are refused", func() bool { return refuses(strings.TrimPrefix(s.URL, "http://")) })
	if r := s.Get(s.OpsURL + "/readyz"); r.Status != 503 || !strings.Contains(string(r.Body), "accepting requests") {
		t.Errorf("while draining /readyz answers %d %s", r.Status, r.Body)
	}
	if r := s.Get(s.OpsURL + "/healthz"); r.Status != 200 {
		t.Errorf("while draining /healthz answers %d", r.Status)
	}
	select {
	case <-stopped:
		t.Fatal("it has stopped over a request")
	default:
	}
	response := u.finish()
	if text, err := io.ReadAll(response.Body); response.StatusCode != 200 || err != nil || !strings.Contains(string(text), `"token"`) {
		t.Errorf("the request ends with %d, %v: %s", response.StatusCode, err, text)
	}
	if !response.Close {
		t.Error("the connection is kept for a next request")
	}
	<-stopped
	if !refuses(strings.TrimPrefix(s.OpsURL, "http://")) {
		t.Error("the operators' port is still open")
	}
}

// Logins that wait for their turn to hash get it.
func TestShutdownWaitsForTheHashingQueue(t *testing.T) {
	s := identitytest.New(t, identitytest.Options{
		Hashing: argon2.Config{Params: argon2.Params{Memory: 32 << 10, Time: 3, Threads: 1}, Slots: 1},
	})
	const logins = 4
	statuses := make(chan int, logins)
	var all sync.WaitGroup
	for i := range logins { // those of one name would take turns
		s.AddUser(fmt.Sprint("user-", i), "a long enough password")
	}
	for i := range logins {
		all.Go(func() {
			r := s.Post("/auth/login", map[string]string{"username": fmt.Sprint("user-", i), "password": "a long enough password"})
			statuses <- r.Status
		})
	}
	eventually(t, "logins wait", func() bool { return s.Installation.Pool.Stats().Waiting == logins-1 })
	s.Stop()
	all.Wait()
	for range logins {
		if status := <-statuses; status != 200 {
			t.Errorf("a login that waited got %d", status)
		}
	}
}

// Connections that are kept open but ask for nothing do not hold it up.
func TestShutdownClosesIdleConnections(t *testing.T) {
	s := identitytest.New(t)
	u := begin(t, s)
	if response := u.finish(); response.StatusCode != 200 || response.Close {
		t.Fatalf("status %d, close %v", response.StatusCode, response.Close)
	} else if _, err := io.Copy(io.Discard, response.Body); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.Stop()
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("it took %s", took)
	}
	if _, err := u.reply.ReadByte(); err == nil {
		t.Error("the connection is still open")
	}
}

// settledGoroutines counts goroutines when those of earlier tests have ended.
func settledGoroutines() (n int) {
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	n = runtime.NumGoroutine()
	for same := 0; same < 10; same++ {
		runtime.GC() // caches end with the memory that they are
		time.Sleep(10 * time.Millisecond)
		if now := runtime.NumGoroutine(); now != n {
			n, same = now, 0
		}
	}
	return n
}

// A service that has stopped leaves nothing running.
func TestStopLeavesNothing(t *testing.T) {
	before := settledGoroutines()
	t.Run("a service", func(t *testing.T) {
		s := identitytest.New(t, identitytest.Options{SeparateOps: true})
		s.AdminToken()
		s.Get(s.OpsURL + "/readyz")
		if runtime.NumGoroutine() <= before {
			t.Error("the count of goroutines shows nothing")
		}
	})
	http.DefaultTransport.(*http.Transport).CloseIdleConnections()
	eventually(t, "there are as many goroutines as before", func() bool {
		runtime.GC() // caches end with the memory that they are
		return runtime.NumGoroutine() <= before
	})
}
