package clientkeys

import (
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// maxKeys is how many keys of a set are taken.
const maxKeys = 20

// Key is a key that a client publishes.
type Key struct {
	jose.PublicKey
	// Published is its "kid" in the set; without one it goes by its thumbprint, as all
	// keys of this service do.
	Published string
}

// name is what the "kid" of a message calls the key by.
func (k Key) name() string {
	if k.Published != "" {
		return k.Published
	}
	return k.KID()
}

// Set is the keys of a client that can verify, in the order in which it publishes them.
type Set []Key

// For returns the key that a message with this "kid" is to be verified with, or without one
// the first that fits its algorithm, and reports whether there is one.
func (s Set) For(kid string, alg jose.Algorithm) (Key, bool) {
	for _, key := range s {
		if (kid == "" || kid == key.name()) && key.Fits(alg) {
			return key, true
		}
	}
	return Key{}, false
}

// KIDs are the thumbprints of the keys, in their order.
func (s Set) KIDs() []string {
	kids := make([]string, 0, len(s))
	for _, key := range s {
		kids = append(kids, key.KID())
	}
	return kids
}

// found is what an answer has.
type found struct {
	set Set
	// secrets is how many of its keys are private or symmetric, and now known to whoever
	// has read them.
	secrets int
}

// readSet reads a JWK Set (RFC 7517 section 5). Keys that cannot be used are left out, as
// it asks there; a set that has none but those is one without keys.
func readSet(body []byte) (found, error) {
	var answer struct {
		Keys []jsontext.Value `json:"keys"`
	}
	if err := jose.DecodeStrict(body, &answer); err != nil {
		return found{}, fmt.Errorf("its answer is no JWK Set: %w", err)
	}
	if answer.Keys == nil {
		return found{}, errors.New(`its answer is no JWK Set: it has no member "keys"`)
	}
	var f found
	for _, text := range answer.Keys {
		key, err := readKey(text)
		switch {
		case errors.Is(err, jose.ErrPrivateKey):
			f.secrets++
		case err == nil && len(f.set) < maxKeys:
			f.set = append(f.set, key)
		}
	}
	return f, nil
}

func readKey(text jsontext.Value) (Key, error) {
	var named struct {
		KID *string `json:"kid"`
	}
	if err := jose.DecodeStrict(text, &named); err != nil {
		return Key{}, err
	}
	key, err := jose.ParsePublicKey(text)
	if err != nil || named.KID == nil {
		return Key{PublicKey: key}, err
	}
	return Key{key, *named.KID}, nil
}
