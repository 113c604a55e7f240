package keyring

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// RefreshSecret is the name of the secret from which the key of refresh tokens is derived.
const RefreshSecret = "refresh"

const secretLength = 32 // bytes

// RefreshKey authenticates refresh tokens. It prints as nothing of use.
type RefreshKey struct {
	// ID names the key in tokens, and reveals nothing of it.
	ID        [4]byte
	key, once identity.Secret
}

// MAC returns the HMAC-SHA256 (RFC 2104) of the message.
func (k *RefreshKey) MAC(message []byte) []byte { return macOf(k.key, message) }

// OnceMAC is MAC under another key, derived from the same secret, for what names requests that
// are to be done once.
func (k *RefreshKey) OnceMAC(message []byte) []byte { return macOf(k.once, message) }

func macOf(key identity.Secret, message []byte) []byte {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(message)
	return mac.Sum(nil)
}

// RefreshKey returns the key of refresh tokens: from memory, so it needs no query.
// Unavailable when there is none that can be used.
func (r *Ring) RefreshKey(ctx context.Context) (*RefreshKey, error) {
	return r.refresh.Get(ctx, RefreshSecret)
}

func (r *Ring) loadRefreshKey(ctx context.Context, name string) (*RefreshKey, error) {
	stored, err := r.db.SealedSecret(ctx, name)
	if err == nil {
		var k *RefreshKey
		if k, err = r.openRefreshKey(stored); err == nil {
			r.refreshFault.Store(false)
			return k, nil
		}
	} else if identity.KindOf(err) != identity.NotFound {
		return nil, err
	}
	err = fmt.Errorf("the secret of refresh tokens: %w; \"identity session end --all\" makes a new one, which ends every session", err)
	if r.refreshFault.CompareAndSwap(false, true) { // once: anybody may ask
		r.logger.ErrorContext(ctx, "no session can begin or be refreshed", "reason", err.Error())
	}
	return nil, &identity.Error{Kind: identity.Unavailable, Message: "Sessions cannot be used now.", RetryAfter: 30 * time.Second, Err: err}
}

func (r *Ring) openRefreshKey(s store.SealedSecret) (*RefreshKey, error) {
	secret, err := r.sealer.Open(s.Value, placeOf(store.SealedValue{Table: store.InSecrets, Row: s.Name, Version: s.Version}))
	if err != nil {
		return nil, fmt.Errorf("it does not open: %w", err)
	}
	defer clear(secret)
	if len(secret) != secretLength {
		return nil, errors.New("it has not the length of a secret")
	}
	// RFC 5869: the key and its id say nothing of each other.
	key, err := hkdf.Key(sha256.New, secret, nil, "identity: key of refresh tokens, version 1", sha256.Size)
	if err != nil {
		return nil, err
	}
	id, err := hkdf.Key(sha256.New, secret, nil, "identity: id of the key of refresh tokens, version 1", len(RefreshKey{}.ID))
	if err != nil {
		return nil, err
	}
	once, err := hkdf.Key(sha256.New, secret, nil, "identity: key of requests that are done once, version 1", sha256.Size)
	if err != nil {
		return nil, err
	}
	return &RefreshKey{ID: [4]byte(id), key: identity.NewSecret(string(key)), once: identity.NewSecret(string(once))}, nil
}

// EnsureSecrets makes the secret of refresh tokens and the key of the audit where there are
// none yet. It runs in tx, which is inside store.DB.Change.
func (r *Ring) EnsureSecrets(ctx context.Context, tx *store.DB) error {
	_, err := tx.SealedSecret(ctx, RefreshSecret)
	if identity.KindOf(err) == identity.NotFound {
		err = r.ReplaceRefreshKey(ctx, tx)
	}
	if err != nil {
		return err
	}
	return r.ensureAuditKey(ctx, tx)
}

// ReplaceRefreshKey makes a new secret of refresh tokens: no token that is out is good any
// more. It runs in tx, which is inside store.DB.Change.
func (r *Ring) ReplaceRefreshKey(ctx context.Context, tx *store.DB) error {
	next := store.SealedSecret{Name: RefreshSecret, Version: 1, CreatedAt: tx.Now()}
	former, err := tx.SealedSecret(ctx, RefreshSecret)
	if err == nil {
		next.Version = former.Version + 1
	} else if identity.KindOf(err) != identity.NotFound {
		return err
	}
	secret := make([]byte, secretLength)
	defer clear(secret)
	_, _ = rand.Read(secret) // never fails: crypto/rand aborts the program instead
	if next.Value, err = r.sealer.Seal(secret, placeOf(store.SealedValue{Table: store.InSecrets, Row: next.Name, Version: next.Version})); err != nil {
		return fmt.Errorf("sealing the secret of refresh tokens: %w", err)
	}
	return tx.StoreSecret(ctx, next)
}
