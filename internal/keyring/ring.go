package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/seal"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// tokenType is the "typ" header of what the ring signs: RFC 9068 section 2.1.
const tokenType = "at+jwt"

// holdFor bounds how long keys stay in memory without being read again.
const holdFor = time.Hour

// Ring signs with the active key and knows every key that verifies.
type Ring struct {
	db     *store.DB
	sealer *seal.Sealer
	logger *slog.Logger
	keys   *store.Cache[*keySet]
	// refresh has the key of refresh tokens.
	refresh *store.Cache[*RefreshKey]
	audit   *store.Cache[*chain.Signer]
	// refreshFault reports whether that was said of it.
	refreshFault atomic.Bool
	// last is what was read last. It signs nothing: it is for verifiers while the
	// database is away.
	last atomic.Pointer[keySet]
	jwks atomic.Pointer[JWKS]
}

// Config is what a Ring needs; nothing may be missing.
type Config struct {
	DB       *store.DB
	Follower *store.Follower
	Sealer   *seal.Sealer
	Logger   *slog.Logger
}

// New makes a ring over the stored keys, which it reads when they are first
// needed.
func New(cfg Config) (*Ring, error) {
	if cfg.DB == nil || cfg.Follower == nil || cfg.Sealer == nil || cfg.Logger == nil {
		return nil, errors.New("the key ring needs a database, a follower, a sealer and a logger")
	}
	r := &Ring{db: cfg.DB, sealer: cfg.Sealer, logger: cfg.Logger}
	r.keys = store.NewCache(cfg.Follower, store.KindSigningKeys, 1, holdFor, func(ctx context.Context, _ string) (*keySet, error) {
		return r.load(ctx)
	})
	r.refresh = store.NewCache(cfg.Follower, store.KindSecret, 1, holdFor, r.loadRefreshKey)
	r.audit = store.NewCache(cfg.Follower, store.KindSecret, 1, holdFor, r.loadAuditSigner)
	return r, nil
}

// Key is the public face of a signing key.
type Key struct {
	identity.SigningKey
	Public jose.PublicKey
}

// Active returns the key that signs now; Unavailable when there is none that
// can.
func (r *Ring) Active(ctx context.Context) (Key, error) {
	k, err := r.active(ctx, "")
	if err != nil {
		return Key{}, err
	}
	return Key{k.SigningKey, k.public}, nil
}

// Current returns the stored default key that signs, or the one that is about to at once,
// as one that was just imported; one that is to take over later does not count yet. It
// reads the database, so that inside a transaction it sees what that did.
func Current(ctx context.Context, db *store.DB) (Key, error) {
	stored, err := db.SigningKeys(ctx)
	if err != nil {
		return Key{}, err
	}
	current, ok := signing(stored, "", db.Now().Add(takeover))
	if !ok {
		return Key{}, errNoKey
	}
	public, err := jose.ParsePublicKey([]byte(current.PublicJWK))
	if err != nil {
		return Key{}, errNoKey.Because(fmt.Errorf("signing key %s: its public half is damaged: %w", current.KID, err))
	}
	return Key{current, public}, nil
}

// Sign signs a claims set and returns the compact JWS: with the default key, or
// with the one for the algorithm if that is not empty. It needs no query.
func (r *Ring) Sign(ctx context.Context, algorithm jose.Algorithm, claims []byte) (string, error) {
	k, err := r.active(ctx, algorithm)
	if err != nil {
		return "", err
	}
	return k.signer.Sign(claims)
}

// SignAs signs something that is no access token, but of the given typ (RFC 8725 section 3.11),
// with the default key.
func (r *Ring) SignAs(ctx context.Context, typ string, payload []byte) (string, error) {
	k, err := r.active(ctx, "")
	if err != nil {
		return "", err
	}
	signer, err := k.signer.Large(typ)
	if err != nil {
		return "", err
	}
	return signer.Sign(payload)
}

// Verifier returns the public key with the key id, bound to its one algorithm
// (RFC 8725 section 3.1); InvalidToken when no published key has it.
func (r *Ring) Verifier(ctx context.Context, kid string) (jose.PublicKey, error) {
	set, err := r.keys.Get(ctx, "")
	if err != nil {
		return jose.PublicKey{}, err
	}
	for _, k := range set.published(r.db.Now()) {
		if k.KID == kid {
			return k.public, nil
		}
	}
	return jose.PublicKey{}, identity.Errorf(identity.InvalidToken, "The token is not valid.").Because(identity.Refuse(identity.RefusedBearerKey, "no published key has the kid of the token: of another issuer, or older than its keys"))
}

