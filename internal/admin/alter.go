package admin

import (
	"context"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/audit"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// alteration is a change of one thing that is there. It has what differs from change to
// change; alter has what is the same for all: the order of the checks, the transaction,
// and the record in the audit.
type alteration[T any] struct {
	permission string
	// find reads the thing; NotFound if there is none.
	find func(tx *store.DB) (T, error)
	// may says whether the caller may change it at all.
	may func(tx *store.DB, found T) error
	// decide says what it is to become, or what is wrong with that. Nil leaves it.
	decide func(tx *store.DB, found T) (T, error)
	// match says whether it is what the caller has seen. Nil takes it as it is.
	match func(found T) error
	// write stores the change and says how the audit shows it.
	write func(tx *store.DB, found, next T) (audit.Change, error)
}

func alter[T any](ctx context.Context, s *Service, caller identity.Caller, a alteration[T]) error {
	if err := caller.Require(a.permission); err != nil {
		return err
	}
	return s.change(ctx, caller, func(tx *store.DB) error {
		found, err := a.find(tx)
		if err != nil {
			return err
		}
		if err := a.may(tx, found); err != nil {
			return err
		}
		next := found
		if a.decide != nil {
			if next, err = a.decide(tx, found); err != nil {
				return err
			}
		}
		if a.match != nil {
			if err := a.match(found); err != nil {
				return err
			}
		}
		recorded, err := a.write(tx, found, next)
		if err != nil {
			return err
		}
		return audit.Record(ctx, tx, caller, recorded)
	})
}
