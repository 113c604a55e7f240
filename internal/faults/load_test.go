package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/faults"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// The passwords that a user of a story has, one after the other.
const firstPassword, secondPassword = "correct horse battery", "staple of another kind"

// load is what goes on while something is hurt: short stories of users and machines,
// whose every step is in the ledger.
type load struct {
	admin, public *faults.Client
	ledger        *faults.Ledger
	key           *faults.Key

	end     func()
	working sync.WaitGroup

	told atomic.Int64 // stories that went well

	mu sync.Mutex
	n  int
	// users and machines are those whose story has begun and not ended.
	users    []begun
	machines []api.ClientSecret // the id of the client is the label
}

// begun is a user who is logged in.
type begun struct {
	api.User
	session faults.Session
}

// newLoad prepares a load on a node, as its administrator.
func (d *database) newLoad(p *faults.Process) *load {
	d.Helper()
	ledger := newLedger(d.T)
	return &load{
		admin: d.administrator(p, ledger.With("admin")), public: newClient(d.T, p.URL, ledger.With("public")), ledger: ledger,
		key: faults.NewKey(d.T, jose.EdDSA), end: func() {},
	}
}

// start has n writers tell stories until stop.
func (l *load) start(ctx context.Context, n int) {
	ctx, l.end = context.WithCancel(ctx)
	for range n {
		l.working.Go(func() {
			for ctx.Err() == nil {
				if l.story(ctx) == nil {
					l.told.Add(1)
					continue
				}
				select { // something is hurt: do not fill the ledger with it
				case <-ctx.Done():
				case <-time.After(20 * time.Millisecond):
				}
			}
		})
	}
}

// goesWell waits until one more story went well.
func (l *load) goesWell(t *testing.T) {
	t.Helper()
	before := l.told.Load()
	for end := time.Now().Add(readyEver); l.told.Load() == before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no story goes well")
		}
	}
}

// stop gives up what the writers wait for.
func (l *load) stop() {
	l.end()
	l.working.Wait()
}

// story begins a story or ends one, in turns.
func (l *load) story(ctx context.Context) error {
	l.mu.Lock()
	l.n++
	n := l.n
	user, isUser := pop(n%4 == 2, &l.users)
	machine, isMachine := pop(n%4 == 3, &l.machines)
	l.mu.Unlock()
	switch {
	case isUser:
		return l.endUser(ctx, user)
	case isMachine:
		return l.endMachine(ctx, machine)
	case n%2 == 0:
		return l.beginUser(ctx, fmt.Sprintf("user-%d", n))
	}
	return l.beginMachine(ctx, fmt.Sprintf("machine-%d", n))
}

// pop takes the first of a list, if it is wanted and there is one.
func pop[T any](wanted bool, list *[]T) (first T, ok bool) {
	if !wanted || len(*list) == 0 {
		return first, false
	}
	first, *list = (*list)[0], (*list)[1:]
	return first, true
}

