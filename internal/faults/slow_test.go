package faults_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// dawdler is a connection that takes or gives its time.
type dawdler struct {
	net.Conn
	cut time.Duration // by when the node ends it; its deadline
}

// connect opens a connection to a node and sends the beginning of something.
func (d *database) connect(node *faults.Process, first string) net.Conn {
	d.Helper()
	conn := must(net.Dial("tcp", strings.TrimPrefix(node.URL(), "http://")))(d.T)
	d.Cleanup(func() { conn.Close() })
	must(io.WriteString(conn, first))(d.T)
	return conn
}

// dawdle opens connections of three sorts: whose header does not end, whose body does not
// come, and who ask for much and read none of it.
func (d *database) dawdle(node *faults.Process, n int) []dawdler {
	d.Helper()
	header := "POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
	list := make([]dawdler, 0, n)
	for i := range n {
		switch i % 4 {
		case 0, 1:
			list = append(list, dawdler{d.connect(node, header), 10 * time.Second})
		case 2:
			list = append(list, dawdler{d.connect(node, header+"Content-Length: 100\r\n\r\n{"), 30 * time.Second})
		default:
			conn := d.connect(node, "")
			must(0, conn.(*net.TCPConn).SetReadBuffer(4<<10))(d.T)
			for range 100 { // beyond what the kernel holds, nobody takes the answers
				must(io.WriteString(conn, "GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n"))(d.T)
			}
			list = append(list, dawdler{conn, 60 * time.Second})
		}
	}
	return list
}

// TestSlow has many send and read as slowly as they can: the others notice nothing. By
// night it waits until all of them are cut.
func TestSlow(t *testing.T) {
	d := newDatabase(t, nil)
	d.settings["HASH_MEMORY"] = fmt.Sprintf("%dMiB", hashMemory)
	node := d.ready()
	p := d.people(node)
	p.during(d, node, "before", func() {})
	n := crowdOf(t, 100, 2000)
	list := d.dawdle(node, n)
	opened := time.Now()
	p.during(d, node, fmt.Sprintf("beside %d slow ones", n), func() {})
	p.served(d)
	d.boundedPeak(node, n)
	if nightly(t) {
		var waiting sync.WaitGroup
		for _, slow := range list {
			waiting.Go(func() {
				// What it is sent is read only when it must have been cut: who reads is slow no more.
				time.Sleep(time.Until(opened.Add(slow.cut + 15*time.Second)))
				_ = slow.SetReadDeadline(time.Now().Add(30 * time.Second))
				if _, err := io.Copy(io.Discard, slow); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("who should be cut after %v is not after %v", slow.cut, time.Since(opened))
				}
			})
		}
		waiting.Wait()
	}
	for _, slow := range list {
		slow.Close()
	}
	p.served(d)
	p.judge(t)
}

// served expects that everything that can be asked for is answered well.
func (p *people) served(d *database) {
	d.Helper()
	failed, _ := p.ask(d)
	for what, err := range failed {
		if what == "creation" && status(err) == http.StatusConflict {
			continue // carol is there from the first time on
		}
		if err != nil {
			d.Errorf("%s: %v", what, err)
		}
	}
}
