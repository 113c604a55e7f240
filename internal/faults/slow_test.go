package faults_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/faults"
)

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
func (d *database) dawdle(node *faults.Process, n int) []net.Conn {
	d.Helper()
	header := "POST /auth/login HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\n"
	list := make([]net.Conn, 0, n)
	for i := range n {
		switch i % 4 {
		case 0, 1:
			list = append(list, d.connect(node, header))
		case 2:
			list = append(list, d.connect(node, header+"Content-Length: 100\r\n\r\n{"))
		default:
			conn := d.connect(node, "")
			must(0, conn.(*net.TCPConn).SetReadBuffer(4<<10))(d.T)
			for range 100 { // beyond what the kernel holds, nobody takes the answers
				must(io.WriteString(conn, "GET /openapi.json HTTP/1.1\r\nHost: h\r\n\r\n"))(d.T)
			}
			list = append(list, conn)
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
	p.during(d, node, fmt.Sprintf("beside %d slow ones", n), func() {})
	if open := d.connections(node); open < n/4 { // readers last longest, if this takes long
		t.Errorf("%d connections are open, of %d slow ones", open, n)
	}
	p.served(d)
	d.boundedPeak(node, n)
	if nightly(t) {
		// A minute for readers, the longest of the deadlines, and some more.
		took := within(t, 2*time.Minute, "all are cut", func() bool { return d.connections(node) < 10 })
		t.Logf("all were cut %v after the others had been served", took)
	}
	for _, slow := range list {
		slow.Close()
	}
	p.served(d)
	p.judge(t)
}

// connections are those that the node has open to its port.
func (d *database) connections(node *faults.Process) (n int) {
	d.Helper()
	for name, value := range must(node.Metrics(d.Context()))(d.T) {
		if strings.HasPrefix(name, "identity_connections{") {
			n += int(value)
		}
	}
	return n
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
