package faults_test

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestClassify holds the client's answers to what the ledger may conclude from them.
func TestClassify(t *testing.T) {
	var status atomic.Int64
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if status.Load() == 0 {
			<-r.Context().Done() // until the client has had enough
			return
		}
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(int(status.Load()))
		fmt.Fprint(w, `{"code":"c"}`)
	})}
	l := must(net.Listen("tcp", "127.0.0.1:0"))(t)
	go server.Serve(l)
	t.Cleanup(func() { server.Close() })
	ledger := newLedger(t)
	c := faults.NewClient(faults.ClientConfig{Ledger: ledger, Timeout: 100 * time.Millisecond, URL: func() string { return "http://" + l.Addr().String() }})
	t.Cleanup(c.Close)
	var want []faults.Outcome
	for _, tc := range []struct {
		status      int
		write, read faults.Outcome
	}{
		{200, ok, ok}, {201, ok, ok}, {302, fail, fail}, {400, fail, fail}, {409, fail, fail}, {429, fail, fail},
		{500, unknown, fail}, {503, unknown, fail}, {0, unknown, fail},
	} {
		status.Store(int64(tc.status))
		c.Write(t.Context(), "w", "k", http.MethodPost, "/w", nil, nil)
		c.Login(t.Context(), "u", "p", "a")
		want = append(want, tc.write, tc.read)
	}
	for i, o := range read(t, ledger.Path()) {
		if o.Outcome != want[i] {
			t.Errorf("%v, want %s", o, want[i])
		}
	}
}
