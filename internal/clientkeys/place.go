package clientkeys

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

const (
	// fresh is how long keys count.
	fresh = 5 * time.Minute
	// rest is how long a URL is left alone after it was asked.
	rest = 30 * time.Second
	// outage is how long keys count if no later ones can be had.
	outage = 24 * time.Hour
)

// place is a URL and what is known of it.
type place struct {
	set     Set
	since   time.Time // when the set was asked for; zero is never
	asked   time.Time // when the last answer came, or did not; zero is never
	failure error     // of the last request
	secrets bool      // there were private keys in the last answer
	trip    *trip     // nil if no request is on its way
	used    uint64
}

// trip is a request on its way. Its result is there once done is closed, or from the
// beginning if that is nil.
type trip struct {
	done chan struct{}
	set  Set
	err  error
}

// younger reports whether a time is less than d ago. What is in the future, because the
// clock was set back, is not.
func younger(t time.Time, d time.Duration, now time.Time) bool {
	age := now.Sub(t)
	return !t.IsZero() && age >= 0 && age < d
}

// look returns what is known, or the request that is to be waited for, and reports whether
// it is the caller who has to make it.
func (f *Fetcher) look(want Wanted) (on *trip, ours bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p, now := f.place(want.URI), f.now()
	_, has := p.set.For(want.KID, want.Algorithm)
	switch {
	case has && younger(p.since, fresh, now), younger(p.asked, rest, now):
		set, err := p.known(now)
		return &trip{set: set, err: err}, false
	case p.trip == nil:
		p.trip = &trip{done: make(chan struct{})}
		return p.trip, true
	default:
		return p.trip, false
	}
}

// known returns the keys that count.
func (p *place) known(now time.Time) (Set, error) {
	if younger(p.since, outage, now) {
		return p.set, nil
	}
	if p.failure == nil {
		return nil, ErrUnavailable // they got too old while the clock was set
	}
	return nil, fmt.Errorf("%w: %w", ErrUnavailable, p.failure)
}

// place returns the place of a URL, for which another makes room if need be: the one that
// was not used for the longest time.
func (f *Fetcher) place(uri string) *place {
	p := f.places[uri]
	if p == nil {
		if len(f.places) >= maxPlaces {
			f.forget()
		}
		p = &place{}
		f.places[uri] = p
	}
	f.uses++
	p.used = f.uses
	return p
}

func (f *Fetcher) forget() {
	oldest, found := "", false
	for uri, p := range f.places {
		if p.trip == nil && (!found || p.used < f.places[oldest].used) {
			oldest, found = uri, true
		}
	}
	if found {
		delete(f.places, oldest)
	}
}

var (
	errCrowded = errors.New("too many others are being fetched")
	errStopped = errors.New("the request was given up")
)

// make makes the request that others wait for too, which is why the caller's leaving does
// not end it.
func (f *Fetcher) make(ctx context.Context, want Wanted, on *trip) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), f.timeout)
	defer cancel()
	began := f.now()
	got, err := found{}, errStopped // whatever happens, nobody waits for ever
	defer func() { f.arrive(ctx, want, on, got, began, err) }()
	select {
	case f.slots <- struct{}{}:
		defer func() { <-f.slots }()
		got, err = f.fetch(ctx, want.URI)
	case <-ctx.Done():
		err = errCrowded
	}
}

// arrive keeps what a request has brought.
func (f *Fetcher) arrive(ctx context.Context, want Wanted, on *trip, got found, began time.Time, err error) {
	f.mu.Lock()
	p, now := f.places[want.URI], f.now()
	before := *p
	p.trip = nil
	switch {
	case errors.Is(err, errCrowded): // which says nothing about the place
		f.crowded.Add(1)
	case err != nil:
		f.failed.Add(1)
		p.asked, p.failure = now, err
	default:
		f.fetched.Add(1)
		p.asked, p.failure = now, nil
		p.set, p.since, p.secrets = got.set, began, got.secrets > 0
	}
	on.set, on.err = p.known(now)
	if on.err != nil && errors.Is(err, errCrowded) {
		on.err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	close(on.done)
	after := *p
	f.mu.Unlock()
	f.report(ctx, want, before, after, got)
}

// report logs what has changed: a failure when it begins and when it ends, and that
// somebody begins to publish what must be kept.
func (f *Fetcher) report(ctx context.Context, want Wanted, before, after place, got found) {
	host := ""
	if u, err := url.Parse(want.URI); err == nil {
		host = u.Host // there may be more in the URL than is for the log
	}
	logger := f.logger.With("client_id", want.ClientID, "host", host)
	switch {
	case before.failure == nil && after.failure != nil:
		logger.WarnContext(ctx, "the keys at the jwks_uri of a client cannot be fetched", "reason", after.failure.Error(), "last_keys_count", !after.since.IsZero())
	case before.failure != nil && after.failure == nil:
		logger.InfoContext(ctx, "the keys at the jwks_uri of a client can be fetched again", "keys", len(after.set))
	}
	if after.secrets && !before.secrets {
		logger.WarnContext(ctx, "private or symmetric keys are published at the jwks_uri of a client: they are not used, and known to whoever has read them", "keys", got.secrets)
	}
}
