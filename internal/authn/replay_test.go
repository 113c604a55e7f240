package authn_test

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// An assertion works once, whatever the clock does while it could be valid.
func TestAssertionIsSpentForGood(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	b.keyClient("client", key.Public().PEM())
	text := b.Assertion(key, "client", claims{"jti": "once"}) // expires in 60 s
	accepted(t, b.present("client", nil, &text))
	again := func(t *testing.T) {
		t.Helper()
		for { // what the upkeep does, until nothing is left to forget
			if n, err := b.Installation.DB.PruneAssertions(t.Context(), 100); err != nil || n == 0 {
				if err != nil {
					t.Fatal(err)
				}
				break
			}
		}
		refused(t, b.present("client", nil, &text), "used before")
	}
	again(t)
	for _, step := range []time.Duration{59 * time.Second, 60 * time.Second} {
		b.Clock.Move(step) // as late as it is still valid, by exp and then by the skew
		again(t)
	}
	// The clock of a node was ahead and is set back.
	b.Clock.Move(time.Hour)
	refused(t, b.present("client", nil, &text), "exp is past")
	if _, err := b.Installation.DB.PruneAssertions(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	b.Clock.Move(-time.Hour - 119*time.Second)
	again(t)
	// The same jti in a new assertion is the same assertion.
	refused(t, b.present("client", nil, ptr(b.Assertion(key, "client", claims{"jti": "once"}))), "used before")
	accepted(t, b.present("client", nil, ptr(b.Assertion(key, "client", claims{"jti": "Once"}))))
	// It is spent for every node.
	other := b.another()
	if _, err := other.Client(t.Context(), authn.ClientCredentials{ID: "client", Signature: &text}); identity.KindOf(err) != identity.InvalidCredentials {
		t.Errorf("another node: %v", err)
	}
}

// A jti is the client's own: no other can use it up, also not one whose name and
// jti run together to the same text.
func TestJTIBelongsToItsClient(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	for _, c := range []struct{ id, jti string }{{"ab", "c"}, {"a", "bc"}, {"b", "bc"}, {"abc", "c"}} {
		b.keyClient(c.id, key.Public().PEM())
		accepted(t, b.present(c.id, nil, ptr(b.Assertion(key, c.id, claims{"jti": c.jti}))))
		refused(t, b.present(c.id, nil, ptr(b.Assertion(key, c.id, claims{"jti": c.jti}))), "used before")
	}
}

// An assertion is spent last: whoever intercepts one cannot use it up without the
// client's other proof.
func TestAssertionIsSpentOnlyWithEveryOtherProof(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	_, secret := b.AddClient(newBoth("both", key.Public().PEM()))
	_, other := b.AddClient(admin.NewClient{ID: "other"})
	text := b.Assertion(key, "both")
	refused(t, b.present("both", nil, &text), "must present its secret")
	refused(t, b.present("both", ptr("wrong"), &text), "no live secret")
	refused(t, b.present("both", ptr(swapBody(secret, other)), &text), "no live secret")
	accepted(t, b.present("both", &secret, &text))
	refused(t, b.present("both", &secret, &text), "used before")
}

// Nor does a refused assertion spend its jti.
func TestRefusedAssertionSpendsNothing(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	b.keyClient("client", key.Public().PEM())
	before := b.Tables()
	refused(t, b.present("client", nil, ptr(b.Assertion(key, "client", claims{"jti": "j", "aud": "x"}))), "aud")
	refused(t, b.present("client", nil, ptr(b.Assertion(b.Key(jose.ES256), "client", claims{"jti": "j"}))), "not signed")
	if after := b.Tables(); after["spent_assertions"] != before["spent_assertions"] {
		t.Error("a refused assertion was stored")
	}
	accepted(t, b.present("client", nil, ptr(b.Assertion(key, "client", claims{"jti": "j"}))))
}

// Of 50 simultaneous uses, on two nodes, one succeeds.
func TestAssertionRace(t *testing.T) {
	b := newBench(t)
	key := b.Key(jose.ES256)
	_, secret := b.AddClient(newBoth("both", key.Public().PEM()))
	nodes := []*authn.Authenticator{b.authn, b.another()}
	for range 3 {
		text, s := b.Assertion(key, "both"), identity.NewSecret(secret)
		var won, lost atomic.Int64
		var ready, done sync.WaitGroup
		start := make(chan struct{})
		for i := range 50 {
			ready.Add(1)
			done.Go(func() {
				ready.Done()
				<-start
				_, err := nodes[i%2].Client(t.Context(), authn.ClientCredentials{ID: "both", Secret: &s, Signature: &text})
				switch {
				case err == nil:
					won.Add(1)
				case identity.KindOf(err) == identity.InvalidCredentials:
					lost.Add(1)
				default:
					t.Errorf("neither accepted nor refused: %v", err)
				}
			})
		}
		ready.Wait()
		close(start)
		done.Wait()
		if won.Load() != 1 || lost.Load() != 49 {
			t.Errorf("%d accepted, %d refused, of 50", won.Load(), lost.Load())
		}
	}
}
