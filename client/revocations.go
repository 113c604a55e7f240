package client

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

const revocationListType = "revocation-list+jwt"

// revocationHash is the identity.RevocationHash of a value.
type revocationHash [16]byte

// revocations is a list of revoked tokens.
type revocations struct {
	issuedAt, expires int64
	// before has, for a kind and a hash, the time before which such tokens are revoked.
	before map[identity.RevocationKind]map[revocationHash]int64
	// all are revoked that were issued before it.
	all int64
}

// fetchRevocations gets the list, which must not be older than the one that is held: who
// can repeat an old one would hide what was revoked since.
func (v *Verifier) fetchRevocations(ctx context.Context, etag string) (*revocations, string, error) {
	at, err := v.addresses(ctx)
	if err != nil {
		return nil, "", err
	}
	if at.revocations == "" {
		v.misled.Store(true)
		return nil, "", errors.New("the metadata have no revocation_list_uri")
	}
	held := v.revoked.held.Load()
	answer, err := v.get(ctx, at.revocations, etag, jose.MaxLargeMessage)
	if errors.Is(err, errUnchanged) && held.value.expires+v.leeway <= v.now().Unix() {
		err = errListExpired
	}
	if err != nil {
		return nil, "", err
	}
	list, err := v.readRevocations(ctx, string(answer.body))
	if err != nil {
		return nil, "", fmt.Errorf("reading the revocation list: %w", err)
	}
	if held == nil || held.value.issuedAt > v.now().Unix()+v.leeway { // the clocks were wrong when that came
		return list, answer.header.Get("ETag"), nil
	}
	if list.issuedAt < held.value.issuedAt {
		return nil, "", errors.New("the revocation list is older than the one before")
	}
	if list.issuedAt == held.value.issuedAt { // nobody knows which is the later one
		list.merge(held.value)
	}
	return list, answer.header.Get("ETag"), nil
}

var errListExpired = errors.New("the revocation list has expired, by the clock of this machine")

// readRevocations verifies a list as a token is verified. Entries of kinds that it does not
// know are for others; one that it should know and cannot read makes the list useless.
func (v *Verifier) readRevocations(ctx context.Context, compact string) (*revocations, error) {
	message, err := jose.ParseLarge(compact, v.algorithms)
	if err != nil {
		return nil, err
	}
	if !isMediaType(message.Type(), revocationListType) {
		return nil, errors.New("it is of another type")
	}
	key, err := v.key(ctx, message.KID())
	if errors.Is(err, ErrUnknownKey) {
		err = errors.New("its key is not published")
	}
	if err != nil {
		return nil, err
	}
	payload, err := message.Verify(*key)
	if err != nil {
		return nil, err
	}
	var said struct {
		Issuer   string           `json:"iss"`
		IssuedAt int64            `json:"iat"`
		Expires  int64            `json:"exp"`
		Entries  []jsontext.Value `json:"entries"`
	}
	if err := jose.DecodeStrict(payload, &said); err != nil {
		return nil, err
	}
	now := v.now().Unix()
	switch {
	case said.Issuer != v.service.issuer:
		return nil, errors.New("it is from another issuer")
	case said.IssuedAt <= 0 || said.Entries == nil:
		return nil, errors.New("it lacks iat or entries")
	case said.Expires+v.leeway <= now:
		return nil, errListExpired
	case said.IssuedAt-v.leeway > now:
		return nil, errors.New("it is from the future, by the clock of this machine")
	}
	list := &revocations{issuedAt: said.IssuedAt, expires: said.Expires, before: map[identity.RevocationKind]map[revocationHash]int64{}}
	for _, entry := range said.Entries {
		if err := list.add(entry); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// add takes an entry in.
func (r *revocations) add(text jsontext.Value) error {
	var of struct {
		Kind identity.RevocationKind `json:"kind"`
	}
	if err := jose.DecodeStrict(text, &of); err != nil {
		return fmt.Errorf("an entry: %w", err)
	}
	switch of.Kind {
	case identity.RevokedToken, identity.RevokedSession, identity.RevokedPrincipal, identity.RevokedKey, identity.RevokedAll:
	default:
		return nil
	}
	var entry struct {
		Hash   string `json:"hash"`
		Before int64  `json:"before"`
	}
	if err := jose.DecodeStrict(text, &entry); err != nil {
		return fmt.Errorf("an entry: %w", err)
	}
	if entry.Before <= 0 {
		return errors.New("an entry has no before")
	}
	if of.Kind == identity.RevokedAll {
		r.all = max(r.all, entry.Before)
		return nil
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(entry.Hash)
	if err != nil || len(raw) != len(revocationHash{}) {
		return errors.New("an entry has no hash")
	}
	r.put(of.Kind, revocationHash(raw), entry.Before)
	return nil
}

func (r *revocations) put(kind identity.RevocationKind, hash revocationHash, before int64) {
	of := r.before[kind]
	if of == nil {
		of = map[revocationHash]int64{}
		r.before[kind] = of
	}
	of[hash] = max(of[hash], before)
}

// merge takes in what another list has.
func (r *revocations) merge(other *revocations) {
	r.all = max(r.all, other.all)
	for kind, of := range other.before {
		for hash, before := range of {
			r.put(kind, hash, before)
		}
	}
}

// has reports whether the token was revoked.
func (r *revocations) has(t *Token) bool {
	if t.issuedAt < r.all {
		return true
	}
	for _, by := range t.revocableBy {
		if t.issuedAt < r.before[by.kind][by.hash] {
			return true
		}
	}
	return false
}

// revocable is a value by which a token can be revoked.
type revocable struct {
	kind identity.RevocationKind
	hash revocationHash
}

// checkRevoked refuses a token that was revoked, and every token while nobody knows.
func (v *Verifier) checkRevoked(ctx context.Context, t *Token) error {
	if v.revoked == nil {
		return nil
	}
	list, ok := v.revoked.within(v.maxStale)
	if !ok {
		err := v.revoked.want(ctx, staleList)
		if list, ok = v.revoked.within(v.maxStale); !ok {
			if err == nil {
				err = errors.New("the request for it took too long")
			}
			return unavailable(ctx, "getting the revocation list", err)
		}
	}
	if list.has(t) {
		return ErrRevoked
	}
	return nil
}
