package authn

import (
	"context"
	"errors"
	"runtime/trace"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// fetch gets the keys of a client that publishes them itself, if they are needed for what is
// presented. It comes before the attempt has anything that others wait for: while somebody
// else's server is waited for, the request is none of those that are worked on. Its error is
// the service's; that keys cannot be had is a refusal, in its time.
func (a *Authenticator) fetch(ctx context.Context, client *knownClient, try *attempt) error {
	if client.JWKSURI == "" || !client.Enabled || !client.Require.Has(identity.ProofSignature) ||
		try.signature == nil || try.signature.assertion == nil || client.header(try.signature.assertion) != nil {
		return nil
	}
	defer trace.StartRegion(ctx, "clientkeys.Keys").End()
	m := try.signature.assertion
	var err error
	overloaded := web.Meanwhile(ctx, func() {
		try.set, err = a.keys.Keys(ctx, clientkeys.Wanted{ClientID: client.ID, URI: client.JWKSURI, KID: m.KID(), Algorithm: m.Algorithm()})
	})
	if errors.Is(err, clientkeys.ErrUnavailable) {
		// The same answer as to any other proof that does not hold.
		try.unfetched = refused(identity.Refuse(identity.RefusedKeyUnavailable, err.Error()).Of(client.ID))
		err = nil
	}
	return errors.Join(overloaded, err)
}

// published returns the fetched key that the message is to be verified with; the zero key if
// there is none.
func (try *attempt) published(m *jose.Message) registeredKey {
	key, found := try.set.For(m.KID(), m.Algorithm())
	if !found {
		return registeredKey{}
	}
	return registeredKey{key.PublicKey, key.KID()}
}

// kids are those of the keys that the client's assertion could be signed with.
func (try *attempt) kids(client *knownClient) []string {
	if client.JWKSURI != "" {
		return try.set.KIDs()
	}
	return client.kids()
}
