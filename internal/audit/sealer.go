package audit

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/keyring"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// sealedAtOnce bounds one transaction of the sealer.
const sealedAtOnce = 500

// Sealer gives events their numbers and hashes, and signs how far it has come.
type Sealer struct {
	db     *store.DB
	ring   *keyring.Ring
	logger *slog.Logger
}

// NewSealer makes a Sealer.
func NewSealer(db *store.DB, ring *keyring.Ring, logger *slog.Logger) *Sealer {
	return &Sealer{db, ring, logger}
}

// Seal seals events in the order of their arrival until none is left, and logs each head
// that it signs, so that there is a copy outside of the database. Another process may do
// the same at the same time: what one has sealed the other leaves. It returns how many it
// sealed. Where the key of the audit cannot be used nothing is sealed, with that error.
func (s *Sealer) Seal(ctx context.Context) (sealed int, err error) {
	for {
		n, err := s.batch(ctx)
		sealed += n
		if errors.Is(err, store.ErrSealed) {
			continue // somebody else goes on: look how far they are
		}
		if err != nil || n < sealedAtOnce {
			return sealed, err
		}
	}
}

func (s *Sealer) batch(ctx context.Context) (int, error) {
	events, err := s.db.Unsealed(ctx, sealedAtOnce)
	if err != nil || len(events) == 0 {
		return 0, err
	}
	signer, err := s.ring.AuditSigner(ctx)
	if err != nil {
		return 0, err
	}
	// Read after the events: what was sealed between is not among what follows this end.
	end, err := s.db.AuditChain(ctx)
	if err != nil {
		return 0, err
	}
	previous := end.Hash
	for i := range events {
		e := &events[i]
		e.Number = end.Number + int64(i) + 1
		e.Hash = chain.Hash(previous, *e)
		previous = e.Hash
	}
	last := events[len(events)-1]
	head, err := s.state(signer, chain.Head, last)
	if err != nil {
		return 0, err
	}
	if err := s.db.SealEvents(ctx, end, events, head); err != nil {
		return 0, err
	}
	s.tell(ctx, head)
	return len(events), nil
}

// state signs a statement about an event.
func (s *Sealer) state(signer *chain.Signer, kind string, about identity.Event) (store.AuditStatement, error) {
	now := s.db.Now()
	statement, err := signer.Sign(chain.Statement{Kind: kind, Number: about.Number, Hash: about.Hash, At: now})
	return store.AuditStatement{Number: about.Number, Kind: kind, Statement: statement, MadeAt: now}, err
}

// tell logs a statement in parts: as a whole it looks like a token, for which logs are
// searched.
func (s *Sealer) tell(ctx context.Context, st store.AuditStatement) {
	if r, err := chain.Split(st.Statement); err == nil {
		s.logger.InfoContext(ctx, "audit statement", "kind", r.Kind, "number", r.Number, "hash", r.Hash, "iat", r.At, "kid", r.KID, "signature", r.Signature)
	}
}

// retention is on whose behalf the audit is cut.
var retention = identity.Caller{ID: "system:retention"}

// cut is how the audit shows that it was.
type cut struct {
	UpTo  int64     `json:"up_to"`
	Until time.Time `json:"until"` // when the last event was that is gone
}

// Cut deletes sealed events of before a time, the oldest so many at most, and returns how
// many. It leaves a signed statement on which the rest stands, logs it, and records the cut.
func (s *Sealer) Cut(ctx context.Context, before time.Time, limit int) (int64, error) {
	signer, err := s.ring.AuditSigner(ctx)
	if err != nil {
		return 0, err
	}
	var gone int64
	var statement store.AuditStatement
	err = s.db.Tx(ctx, func(tx *store.DB) error {
		gone = 0
		last, err := tx.Cuttable(ctx, before, limit)
		if identity.KindOf(err) == identity.NotFound {
			return nil
		}
		if err != nil {
			return err
		}
		if statement, err = s.state(signer, chain.Cut, last); err != nil {
			return err
		}
		if gone, err = tx.CutAudit(ctx, statement); err != nil {
			return err
		}
		return Record(ctx, tx, retention, Change{Name: "audit.cut", After: cut{last.Number, last.At}})
	})
	if err == nil && gone > 0 {
		s.tell(ctx, statement)
	}
	return gone, err
}
