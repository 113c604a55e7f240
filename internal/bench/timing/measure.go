package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"runtime"
	"time"
)

// pair is two requests of one shape, which must not differ in their time, unless they are
// the control that must.
type pair struct {
	first, second string
	a, b          side
	control       bool
	differs       bool
}

func (p pair) name() string { return p.first + " and " + p.second }

// pairs lists what is measured. Where it does not say that memory knows a client, it is
// one whom nobody has asked for since the start.
func (s *subject) pairs() []pair {
	user, chosen := s.users(true), s.clients(wrongSecret, nil)
	signature := s.clients(s.wrongSignature, s.signing)
	return []pair{
		{first: "unknown user", second: "wrong password", a: s.unknownUsers, b: user},
		{first: "disabled user", second: "wrong password", a: s.users(false), b: user},
		{first: "unknown client", second: "wrong secret", a: s.unknownClients(wrongSecret), b: chosen},
		{first: "unknown client", second: "wrong secret, known to memory", a: s.unknownClients(wrongSecret), b: s.known(chosen)},
		{first: "mistyped secret", second: "wrong secret", a: s.clients(mistyped, nil), b: s.clients(wrongGenerated, nil)},
		{first: "disabled client", second: "wrong secret", a: s.clients(wrongSecret, disabled), b: chosen},
		{first: "unknown client", second: "wrong signature", a: s.unknownClients(s.wrongSignature), b: signature},
		{first: "unknown client", second: "wrong signature, known to memory", a: s.unknownClients(s.wrongSignature), b: s.known(signature)},
		{first: "unknown client", second: "secret instead of a signature", a: s.unknownClients(wrongSecret), b: s.clients(wrongSecret, s.signing)},
		{first: "wrong password", second: "wrong password", a: user, b: user, control: true},
		{first: "no secret", second: "wrong secret", a: s.clients(nothing, nil), b: chosen, control: true, differs: true},
	}
}

// measure compares the pairs whose name chosen finds. A pair that fails is measured once
// more.
func (s *subject) measure(ctx context.Context, chosen *regexp.Regexp, samples int) ([]result, error) {
	var results []result
	for _, p := range s.pairs() {
		if !chosen.MatchString(p.name()) {
			continue
		}
		r, err := s.compare(ctx, p, samples)
		if err == nil && !r.Passed {
			fmt.Fprintf(os.Stderr, "measuring once more: %s\n", r)
			r, err = s.compare(ctx, p, samples)
			r.Repeated = true
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.name(), err)
		}
		fmt.Fprintln(os.Stderr, r)
		results = append(results, r)
	}
	if len(results) == 0 {
		return nil, fmt.Errorf("-pairs: no pair has such a name")
	}
	return results, nil
}

const (
	warmUp = 5  // requests of each half that are not counted
	block  = 50 // samples of each half between collections of garbage
)

// compare takes samples of both halves of a pair by turns, in random order.
func (s *subject) compare(ctx context.Context, p pair, samples int) (result, error) {
	var requests [2][]request
	var taken [2][]time.Duration
	for i, half := range []side{p.a, p.b} {
		var err error
		if requests[i], err = half(ctx, samples+warmUp); err != nil {
			return result{}, err
		}
	}
	for n := range samples + warmUp {
		if n%block == 0 {
			runtime.GC() // what one block leaves is not the next one's
		}
		first := rand.IntN(2) //nolint:gosec // nothing secret
		for _, i := range []int{first, 1 - first} {
			d, err := s.ask(ctx, requests[i][n])
			if err != nil {
				return result{}, err
			}
			if n >= warmUp {
				taken[i] = append(taken[i], d)
			}
		}
	}
	return judge(p, taken[0], taken[1]), nil
}
