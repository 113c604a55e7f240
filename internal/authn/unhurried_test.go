package authn_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A refusal comes no sooner than a time that hides what was done for it beside a hash,
// whoever is named. (That it comes no later for one than for another is what
// internal/bench/timing measures.)
func TestRefusalsAreUnhurried(t *testing.T) {
	b := newBench(t)
	key, wrong := b.Key(jose.ES256), b.Key(jose.ES256)
	b.keyClient("client", key.Public().PEM())
	b.keyClient("disabled", key.Public().PEM())
	b.DisableClient("disabled")
	unhurried := func(what string, attempt func() error) {
		t.Helper()
		began := time.Now()
		err := attempt()
		took := time.Since(began)
		refused(t, err, "")
		if took < 10*time.Millisecond {
			t.Errorf("%s: refused after %v", what, took)
		}
	}
	for _, id := range []string{"unknown", "client", "client", "disabled", ""} {
		for what, signature := range map[string]*string{"none": nil, "garbage": ptr("garbage"), "static": ptr("AAAA"), "assertion": ptr(b.Assertion(wrong, id))} {
			unhurried("client "+id+", signature "+what, func() error { return b.present(id, nil, signature) })
		}
		unhurried("client "+id+", a secret", func() error { return b.present(id, ptr("wrong"), nil) })
	}
	for _, name := range []string{"nobody", b.AdminUsername} {
		unhurried("user "+name, func() error { return b.login(name, "wrong") })
	}
	accepted(t, b.present("client", nil, ptr(b.Assertion(key, "client"))))
}

// Who does not wait for the answer is not waited for.
func TestUnhurriedRefusalEndsWithItsRequest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	refusal, began := errors.New("refused"), time.Now()
	cancel()
	if err := authn.Unhurried(ctx, began.Add(time.Hour), refusal); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := authn.Unhurried(t.Context(), began.Add(-time.Minute), refusal); !errors.Is(err, refusal) { // it took long
		t.Errorf("got %v", err)
	}
}
