package authn

import (
	"context"
	"math/rand/v2"
	"time"
)

// quantum is the least that a refusal takes beside its hash: much longer than all else that
// is done for it.
const quantum = 10 * time.Millisecond

// unhurried returns the refusal at a time that has nothing to do with how long it took to
// come about: reading somebody takes longer than finding that there is nobody. That time is
// one to two quanta after the beginning, or a whole number of them later; whoever hashed
// moves the beginning by what that took. It is drawn by chance because timers are exact to a
// millisecond only, from the moment that they are set, which would tell the rest. The wait
// costs nobody else anything.
func unhurried(ctx context.Context, began time.Time, refusal error) error {
	until := quantum + rand.N(quantum) //nolint:gosec // seeded by the system; whoever guessed it would learn the time of a timer
	for time.Since(began) > until {
		until += quantum
	}
	wait := time.NewTimer(until - time.Since(began))
	defer wait.Stop()
	select {
	case <-wait.C:
		return refusal
	case <-ctx.Done():
		return ctx.Err()
	}
}
