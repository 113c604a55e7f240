package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const (
	jsonType = "application/json"
	formType = "application/x-www-form-urlencoded"
)

// workload is one kind of request.
type workload struct {
	name string
	// bare is the bare server that is its ceiling, raw the mathematics. Either may be empty.
	bare string
	raw  []string
	// callers makes the callers of a round that asks for that long.
	callers func(lasts time.Duration) (func(i int) caller, error)
}

// workloads are all there are. alg is what signs tokens.
func (l *load) workloads() []workload {
	sign, alg := bareSign+"-"+string(l.in.algorithm), l.in.algorithm
	return []workload{
		{"keys", bareConstant, nil, l.same(func(int) []byte { return get(l.host, "/.well-known/jwks.json") })},
		{"machine secret", sign, []string{rawSign(alg)}, l.same(func(i int) []byte {
			return l.tokenRequest(machine("secret", i), true, "")
		})},
		{"machine secret, /oauth2/token", sign, []string{rawSign(alg)}, l.same(func(i int) []byte {
			return post(l.host, "/oauth2/token", formType, []byte(url.Values{"grant_type": {"client_credentials"}, "audience": {audience}}.Encode()),
				"Authorization", basic(machine("secret", i)))
		})},
		{"machine signature", bareVerify + "-" + string(alg), []string{rawVerify}, l.assertions("signature", false)},
		{"secret and signature", bareVerify + "-" + string(alg), []string{rawVerify}, l.assertions("both", true)},
		{"login", "", []string{rawHash, rawHashX}, l.logins},
		{"refresh", sign, []string{rawSign(alg)}, l.refreshes},
		{"introspection", bareConstant, nil, l.introspections},
	}
}

func basic(id string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(password)))
}

// tokenRequest is a POST /auth/token with what a client proves.
func (l *load) tokenRequest(id string, secret bool, signature string) []byte {
	members := map[string]string{"client_id": id, "audience": audience}
	if secret {
		members["client_secret"] = password
	}
	if signature != "" {
		members["signature"] = signature
	}
	return post(l.host, "/auth/token", jsonType, mustJSON(members))
}

// same makes the same requests again and again: of each client one.
func (l *load) same(request func(i int) []byte) func(time.Duration) (func(int) caller, error) {
	return func(time.Duration) (func(int) caller, error) {
		requests := make([][]byte, l.active)
		for i := range requests {
			requests[i] = request(i * (l.in.clients / l.active))
		}
		return func(i int) caller { return &fixed{requests, i * l.active / l.connections, 1, http.StatusOK} }, nil
	}
}

// assertions are made beforehand, as many as could be needed: each works once.
func (l *load) assertions(sort string, secret bool) func(time.Duration) (func(int) caller, error) {
	return func(lasts time.Duration) (func(int) caller, error) {
		signer, err := jose.NewSigner(l.in.clientKey, jose.RS256, "JWT")
		if err != nil {
			return nil, err
		}
		perCaller := int(l.mostPerSecond * lasts.Seconds() / float64(l.connections))
		lists, errs := make([][][]byte, l.connections), make(chan error, l.connections)
		slots := make(chan struct{}, runtime.GOMAXPROCS(0))
		var all sync.WaitGroup
		for c := range lists {
			all.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				for n := range perCaller {
					id := machine(sort, (c*perCaller+n)%l.active*(l.in.clients/l.active))
					signed, err := signer.Sign(assertion(id, time.Now()))
					if err != nil {
						errs <- err
						return
					}
					lists[c] = append(lists[c], l.tokenRequest(id, secret, signed))
				}
			})
		}
		all.Wait()
		if len(errs) > 0 {
			return nil, <-errs
		}
		return func(i int) caller { return &once{lists[i], http.StatusOK} }, nil
	}
}

func assertion(id string, now time.Time) []byte {
	return mustJSON(map[string]any{
		"iss": id, "sub": id, "aud": issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(290 * time.Second).Unix(),
	})
}

// logins are of one user after the other; each caller begins with another.
func (l *load) logins(time.Duration) (func(int) caller, error) {
	requests := make([][]byte, l.in.users)
	for i := range requests {
		requests[i] = l.loginRequest(user(i))
	}
	return func(i int) caller { return &fixed{requests, i * l.in.users / l.connections, 1, http.StatusOK} }, nil
}

func (l *load) loginRequest(name string) []byte {
	return post(l.host, "/auth/login", jsonType, mustJSON(map[string]string{"username": name, "password": password, "audience": audience}))
}

// refreshing is a session of one user, refreshed again and again.
type refreshing struct {
	l     *load
	user  string
	token string
}

func (r *refreshing) next() []byte {
	if r.token == "" {
		return r.l.loginRequest(r.user)
	}
	return post(r.l.host, "/auth/refresh", jsonType, mustJSON(map[string]string{"refresh_token": r.token}))
}

func (r *refreshing) answered(status int, body []byte) error {
	if err := wantStatus(http.StatusOK, status, body); err != nil {
		return err
	}
	var answer struct {
		Token string `json:"refresh_token"`
		Left  int    `json:"refreshes_left"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return err
	}
	if r.token = answer.Token; answer.Left == 0 {
		r.token = ""
	}
	return nil
}

// refreshes are of sessions that have begun beforehand, as many as there are connections: a login
// would be measured for its hash.
func (l *load) refreshes(time.Duration) (func(int) caller, error) {
	sessions, requests := make([]*refreshing, l.connections), make([][]byte, l.connections)
	for i := range sessions {
		sessions[i] = &refreshing{l: l, user: user(i % l.in.users)}
		requests[i] = sessions[i].next()
	}
	answers, err := l.answers(context.Background(), requests...)
	if err != nil {
		return nil, err
	}
	for i, body := range answers {
		if err := sessions[i].answered(http.StatusOK, body); err != nil {
			return nil, err
		}
	}
	return func(i int) caller {
		if i < len(sessions) {
			return sessions[i]
		}
		return &refreshing{l: l, user: user(i % l.in.users)}
	}, nil
}

// introspections ask for the token of each client.
func (l *load) introspections(lasts time.Duration) (func(int) caller, error) {
	tokens, err := l.tokens()
	if err != nil {
		return nil, err
	}
	return l.same(func(i int) []byte {
		body := url.Values{"token": {tokens[i/(l.in.clients/l.active)%len(tokens)]}}.Encode()
		return post(l.host, "/oauth2/introspect", formType, []byte(body), "Authorization", basic(asker))
	})(lasts)
}

func mustJSON(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("load: %v", err)) // strings and numbers
	}
	return text
}
