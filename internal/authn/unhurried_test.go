package authn_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/authn"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// A refusal for which no hash is computed comes no sooner than a time that hides what was
// done for it, whoever is named. (That it comes no later for one than for another is what
// internal/bench/timing measures.)
func TestRefusalsWithoutHashAreUnhurried(t *testing.T) {
	b := newBench(t)
	key, wrong := b.Key(jose.ES256), b.Key(jose.ES256)
	b.keyClient("client", key.Public().PEM())
	b.keyClient("disabled", key.Public().PEM())
	b.DisableClient("disabled")
	for _, id := range []string{"unknown", "client", "client", "disabled", ""} {
		for what, signature := range map[string]*string{"none": nil, "garbage": ptr("garbage"), "static": ptr("AAAA"), "assertion": ptr(b.Assertion(wrong, id))} {
			began := time.Now()
			err := b.present(id, nil, signature)
			took := time.Since(began)
			refused(t, err, "")
			if took < 10*time.Millisecond {
				t.Errorf("client %q, signature %s: refused after %v", id, what, took)
			}
		}
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
