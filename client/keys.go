package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/ratelimit"
)

const (
	// keysEvery is how often the keys are asked for: what their max-age says.
	keysEvery = 5 * time.Minute
	// keysCount is how long the last keys count while no others can be had. The list of
	// revoked tokens, where it is kept, ends much before.
	keysCount = 24 * time.Hour
	// endpointsCount is how long addresses count before they are asked for again.
	endpointsCount = time.Hour

	maxKeys = 100
)

// How often requests can make a verifier ask: because of keys that are not known, because of
// a list that is too old, and because metadata have led nowhere.
var (
	unknownKeys = ratelimit.Policy{Burst: 3, Interval: 10 * time.Second}
	staleList   = ratelimit.Policy{Burst: 1, Interval: 5 * time.Second}
	misleading  = ratelimit.Policy{Burst: 1, Interval: 15 * time.Second}
)

// keySet are the keys of the service by their kid.
type keySet map[string]*jose.PublicKey

// fetchKeys gets the keys from where the metadata say that they are.
func (v *Verifier) fetchKeys(ctx context.Context, etag string) (keySet, string, error) {
	at, err := v.addresses(ctx)
	if err != nil {
		return nil, "", err
	}
	answer, err := v.get(ctx, at.keys, etag, maxKeySet)
	if err != nil {
		return nil, "", err
	}
	set, err := readKeys(answer.body)
	if err != nil {
		return nil, "", fmt.Errorf("reading the keys: %w", err)
	}
	// A key that stays is the same one, so that what it has verified still counts.
	if was, ok := v.keys.within(keysCount); ok {
		for kid, key := range set {
			if old := was[kid]; old != nil && old.JWK() == key.JWK() {
				set[kid] = old
			}
		}
	}
	return set, answer.header.Get("ETag"), nil
}

// addresses are where things are, from the last metadata that could be had. Where those are
// old, or have led nowhere, others are asked for beside it.
func (v *Verifier) addresses(ctx context.Context) (endpoints, error) {
	at, ok := v.places.within(keysCount)
	if !ok {
		err := v.places.refresh(ctx)
		at, _ = v.places.within(keysCount)
		return at, err
	}
	if _, fresh := v.places.within(endpointsCount); !fresh || v.misled.Load() {
		v.misled.Store(false)
		_, _ = v.places.start(misleading) // what comes of it is for the next time
	}
	return at, nil
}

// get asks at an address of the metadata, and remembers if there was nothing to be had.
func (v *Verifier) get(ctx context.Context, address, etag string, most int64) (answer, error) {
	got, err := v.service.get(ctx, address, etag, most)
	if err != nil && !errors.Is(err, errUnchanged) {
		v.misled.Store(true)
	}
	return got, err
}

// readKeys reads a JWK Set (RFC 7517 section 5). Keys of a kind that is not understood are
// left out, as it asks there; so are those without a kid, which no token can name, and
// private ones. Of two with one kid neither is taken.
func readKeys(body []byte) (keySet, error) {
	var answer struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := jose.DecodeStrict(body, &answer); err != nil {
		return nil, err
	}
	if len(answer.Keys) > maxKeys {
		return nil, errors.New("there are too many")
	}
	set, twice := keySet{}, map[string]bool{}
	for _, text := range answer.Keys {
		var named struct {
			KID string `json:"kid"`
		}
		if jose.DecodeStrict(text, &named) != nil || named.KID == "" {
			continue
		}
		key, err := jose.ParsePublicKey(text)
		if err != nil {
			continue
		}
		twice[named.KID] = set[named.KID] != nil || twice[named.KID]
		set[named.KID] = &key
	}
	for kid, more := range twice {
		if more {
			delete(set, kid)
		}
	}
	if len(set) == 0 {
		return nil, errors.New("there is none that can verify")
	}
	return set, nil
}

// key returns the key of this kid. One that is not known is asked for, if the keys were not
// asked for just now.
func (v *Verifier) key(ctx context.Context, kid string) (*jose.PublicKey, error) {
	if key := v.knownKey(kid); key != nil {
		return key, nil
	}
	err := v.keys.want(ctx, unknownKeys)
	if key := v.knownKey(kid); key != nil {
		return key, nil
	}
	if err != nil {
		return nil, unavailable(ctx, "getting the keys", err)
	}
	return nil, ErrUnknownKey
}

func (v *Verifier) knownKey(kid string) *jose.PublicKey {
	set, _ := v.keys.within(keysCount)
	return set[kid]
}
