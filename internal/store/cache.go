package store

import (
	"context"
	"time"

	"github.com/maypok86/otter/v2"
)

// Cache holds things of one kind in memory, loaded from the database when they
// are first asked for and dropped when a change touches them.
type Cache[T any] struct {
	follower *Follower
	kind     string
	also     string // another kind, whose changes drop everything
	load     func(ctx context.Context, id string) (T, error)
	held     *otter.Cache[string, T]
}

// NewCache makes a cache of at most size things, each held for at most ttl.
// load reads one; its errors are handed on and not remembered.
func NewCache[T any](f *Follower, kind string, size int, ttl time.Duration, load func(ctx context.Context, id string) (T, error)) *Cache[T] {
	c := &Cache[T]{follower: f, kind: kind, load: load, held: otter.Must(&otter.Options[string, T]{
		MaximumSize:      size,
		ExpiryCalculator: otter.ExpiryWriting[string, T](ttl),
	})}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.caches = append(f.caches, c)
	return c
}

// Get returns the thing, from memory while that can be trusted.
func (c *Cache[T]) Get(ctx context.Context, id string) (T, error) {
	thing, _, err := c.Find(ctx, id)
	return thing, err
}

// Held returns the thing if it is in memory and can be trusted now. It waits for nothing.
func (c *Cache[T]) Held(id string) (thing T, held bool) {
	if trusted, _ := c.follower.standing(); !trusted {
		return thing, false
	}
	return c.held.GetIfPresent(id)
}

// Find is Get, and reports whether the database was asked for it.
func (c *Cache[T]) Find(ctx context.Context, id string) (thing T, asked bool, err error) {
	var none T
	if err := c.follower.fresh(ctx); err != nil {
		return none, false, err
	}
	if held, ok := c.held.GetIfPresent(id); ok {
		return held, false, nil
	}
	revision, err := c.follower.db.Revision(ctx)
	if err != nil {
		return none, true, err
	}
	loaded, err := c.load(ctx, id)
	if err != nil {
		return none, true, err
	}
	c.hold(id, loaded, revision)
	return loaded, true, nil
}

// hold keeps what was loaded, unless a change that came after the revision read
// before loading has been applied already: its drop would be missed. A change
// that is still to be applied will drop it.
func (c *Cache[T]) hold(id string, loaded T, revision int64) {
	c.follower.mu.Lock()
	defer c.follower.mu.Unlock()
	if revision >= c.follower.revision {
		c.held.Set(id, loaded)
	}
}

// DropAllOn has the cache drop everything when a thing of the other kind changes,
// for what is loaded together with such things. It returns the cache, and is called
// before anything is asked of it.
func (c *Cache[T]) DropAllOn(kind string) *Cache[T] {
	c.also = kind
	return c
}

func (c *Cache[T]) drop(kind, id string) {
	switch kind {
	case c.kind:
		c.held.Invalidate(id)
	case c.also:
		c.held.InvalidateAll()
	}
}

func (c *Cache[T]) dropAll() { c.held.InvalidateAll() }
