package keyring

import (
	"context"
	"fmt"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// AuditSecret is the name of the secret that is the key of the audit: an Ed25519 key in
// PKCS #8. It signs nothing else, and is never replaced: whoever has pinned its public half
// can verify all of the audit.
const AuditSecret = "audit"

// AuditSigner returns what signs statements about the audit: from memory, so it needs no
// query. Unavailable when there is none that can be used.
func (r *Ring) AuditSigner(ctx context.Context) (*chain.Signer, error) {
	return r.audit.Get(ctx, AuditSecret)
}

func (r *Ring) loadAuditSigner(ctx context.Context, name string) (*chain.Signer, error) {
	stored, err := r.db.SealedSecret(ctx, name)
	if err != nil && identity.KindOf(err) != identity.NotFound {
		return nil, err
	}
	var signer *chain.Signer
	if err == nil {
		signer, err = r.openAuditSigner(stored)
	}
	if err != nil {
		return nil, &identity.Error{
			Kind: identity.Unavailable, Message: "The audit cannot be sealed now.", RetryAfter: time.Minute, Err: fmt.Errorf("the key of the audit: %w", err),
		}
	}
	return signer, nil
}

func (r *Ring) openAuditSigner(s store.SealedSecret) (*chain.Signer, error) {
	der, err := r.sealer.Open(s.Value, placeOf(store.SealedValue{Table: store.InSecrets, Row: s.Name, Version: s.Version}))
	if err != nil {
		return nil, fmt.Errorf("it does not open: %w", err)
	}
	defer clear(der)
	key, err := jose.ParsePKCS8(der)
	if err != nil {
		return nil, err
	}
	return chain.NewSigner(key)
}

// ensureAuditKey makes the key of the audit where there is none yet.
func (r *Ring) ensureAuditKey(ctx context.Context, tx *store.DB) error {
	_, err := tx.SealedSecret(ctx, AuditSecret)
	if identity.KindOf(err) != identity.NotFound {
		return err
	}
	key, err := jose.GeneratePrivateKey(jose.EdDSA)
	if err != nil {
		return err
	}
	made := store.SealedSecret{Name: AuditSecret, Version: 1, CreatedAt: tx.Now()}
	if made.Value, err = r.sealer.Seal(key.PKCS8(), placeOf(store.SealedValue{Table: store.InSecrets, Row: made.Name, Version: made.Version})); err != nil {
		return fmt.Errorf("sealing the key of the audit: %w", err)
	}
	if err := tx.StoreSecret(ctx, made); err != nil {
		return err
	}
	return restate(ctx, tx, key)
}

// restate signs with a new key where the chain of the audit ends, if it has begun: it goes on
// from there only by a head of the key. Whoever has pinned the former key sees that there
// is another.
func restate(ctx context.Context, tx *store.DB, key jose.PrivateKey) error {
	end, err := tx.AuditChain(ctx)
	if err != nil || end.Number == 0 {
		return err
	}
	signer, err := chain.NewSigner(key)
	if err != nil {
		return err
	}
	head, err := signer.Sign(chain.Statement{Kind: chain.Head, Number: end.Number, Hash: end.Hash, At: tx.Now()})
	if err != nil {
		return err
	}
	return tx.RestateHead(ctx, store.AuditStatement{Number: end.Number, Kind: store.StatementHead, Statement: head, MadeAt: tx.Now()})
}
