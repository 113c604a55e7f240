package audit

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/chain"
	"github.com/seed-60f9e3ad/identity/internal/jose"
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
	if err := s.stands(ctx, signer, end); err != nil {
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

// stands refuses to go on from an end of the chain that was not signed: whoever can write to
// the database, and has changed what is sealed and hashed it anew, is not to get a
// signature about that. It is ErrSealed where another node has gone on meanwhile.
func (s *Sealer) stands(ctx context.Context, signer *chain.Signer, end store.ChainEnd) error {
	fault, err := s.fault(ctx, signer, end)
	if err != nil || fault == "" {
		return err
	}
	if now, err := s.db.AuditChain(ctx); err != nil || now.Number != end.Number {
		return cmp.Or(err, store.ErrSealed)
	}
	return fmt.Errorf("%s: the database was changed; \"identity audit verify\" says where", fault)
}

// fault says what is wrong with an end of the chain; empty is nothing.
func (s *Sealer) fault(ctx context.Context, signer *chain.Signer, end store.ChainEnd) (string, error) {
	if end.Number == 0 {
		numbered, err := s.db.SealedEvents(ctx, identity.Event{}, 1)
		if err != nil || len(numbered) > 0 {
			return "the chain is to begin anew, though events are sealed", err
		}
		_, err = s.db.LastStatement(ctx, store.StatementHead)
		if identity.KindOf(err) == identity.NotFound {
			return "", nil
		}
		return "the chain is to begin anew, though statements are signed about it", err
	}
	about, err := s.db.AuditStatements(ctx, end.Number, end.Number)
	if err != nil {
		return "", err
	}
	for _, st := range about {
		head, err := chain.ReadStatement(st.Statement, signer.Public())
		if err == nil && head.Kind == chain.Head && head.Number == end.Number && bytes.Equal(head.Hash, end.Hash) {
			return "", nil
		}
	}
	return fmt.Sprintf("the chain ends at event %d with a hash that was not signed", end.Number), nil
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// proven refuses an audit that is not as it was sealed, from its beginning to a head about the
// event with the number, or a later one: what is about to be signed stands on that.
func proven(ctx context.Context, tx *store.DB, signer *chain.Signer, number int64) error {
	v := chain.NewVerifier([]jose.PublicKey{signer.Public()}, nil)
	err := walk(ctx, tx, func(e identity.Event) error { v.Event(e); return nil }, func(st store.AuditStatement) error {
		v.Statement(st.Statement)
		if st.Kind == store.StatementHead && st.Number >= number {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if b := v.End(0, 0).Broken; b != nil {
		return fmt.Errorf("the audit is not as it was sealed, and is not cut: %s from event %d to %d: %s", b.Kind, b.First, b.Last, b.Why)
	}
	return nil
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
		if err := proven(ctx, tx, signer, last.Number); err != nil {
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
