package faults_test

import (
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// TestBlockedLog has nobody read what the service logs, for longer than a pipe and the
// service's memory hold it: it goes on serving, and says later how much is missing.
func TestBlockedLog(t *testing.T) {
	d := newDatabase(t, nil)
	node := d.ready()
	p := d.people(node)
	release := node.HoldLog()
	before := 0
	within(t, 2*time.Minute, "records are lost", func() bool {
		d.busy(node, 1000)
		before = d.metric(node, "identity_log_records_lost_total")
		return before > 0
	})
	failed, _ := p.ask(d)
	for what, err := range failed {
		if err != nil {
			t.Errorf("while nobody reads the log: %s: %v", what, err)
		}
	}
	if found := get(t, node.URL(), "/healthz"); found.status != http.StatusOK {
		t.Errorf("healthz answers %d", found.status)
	}

	lost, later := node.Logged("records were lost"), node.Logged("jwks.json")
	release()
	var record struct{ Count int }
	must(0, json.Unmarshal([]byte(soon(t, lost)), &record))(t)
	if record.Count <= before {
		t.Errorf("the log says that %d records were lost, want more than the %d that were known before", record.Count, before)
	}
	// The request may be lost too while the backlog is written; the next one is not.
	within(t, readyEver, "the log goes on", func() bool {
		get(t, node.URL(), "/.well-known/jwks.json")
		select {
		case <-later:
			return true
		default:
			return false
		}
	})
	p.judge(t)
	must(0, node.Terminate())(t)
}

// soon is what arrives, if it does.
func soon(t *testing.T, from <-chan string) string {
	t.Helper()
	select {
	case line := <-from:
		return line
	case <-time.After(readyEver):
		t.Fatal("the line was not logged")
		return ""
	}
}

// busy makes requests that are logged, and have nothing else to do.
func (d *database) busy(node *faults.Process, n int) {
	d.Helper()
	client := http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	var left atomic.Int64
	left.Store(int64(n))
	var asking sync.WaitGroup
	for range 8 {
		asking.Go(func() {
			for left.Add(-1) >= 0 {
				response, err := client.Get(node.URL() + "/no-such-page")
				if err != nil {
					d.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body) // so that the connection is used again
				response.Body.Close()
			}
		})
	}
	asking.Wait()
}

// metric is the value of a metric without labels; 0 where there is none.
func (d *database) metric(node *faults.Process, name string) int {
	d.Helper()
	return int(must(node.Metrics(d.Context()))(d.T)[name])
}
