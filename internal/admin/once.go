package admin

import (
	"context"
	"crypto/hmac"
	"encoding/binary"
	"errors"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/store"
)

// onceFor is how long it is remembered that a request was done.
const onceFor = 24 * time.Hour

// Request is a request that is to be done once, however often it comes
// (draft-ietf-httpapi-idempotency-key-header).
type Request struct {
	// Route is its method and path, and Key the caller's name for it.
	Route, Key string
	Body       []byte
}

// once is such a request while it is done.
type once struct{ store.Done }

type onceKey struct{}

// errDone is within the error of a request that another node has done meanwhile.
var errDone = errors.New("it was done meanwhile")

// Once has do do a request once. If it was done already, by whichever node, it returns the id
// of what was made, and do is not called, or what it did is undone. What fails is not
// remembered. Errors beside those of do: InvalidRequest where the key was used with another
// body, Conflict while the first of them is under way on this node.
func (s *Service) Once(ctx context.Context, caller identity.Caller, r Request, do func(context.Context) error) (made string, err error) {
	key, err := s.ring.RefreshKey(ctx)
	if err != nil {
		return "", err
	}
	o := &once{}
	copy(o.ID[:], key.OnceMAC(parts("request", caller.ID, r.Route, r.Key)))
	copy(o.Fingerprint[:], key.OnceMAC(parts("body", string(r.Body))))
	if _, underway := s.underway.LoadOrStore(o.ID, true); underway {
		return "", identity.Errorf(identity.Conflict, "A request with this Idempotency-Key is under way; ask again once it is answered.")
	}
	defer s.underway.Delete(o.ID)
	if made, err := o.found(ctx, s.db); err != nil || made != "" {
		return made, err
	}
	err = do(context.WithValue(ctx, onceKey{}, o))
	if errors.Is(err, errDone) {
		return o.found(ctx, s.db)
	}
	return "", err
}

// parts joins texts so that no others give the same.
func parts(texts ...string) (message []byte) {
	for _, text := range texts {
		message = binary.BigEndian.AppendUint64(message, uint64(len(text)))
		message = append(message, text...)
	}
	return message
}

// found returns what was made by the request before, or nothing.
func (o *once) found(ctx context.Context, db *store.DB) (made string, err error) {
	done, err := db.DoneUnder(ctx, o.ID)
	switch {
	case identity.KindOf(err) == identity.NotFound:
		return "", nil
	case err != nil:
		return "", err
	case !hmac.Equal(done.Fingerprint[:], o.Fingerprint[:]):
		return "", &identity.Error{Kind: identity.InvalidRequest, Message: "This Idempotency-Key was used with another body.", Fields: []identity.FieldError{{
			Loc: []string{"header", "Idempotency-Key"}, Message: "was used with another body", Type: identity.FieldInvalidValue,
		}}}
	}
	return done.Resource, nil
}

// makes says what the request makes that ctx belongs to.
func makes(ctx context.Context, id string) {
	if o, ok := ctx.Value(onceKey{}).(*once); ok {
		o.Resource = id
	}
}

// doOnce runs fn in tx, and remembers there what it made. What another node has done
// meanwhile is not done again.
func doOnce(ctx context.Context, tx *store.DB, fn func(tx *store.DB) error) error {
	o, ok := ctx.Value(onceKey{}).(*once)
	if !ok {
		return fn(tx)
	}
	if made, err := o.found(ctx, tx); err != nil {
		return err
	} else if made != "" {
		return errDone
	}
	if err := fn(tx); err != nil || o.Resource == "" {
		return err
	}
	o.ExpiresAt = tx.Now().Add(onceFor)
	return tx.RememberDone(ctx, o.Done)
}
