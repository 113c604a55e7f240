package web_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/web"
)

// workshop is a Router on which two requests may be worked at once.
type workshop struct {
	*kit
	begun, end chan struct{}
}

func newWorkshop(t *testing.T) *workshop {
	w := &workshop{newKit(t, web.Config{MaxRequests: 2}), make(chan struct{}, 100), make(chan struct{})}
	work := func(rw http.ResponseWriter, r *http.Request) error {
		w.begun <- struct{}{}
		<-w.end
		return ok(rw, r)
	}
	w.Handle(http.MethodGet, "/work", work)
	w.Handle(http.MethodGet, "/x", ok)
	w.Handle(http.MethodGet, "/alive", ok, web.Always)
	w.Handle(http.MethodGet, "/late", func(rw http.ResponseWriter, r *http.Request) error {
		for range len(r.URL.RawQuery) { // once for each letter: a request has one place
			if err := web.Enter(r.Context()); err != nil {
				return err
			}
		}
		return ok(rw, r)
	}, web.Late)
	w.Handle(http.MethodPost, "/read", func(rw http.ResponseWriter, r *http.Request) error {
		w.begun <- struct{}{}
		if _, err := web.Body(r); err != nil {
			return err
		}
		return ok(rw, r)
	})
	w.Handle(http.MethodGet, "/much", func(rw http.ResponseWriter, _ *http.Request) error {
		rw.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(rw).Flush()
		w.begun <- struct{}{}
		<-w.end
		return nil
	})
	w.Handle(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request) error { panic("x") })
	w.Handle(http.MethodGet, "/fails", fails(errors.New("x")))
	return w
}

// occupied has both places taken until release.
func (w *workshop) occupied(t *testing.T) (release func()) {
	t.Helper()
	done := make(chan int)
	for range 2 {
		go func() { done <- w.do(t, http.MethodGet, "/work", nil).StatusCode }()
		<-w.begun
	}
	return func() {
		t.Helper()
		close(w.end)
		for range 2 {
			if status := <-done; status != http.StatusOK {
				t.Errorf("what was being worked on ended with %d", status)
			}
		}
	}
}

func TestTooManyRequests(t *testing.T) {
	w := newWorkshop(t)
	release := w.occupied(t)
	for range 3 {
		a := w.do(t, http.MethodGet, "/x", nil)
		if a.StatusCode != 503 || a.code(t) != "overloaded" || a.Header.Get("Retry-After") != "1" || a.Header.Get("X-Request-Id") == "" {
			t.Errorf("%d %v %s", a.StatusCode, a.Header, a.body)
		}
	}
	for target, want := range map[string]int{"/alive": 200, "/nothing": 404} {
		if a := w.do(t, http.MethodGet, target, nil); a.StatusCode != want {
			t.Errorf("%s: %d", target, a.StatusCode)
		}
	}
	if load := w.Load(); load != (web.Load{Requests: 2, Limit: 2, Overloaded: 3}) {
		t.Errorf("%+v", load)
	}
	release()
	// Nothing of the kind that ends otherwise keeps a place.
	for range 3 {
		for target, want := range map[string]int{"/x": 200, "/panic": 500, "/fails": 500} {
			if a := w.do(t, http.MethodGet, target, nil); a.StatusCode != want {
				t.Errorf("%s: %d", target, a.StatusCode)
			}
		}
		if a := w.do(t, http.MethodPost, "/read", strings.NewReader(strings.Repeat("x", web.MaxBody+1))); a.StatusCode != 413 {
			t.Errorf("too large: %d", a.StatusCode)
		}
	}
	w.wantIdle(t)
}

// What a Late route answers without waiting for anything is answered however many others
// wait; what it has to wait for needs a place.
func TestLateRequestsTakeAPlaceToWait(t *testing.T) {
	w := newWorkshop(t)
	release := w.occupied(t)
	for target, want := range map[string]int{"/late": 200, "/late?x": 503, "/late?xx": 503} {
		if a := w.do(t, http.MethodGet, target, nil); a.StatusCode != want {
			t.Errorf("%s: %d, want %d", target, a.StatusCode, want)
		}
	}
	release()
	for range 3 {
		if a := w.do(t, http.MethodGet, "/late?xxx", nil); a.StatusCode != 200 {
			t.Errorf("with a free place: %d", a.StatusCode)
		}
	}
	w.wantIdle(t)
}

// wantIdle waits until nothing is worked on: an answer is there a moment before its
// request has ended.
func (w *workshop) wantIdle(t *testing.T) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); w.Load().Requests != 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%+v", w.Load())
		}
	}
}

// Slow callers, however many, take no place: neither those whose body does not come nor
// those who do not take their answer.
func TestSlowCallersTakeNoPlace(t *testing.T) {
	w := newWorkshop(t)
	var bodies []net.Conn
	for range 5 {
		conn, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "POST /read HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		<-w.begun
		w.wantIdle(t) // it waits for its body now
		bodies = append(bodies, conn)
	}
	for range 5 {
		w.first(t, "GET /much HTTP/1.1\r\nHost: h\r\n\r\n")
		<-w.begun
	}
	w.wantIdle(t)
	if a := w.do(t, http.MethodGet, "/x", nil); a.StatusCode != 200 {
		t.Errorf("another one: %d", a.StatusCode)
	}
	finish := func(conn net.Conn, want string) {
		t.Helper()
		if _, err := io.WriteString(conn, "}"); err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(text), want) {
			t.Errorf("want %s: %v, %q", want, err, text)
		}
	}
	finish(bodies[0], "HTTP/1.1 200 ")
	// When its body has come it needs a place like others.
	release := w.occupied(t)
	finish(bodies[1], "HTTP/1.1 503 ")
	release()
	for _, conn := range bodies[2:] {
		finish(conn, "HTTP/1.1 200 ")
	}
	w.wantIdle(t)
}
