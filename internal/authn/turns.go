package authn

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

// turnPatience is how long an attempt waits for its turn.
const turnPatience = 5 * time.Second

// turns has the attempts of one key on this node begin one after another, in the order in
// which they came: who is right must not be refused because others who are right have not
// been answered yet. It holds no more keys than there are requests.
type turns struct {
	mu sync.Mutex
	of map[string]*turn
}

type turn struct {
	free *semaphore.Weighted
	// wanted is how many have it or wait for it.
	wanted int
}

// take waits for the turn of a key, and returns how to leave it. waited reports whether
// somebody had it before: what was read then is no more to be relied upon. The error is
// the context's, or that it took too long.
func (t *turns) take(ctx context.Context, key string) (leave func(), waited bool, err error) {
	t.mu.Lock()
	if t.of == nil {
		t.of = map[string]*turn{}
	}
	own := t.of[key]
	if own == nil {
		own = &turn{free: semaphore.NewWeighted(1)}
		t.of[key] = own
	}
	own.wanted++
	t.mu.Unlock()
	leave = func() {
		own.free.Release(1)
		t.drop(key, own)
	}
	if own.free.TryAcquire(1) {
		return leave, false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, turnPatience)
	defer cancel()
	if err := own.free.Acquire(ctx, 1); err != nil {
		t.drop(key, own)
		return nil, true, err
	}
	return leave, true, nil
}

func (t *turns) drop(key string, own *turn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if own.wanted--; own.wanted == 0 {
		delete(t.of, key)
	}
}