func (l *load) beginUser(ctx context.Context, name string) error {
	user, err := l.admin.CreateUser(ctx, api.CreateUserRequest{Username: name, Password: firstPassword})
	if err != nil {
		return err
	}
	session, err := l.public.Login(ctx, name, firstPassword, "shop")
	if err == nil {
		session, err = l.goOn(ctx, session)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users = append(l.users, begun{user, session})
	return err
}

// goOn refreshes a session, and does it again where there is no answer, as clients do.
func (l *load) goOn(ctx context.Context, s faults.Session) (faults.Session, error) {
	if s.RefreshToken == "" {
		return s, nil // it never began
	}
	next, err := l.public.Refresh(ctx, s)
	if err != nil && status(err) != 401 {
		next, err = l.public.Refresh(ctx, s)
	}
	if err != nil {
		return s, err
	}
	return next, nil
}

// endUser takes a user's session away in two or three ways, and uses it after each: the
// rules say what may come of that.
func (l *load) endUser(ctx context.Context, b begun) error {
	session, err := l.goOn(ctx, b.session)
	if err == nil && session.RefreshToken != "" && b.ID[len(b.ID)-1]%2 == 0 {
		err = l.public.Logout(ctx, session)
		_, _ = l.public.Refresh(ctx, session)
	}
	err = errors.Join(err, l.public.ChangePassword(ctx, b.Username, firstPassword, secondPassword))
	_, _ = l.goOn(ctx, session)
	err = errors.Join(err, l.admin.EnableUser(ctx, b.User, false))
	_, _ = l.goOn(ctx, session)
	return err
}

func (l *load) beginMachine(ctx context.Context, id string) error {
	_, err := l.admin.CreateClient(ctx, api.CreateClientRequest{ClientID: id, Name: id, PublicKey: l.key.Public()})
	if err == nil {
		err = l.once(ctx, id)
	}
	if err != nil {
		return err
	}
	made, err := l.admin.AddSecret(ctx, id, id)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.machines = append(l.machines, made.ClientSecret)
	return nil
}

func (l *load) endMachine(ctx context.Context, secret api.ClientSecret) error {
	id := secret.Label
	return errors.Join(l.once(ctx, id), l.admin.DeleteSecret(ctx, id, secret), l.admin.EnableClient(ctx, id, false))
}

// once shows an assertion twice: the rule about them would see two successes.
func (l *load) once(ctx context.Context, clientID string) error {
	proof, err := l.key.Assertion(clientID, issuer)
	if err != nil {
		return err
	}
	_, err = l.public.Token(ctx, proof, "shop")
	_, _ = l.public.Token(ctx, proof, "shop")
	return err
}

// judge holds the whole ledger to the rules, when nothing is wrong any more. It returns
// how the operations ended.
func (l *load) judge(t *testing.T, clients ...*faults.Client) map[faults.Outcome]int {
	t.Helper()
	state := must(l.admin.ReadState(t.Context()))(t)
	for name, user := range state.Users {
		if user.Enabled && name != "admin" {
			must(0, l.public.ProbePassword(t.Context(), state, name, firstPassword, secondPassword))(t)
		}
	}
	faults.Expect(t, l.ledger, state, append([]*faults.Client{l.admin, l.public}, clients...)...)
	ended := map[faults.Outcome]int{}
	for _, o := range must(faults.Read(l.ledger.Path()))(t) {
		ended[o.Outcome]++
	}
	t.Logf("operations: %v", ended)
	return ended
}

// answer is what a GET found.
type answer struct {
	status     int
	retryAfter string
	body       string
	took       time.Duration
}

// get asks one path of the node at the URL, and fails the test where there is no answer.
func get(t *testing.T, url, path string) answer {
	t.Helper()
	began := time.Now()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	response, err := client.Get(url + path)
	if err != nil {
		t.Errorf("GET %s: %v", path, err)
		return answer{}
	}
	defer response.Body.Close()
	text := must(io.ReadAll(response.Body))(t)
	return answer{response.StatusCode, response.Header.Get("Retry-After"), string(text), time.Since(began)}
}

// status is that of a refusal, 0 of anything else.
func status(err error) int {
	if refused := (*faults.StatusError)(nil); errors.As(err, &refused) {
		return refused.Status
	}
	return 0
}

// within waits until something is so, and returns how long that took.
func within(t *testing.T, limit time.Duration, what string, so func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > limit {
			t.Fatalf("not within %v: %s", limit, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
	return time.Since(began)
}

// bearer is the status of a request to /api with a token.
func bearer(t *testing.T, p *faults.Process, token string) int {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, p.URL()+"/api/users?limit=1", nil))(t)
	r.Header.Set("Authorization", "Bearer "+token)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 20 * time.Second}
	response := must(client.Do(r))(t)
	defer response.Body.Close()
	return response.StatusCode
}
