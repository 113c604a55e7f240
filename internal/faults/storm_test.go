package faults_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

// crowdOf is how many come at once: a hundredth part of what the nightly run has, or so.
func crowdOf(t *testing.T, ordinary, many int) int {
	t.Helper()
	if nightly(t) {
		return many
	}
	return ordinary
}

// ask makes one request on a connection of its own, or on one that the client keeps, and
// returns the status; 0 where there was no whole answer.
func ask(client *http.Client, method, url string, body any) int {
	text, err := json.Marshal(body)
	if err != nil {
		return 0
	}
	r, err := http.NewRequest(method, url, strings.NewReader(string(text)))
	if err != nil {
		return 0
	}
	r.Header.Set("Content-Type", "application/json")
	response, err := client.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return 0
	}
	return response.StatusCode
}

// statuses counts answers. It is safe for use by many goroutines.
type statuses struct {
	mu sync.Mutex
	of map[int]int
}

func (s *statuses) add(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[int]int{}
	}
	s.of[status]++
}

// only fails the test for an answer that is none of those that are wanted.
func (s *statuses) only(t *testing.T, what string, wanted ...int) {
	t.Helper()
	for _, status := range slices.Sorted(maps.Keys(s.of)) {
		if !slices.Contains(wanted, status) {
			t.Errorf("%s: %d answers are %d, of %v", what, s.of[status], status, s.of)
		}
	}
}

// others are those who have nothing to do with what is going on: who reads the keys, and
// a machine whose secret is known. What they were told, and how long it took.
type others struct {
	keys, tokens       statuses
	keyTimes, tokTimes []time.Duration
}

// others asks until over is closed, and at least so many times.
func (p *people) others(node *faults.Process, atLeast int, over <-chan struct{}) *others {
	o, client := &others{}, &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	token := api.TokenRequest{ClientID: "shop", ClientSecret: p.secret, Audience: "shop"}
	for n := 0; ; n++ {
		select {
		case <-over:
			if n >= atLeast {
				return o
			}
		default:
		}
		began := time.Now()
		o.keys.add(ask(client, http.MethodGet, node.URL()+"/.well-known/jwks.json", nil))
		between := time.Now()
		o.tokens.add(ask(client, http.MethodPost, node.URL()+"/auth/token", token))
		o.keyTimes, o.tokTimes = append(o.keyTimes, between.Sub(began)), append(o.tokTimes, time.Since(between))
	}
}

