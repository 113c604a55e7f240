package main

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets this program be the bare servers that it starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "-bare" {
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
		stop()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// TestRun measures everything for a moment: with TLS, so that each part is there.
func TestRun(t *testing.T) {
	for _, name := range []string{"DATABASE_DRIVER", "DATABASE_PATH", "ENCRYPTION_KEY"} {
		t.Setenv(name, "")
	}
	folder := t.TempDir()
	numbers := filepath.Join(folder, "numbers.json")
	var out strings.Builder
	err := run(t.Context(), []string{
		"-tls", "-connections", "2", "-clients", "4", "-active", "2", "-users", "4", "-rounds", "1", "-for", "100ms", "-assertions", "400",
		"-sweep", "1,2", "-plots", folder, "-json", numbers,
	}, &out, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	var r report
	text, err := os.ReadFile(numbers)
	if err == nil {
		err = json.Unmarshal(text, &r)
	}
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"keys", "machine secret", "machine secret, /oauth2/token", "machine signature", "secret and signature", "login", "refresh", "introspection"}
	var got []string
	for _, row := range r.Rows {
		got = append(got, row.Workload)
		if row.Rate <= 0 || row.OfBare == 0 && len(row.Raw) == 0 || len(row.Percentiles) != len(percents) || !slices.IsSorted(row.Percentiles) {
			t.Errorf("%s: %+v", row.Workload, row)
		}
		if !strings.Contains(out.String(), "| "+row.Workload) {
			t.Errorf("the table lacks %s", row.Workload)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("measured %q", got)
	}
	if len(r.Beside) != 2 || len(r.Sweep) != 2 || r.StartMilliseconds <= 0 || r.IdleMiB <= 0 || r.MostMiB < r.IdleMiB {
		t.Errorf("the report: %+v", r)
	}
	for _, file := range []string{"throughput.svg", "latency.svg"} {
		picture, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := xml.Unmarshal(picture, new(struct{})); err != nil || strings.Contains(string(picture), "NaN") || strings.Contains(string(picture), "Inf") {
			t.Errorf("%s: %v\n%s", file, err, picture)
		}
	}
}

// TestFlags that make no sense are refused before anything is built.
func TestFlags(t *testing.T) {
	for _, args := range [][]string{
		{"-connections", "0"}, {"-active", "2", "-clients", "1"}, {"-users", "1"}, {"-rounds", "0"}, {"-for", "0s"}, {"-rate", "-1"},
		{"-algorithm", "none"}, {"-workloads", "("}, {"-sweep", "1,x"}, {"-bare", "moon"}, {"-nodes", "0"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q was taken", args)
		}
	}
}

// TestHistogram is right to one per cent, at any size.
func TestHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var h, half histogram
	var all []time.Duration
	for n := range 20_000 {
		d := time.Duration(random.ExpFloat64() * float64(time.Millisecond))
		if n%1000 == 0 {
			d *= 10_000
		}
		all = append(all, d)
		if n%2 == 0 {
			h.add(d)
		} else {
			half.add(d)
		}
	}
	h.merge(&half)
	slices.Sort(all)
	for _, p := range []float64{0, 10, 50, 90, 99, 99.9, 100} {
		want := all[min(int(p/100*float64(len(all))), len(all)-1)]
		if got := h.percentile(p); got < want*99/100 || got > want*101/100+1 {
			t.Errorf("p%v is %v, want %v", p, got, want)
		}
	}
	if h.n != 20_000 || h.most != all[len(all)-1] {
		t.Errorf("%d, at most %v", h.n, h.most)
	}
	h.add(-time.Second) // a clock that steps back
	h.add(1<<63 - 1)
}

// TestConn reads answers as a server sends them, and refuses what it does not understand.
func TestConn(t *testing.T) {
	for name, test := range map[string]struct {
		answer, body string
		status       int
	}{
		"good":       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 200},
		"small caps": {"HTTP/1.1 401 Unauthorized\r\nx: y\r\ncontent-length: 0\r\n\r\n", "", 401},
		"no length":  {"HTTP/1.1 200 OK\r\n\r\n", "", 0},
		"no number":  {"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\nok", "", 0},
		"too long":   {"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", "", 0},
		"cut off":    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok", "", 0},
		"no HTTP":    {"hello\r\n", "", 0},
		"no status":  {"HTTP/1.1 abc OK\r\n\r\n", "", 0},
		"nothing":    {"", "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			go func() {
				c, err := listener.Accept()
				if err == nil {
					_, _ = c.Read(make([]byte, 1000))
					_, _ = c.Write([]byte(test.answer))
					_ = c.Close()
				}
			}()
			c, err := dial(t.Context(), listener.Addr().String(), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer c.hangUp()
			status, body, err := c.ask(get("x", "/"))
			if (err == nil) != (test.status > 0) || err == nil && (status != test.status || string(body) != test.body) {
				t.Errorf("%d, %q, %v", status, body, err)
			}
		})
	}
}

// TestOpenLoop counts a latency from when a request was due: a server that hangs for a
// moment hides nothing of it.
func TestOpenLoop(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		c, err := listener.Accept()
		if err != nil {
			return
		}
		for n := 0; ; n++ {
			if _, err := c.Read(make([]byte, 1000)); err != nil {
				return
			}
			if n == 0 {
				time.Sleep(300 * time.Millisecond)
			}
			if _, err := c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")); err != nil {
				return
			}
		}
	}()
	p := plan{addresses: []string{listener.Addr().String()}, connections: 1, lasts: 200 * time.Millisecond, rate: 100}
	m, err := p.generate(t.Context(), func(int) caller { return &fixed{[][]byte{get("x", "/")}, 0, 1, 200} })
	if err != nil {
		t.Fatal(err)
	}
	// All of the 20 were due before the first was answered.
	if m.latencies.n != 20 || m.latencies.percentile(50) < 150*time.Millisecond {
		t.Errorf("%d requests, half of them within %v", m.latencies.n, m.latencies.percentile(50))
	}
	p.rate = 0
	if _, err := p.generate(t.Context(), func(int) caller { return &once{[][]byte{get("x", "/")}, 503} }); err == nil {
		t.Error("an answer that was not wanted is counted")
	} else if errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
