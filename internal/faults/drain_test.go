package faults_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
)

// TestDrain asks a node to end while many log in. Each request for which the node has said
// that it reads it (RFC 9110 section 10.1.1) is answered whole and well, whatever comes
// after; nobody new is let in; and it ends by itself, in time, with 0.
func TestDrain(t *testing.T) {
	onEach(t, func(d *database) {
		node := d.ready()
		p := d.people(node)
		url := node.URL()
		var begun, answered atomic.Int64
		ctx, enough := context.WithCancel(d.Context())
		defer enough()
		var working sync.WaitGroup
		for range 8 {
			working.Go(func() {
				for ctx.Err() == nil && d.invited(url, &begun, &answered) {
				}
			})
		}
		within(d.T, readyEver, "logins are answered", func() bool { return answered.Load() >= 8 })

		// One login has begun, and its body is still to come when all others are done.
		late, body := io.Pipe()
		invited, done := make(chan struct{}), make(chan int, 1)
		go func() {
			status, _ := d.login(url, late, func() { close(invited) })
			done <- status
		}()
		text := must(json.Marshal(api.LoginRequest{Username: "ann", Password: firstPassword, Audience: "shop"}))(d.T)
		select {
		case <-invited:
		case <-time.After(readyEver):
			d.Fatal("the node does not read")
		}

		began := time.Now()
		must(0, node.Signal(syscall.SIGTERM))(d.T)
		refused := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
		within(d.T, readyEver, "nobody new is let in", func() bool { return ask(refused, http.MethodGet, url+"/healthz", nil) == 0 })
		working.Wait() // each ends when it is not let in any more
		select {
		case <-node.Done():
			d.Error("it has ended over a request")
		default:
		}
		must(body.Write(text))(d.T)
		must(0, body.Close())(d.T)
		if status := <-done; status != http.StatusOK {
			d.Errorf("the login that had begun got %d", status)
		}
		must(0, node.Wait())(d.T)
		took := time.Since(began)
		d.Logf("%d logins began and %d were answered; it ended after %v", begun.Load(), answered.Load(), took)
		if took > 30*time.Second {
			d.Errorf("it took %v to end", took)
		}
		if begun.Load() != answered.Load() {
			d.Errorf("%d logins began and %d were answered", begun.Load(), answered.Load())
		}
		if !strings.Contains(node.Stderr(), "shutting down") {
			d.Error("it did not say that it ends")
		}
		must(0, node.Restart())(d.T)
		must(node.Ready(readyEver))(d.T)
		p.judge(d.T)
	})
}

// invited logs in once and counts, and reports whether the node let it in.
func (d *database) invited(url string, begun, answered *atomic.Int64) bool {
	text, err := json.Marshal(api.LoginRequest{Username: "ann", Password: firstPassword, Audience: "shop"})
	if err != nil {
		d.Error(err)
		return false
	}
	was := false
	status, err := d.login(url, strings.NewReader(string(text)), func() { was = true; begun.Add(1) })
	switch {
	case !was:
		return false
	case status == http.StatusOK || status == http.StatusTooManyRequests:
		answered.Add(1)
	default:
		d.Errorf("a login that had begun got %d, %v", status, err)
	}
	return true
}

// login sends a login whose body waits until the node says that it reads it.
func (d *database) login(url string, body io.Reader, invited func()) (int, error) {
	trace := &httptrace.ClientTrace{Got100Continue: invited}
	r, err := http.NewRequestWithContext(httptrace.WithClientTrace(d.Context(), trace), http.MethodPost, url+"/auth/login", body)
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Expect", "100-continue")
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}, Timeout: time.Minute}
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}