// String tells the times, which are for people: no test is held to them.
func (o *others) String() string {
	at := func(times []time.Duration, share float64) time.Duration {
		times = slices.Sorted(slices.Values(times))
		return times[int(share*float64(len(times)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%d times, tokens %v: keys p50 %v p99 %v, token p50 %v p99 %v", len(o.keyTimes), o.tokens.of,
		at(o.keyTimes, 0.5), at(o.keyTimes, 0.99), at(o.tokTimes, 0.5), at(o.tokTimes, 0.99))
}

// during has others ask while something goes on, and expects that they notice nothing
// but, perhaps, that it takes longer. On a machine that is so busy that a node hears
// nothing of its database for a second, memory is not trusted, and one request or another
// has to wait like those of the crowd.
func (p *people) during(d *database, node *faults.Process, what string, do func()) {
	d.Helper()
	over, told := make(chan struct{}), make(chan *others, 1)
	go func() { told <- p.others(node, crowdOf(d.T, 20, 5000), over) }()
	do()
	close(over)
	o := <-told
	o.keys.only(d.T, what+": the keys", 200)
	o.tokens.only(d.T, what+": a known secret", 200, 503)
	if refused := o.tokens.of[503]; refused > 1+len(o.tokTimes)/100 {
		d.Errorf("%s: a known secret was refused %d times of %d", what, refused, len(o.tokTimes))
	}
	d.Logf("%s: %v", what, o)
}

// TestStorm has many log in at once, and sign, on a node with two places to hash and four
// connections to the database: everybody is answered, and it goes by.
func TestStorm(t *testing.T) {
	n := crowdOf(t, 100, 2000)
	onServers(t, func(d *database) {
		maps.Copy(d.settings, map[string]string{
			"HASH_MEMORY": fmt.Sprintf("%dMiB", hashMemory), "DATABASE_CONNECTION_POOL_SIZE": "4", "DATABASE_CONNECTION_MAX_OVERFLOW": "0",
		})
		node := d.ready()
		p := d.people(node)
		p.crowd(d, func(string, error) {}) // so that all connections to the database are there
		quiet := d.quiet(node, p)
		p.during(d, node, "before", func() {})

		logins, signatures := statuses{}, statuses{}
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
		p.during(d, node, fmt.Sprintf("%d logins", n), func() {
			var asking sync.WaitGroup
			for i := range n {
				asking.Go(func() {
					login := api.LoginRequest{Username: "ann", Password: firstPassword, Audience: "shop"}
					if i%4 != 0 {
						login.Username = fmt.Sprint("nobody-", i)
					}
					logins.add(ask(client, http.MethodPost, node.URL()+"/auth/login", login))
				})
			}
			for range n / 4 {
				asking.Go(func() {
					if _, err := p.public.Token(d.Context(), must(p.key.Assertion("robot", issuer))(d.T), "shop"); err != nil {
						signatures.add(status(err))
						return
					}
					signatures.add(200)
				})
			}
			asking.Wait()
		})
		d.Logf("logins: %v, signatures: %v", logins.of, signatures.of)
		logins.only(d.T, "logins", 200, 401, 429, 503)
		signatures.only(d.T, "signatures", 200, 429, 503)
		if logins.of[200]+logins.of[401] == 0 {
			d.Errorf("nobody got through: %v", logins.of)
		}
		d.boundedPeak(node, n)
		const some = 10
		took := within(d.T, 2*readyEver, "it is as quiet as before", func() bool { return d.left(node, p).goroutines <= quiet.goroutines+some })
		d.Logf("quiet after %v", took)
		within(d.T, readyEver, "ann can log in", func() bool {
			_, err := p.public.Login(d.Context(), "ann", firstPassword, "shop")
			return err == nil
		})
		p.judge(d.T)
	})
}

// hashMemory is the HASH_MEMORY of nodes whose memory is looked at: two hashes, in MiB.
const hashMemory = 2 * 19

// boundedPeak expects that the process never had more memory than 76 MiB, what two hashes
// take, and 48 KiB for each connection that others keep open.
func (d *database) boundedPeak(node *faults.Process, connections int) {
	d.Helper()
	most := int64(76+hashMemory)<<20 + int64(connections)*48<<10
	found := peak(d.T, node)
	d.Logf("it had %d MiB at most", found>>20)
	if found > most {
		d.Errorf("it had %d MiB at most, want up to %d", found>>20, most>>20)
	}
}

// TestLargeBodies sends bodies that are too large, many at once and many one after the
// other.
func TestLargeBodies(t *testing.T) {
	d := newDatabase(t, nil)
	d.settings["HASH_MEMORY"] = fmt.Sprintf("%dMiB", hashMemory)
	node := d.ready()
	p := d.people(node)
	body := api.LoginRequest{Username: "ann", Password: strings.Repeat("x", 100<<10)}
	var answers statuses
	p.during(d, node, "large bodies", func() {
		client := &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}
		var sending sync.WaitGroup
		for range crowdOf(t, 100, 1000) {
			sending.Go(func() { answers.add(ask(client, http.MethodPost, node.URL()+"/auth/login", body)) })
		}
		sending.Wait()
		kept := &http.Client{Timeout: time.Minute}
		defer kept.CloseIdleConnections()
		for range crowdOf(t, 200, 100_000) {
			answers.add(ask(kept, http.MethodPost, node.URL()+"/auth/login", body))
		}
	})
	// The answer comes before the body is whole, and then the connection is closed: a client
	// that still writes may learn of that first.
	answers.only(t, "bodies of 100 KiB", http.StatusRequestEntityTooLarge, 0)
	if answers.of[http.StatusRequestEntityTooLarge] < answers.of[0] {
		t.Errorf("few are told what is wrong: %v", answers.of)
	}
	t.Logf("answers: %v", answers.of)
	d.boundedPeak(node, crowdOf(t, 100, 1000))
	p.judge(t)
}
