package chain_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func newSigner(t testing.TB) *chain.Signer {
	t.Helper()
	return must(chain.NewSigner(must(jose.GeneratePrivateKey(jose.EdDSA))(t)))(t)
}

var begin = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

// trail is a sealed audit.
type trail struct {
	signer     *chain.Signer
	events     []identity.Event
	statements map[int64][]string // by the number that they are about
	cut        string
}

// newTrail seals so many events, with a head at every third and the last.
func newTrail(t testing.TB, signer *chain.Signer, n int) *trail {
	t.Helper()
	tr := &trail{signer: signer, statements: map[int64][]string{}}
	var previous []byte
	for i := range n {
		e := identity.Event{
			Number: int64(i + 1), ID: fmt.Sprint("event-", i), At: begin.Add(time.Duration(i) * time.Millisecond), Name: "user.created", Outcome: "success",
			Actor: fmt.Sprint("actor ", i%2), Target: "tärget \u2028", IP: "2001:db8::1", RequestID: fmt.Sprint("r", i), Detail: fmt.Appendf(nil, `{"after":{"n":%d,"text":"<&> \u003c"}}`, i),
		}
		e.Hash = chain.Hash(previous, e)
		previous = e.Hash
		tr.events = append(tr.events, e)
		if i%3 == 2 || i == n-1 {
			tr.statements[e.Number] = append(tr.statements[e.Number], tr.sign(t, chain.Head, e))
		}
	}
	return tr
}

func (tr *trail) sign(t testing.TB, kind string, e identity.Event) string {
	t.Helper()
	return must(tr.signer.Sign(chain.Statement{Kind: kind, Number: e.Number, Hash: e.Hash, At: e.At}))(t)
}

// copied is the same with events of its own.
func (tr *trail) copied() *trail {
	c := &trail{signer: tr.signer, events: append([]identity.Event{}, tr.events...), statements: map[int64][]string{}, cut: tr.cut}
	for number, list := range tr.statements {
		c.statements[number] = append([]string{}, list...)
	}
	return c
}

// verify gives all to a Verifier.
func (tr *trail) verify(kept *chain.Statement) chain.Report {
	v := chain.NewVerifier([]jose.PublicKey{tr.signer.Public()}, kept)
	tr.give(v.Event, v.Statement)
	return v.End(0, 0)
}

func (tr *trail) give(event func(identity.Event), statement func(string)) {
	if tr.cut != "" {
		statement(tr.cut)
	}
	for i, e := range tr.events {
		event(e)
		if i+1 == len(tr.events) || tr.events[i+1].Number != e.Number {
			for _, s := range tr.statements[e.Number] {
				statement(s)
			}
		}
	}
}

// rehash computes the hashes anew from the i-th event on, as somebody without the key can.
func (tr *trail) rehash(i, to int) {
	for ; i < to; i++ {
		var previous []byte
		if i > 0 {
			previous = tr.events[i-1].Hash
		}
		tr.events[i].Hash = chain.Hash(previous, tr.events[i])
	}
}