var errNoKey = &identity.Error{
	Kind: identity.Unavailable, Message: "No signing key can be used now.", RetryAfter: 30 * time.Second,
	Err: errors.New("there is no active signing key"),
}

func (r *Ring) active(ctx context.Context, algorithm jose.Algorithm) (*loadedKey, error) {
	set, err := r.keys.Get(ctx, "")
	if err != nil {
		return nil, err
	}
	k := set.active(r.db.Now(), algorithm)
	switch {
	case k == nil:
		return nil, errNoKey
	case k.signer == nil:
		return nil, errNoKey.Because(fmt.Errorf("the active signing key %s is quarantined: %w", k.KID, k.fault))
	}
	return k, nil
}

// keySet is what the ring holds in memory, ordered by when the keys begin to
// sign.
type keySet struct{ keys []*loadedKey }

type loadedKey struct {
	identity.SigningKey
	public jose.PublicKey
	// signer is nil for keys that sign no more and for quarantined ones.
	signer *jose.Signer
	// fault is why the key is quarantined.
	fault error
	// unproven reports whether the public half is known to be wrong, so that
	// publishing it would let somebody else's signatures pass.
	unproven bool
}

// active returns the key that signs now: the default one, or for an algorithm the
// default one if it is that, else the one for it. Until a key for an algorithm has
// taken over, the default one signs.
func (s *keySet) active(now time.Time, algorithm jose.Algorithm) *loadedKey {
	var byDefault, asked *loadedKey
	coming := algorithm == ""
	for _, k := range slices.Backward(s.keys) {
		state := k.State(now)
		matches := k.Algorithm == string(algorithm)
		switch {
		case state == identity.KeyActive && k.Default && byDefault == nil:
			byDefault = k
		case state == identity.KeyActive && matches && asked == nil:
			asked = k
		}
		coming = coming || state == identity.KeyNext && matches
	}
	switch {
	case byDefault != nil && byDefault.Algorithm == string(algorithm):
		return byDefault
	case asked != nil:
		return asked
	case coming:
		return byDefault
	}
	return nil
}

// published returns the keys that a verifier needs now or soon.
func (s *keySet) published(now time.Time) []*loadedKey {
	var list []*loadedKey
	for _, k := range s.keys {
		if k.State(now) != identity.KeyExpired && !k.unproven {
			list = append(list, k)
		}
	}
	return list
}

// load reads the keys and unseals those that sign, now or soon.
func (r *Ring) load(ctx context.Context) (*keySet, error) {
	stored, err := r.db.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	set := &keySet{}
	now := r.db.Now()
	for _, s := range stored {
		k := r.loadKey(s, now)
		if k.fault != nil {
			r.logger.ErrorContext(ctx, "a signing key is quarantined: it signs nothing", "kid", s.KID, "state", s.State(now), "reason", k.fault.Error())
		}
		set.keys = append(set.keys, k)
	}
	r.last.Store(set)
	return set, nil
}

func (r *Ring) loadKey(s identity.SigningKey, now time.Time) *loadedKey {
	k := &loadedKey{SigningKey: s}
	var err error
	if k.public, err = jose.ParsePublicKey([]byte(s.PublicJWK)); err != nil {
		k.fault, k.unproven = fmt.Errorf("its public half is damaged: %w", err), true
		return k
	}
	if alg, bound := k.public.Bound(); k.public.KID() != s.KID || !bound || string(alg) != s.Algorithm {
		k.fault, k.unproven = errors.New("its public half does not have its key id and algorithm"), true
		return k
	}
	if state := s.State(now); state == identity.KeyRetired || state == identity.KeyExpired {
		return k
	}
	private, err := open(r.sealer, s)
	if err != nil {
		k.fault = err
		return k
	}
	if !k.public.Equal(private.Public()) {
		k.fault, k.unproven = errors.New("its private half does not belong to its public half"), true
		return k
	}
	k.signer, k.fault = jose.NewSigner(private, jose.Algorithm(s.Algorithm), tokenType)
	return k
}

// open unseals the private half of a stored key.
func open(sealer *seal.Sealer, s identity.SigningKey) (jose.PrivateKey, error) {
	if s.Private.Empty() {
		return jose.PrivateKey{}, errors.New("its private half is missing")
	}
	der, err := sealer.Open(s.Private, place(s.KID))
	if err != nil {
		return jose.PrivateKey{}, fmt.Errorf("its private half does not open: %w", err)
	}
	defer clear(der)
	return jose.ParsePKCS8(der)
}
