package authn

import (
	"cmp"
	"context"
	"runtime/trace"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
	"github.com/seed-60f9e3ad/identity/internal/clientkeys"
	"github.com/seed-60f9e3ad/identity/internal/jose"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

// ClientCredentials is what a machine client presents. Nil is a proof that was
// not presented.
type ClientCredentials struct {
	ID        string
	Secret    *identity.Secret
	Signature *string
	// Method is how it was presented, at an endpoint where the standards say how; empty is
	// POST /auth/token, where the registration alone does.
	Method identity.AuthMethod
	// TokenEndpoint is the URL that an assertion may have as its audience, of a client that
	// is registered so; empty is none.
	TokenEndpoint string
}

// knownClient is a client in memory: its keys parsed, its secrets remembered
// once they have been proven. The zero knownClient is nobody.
type knownClient struct {
	identity.Client
	keys     []registeredKey // newest first
	verified verifiedSecrets
}

// registeredKey is a key with the id under which it is registered.
type registeredKey struct {
	jose.PublicKey
	id string
}

// attempt is one attempt of somebody to be a client. It keeps account of the
// work done for it, so that a refusal can be made to cost what all cost.
type attempt struct {
	ClientCredentials
	began            time.Time
	signature        *signature    // nil if none was presented
	looked           bool          // in the database, for the client
	hashing          time.Duration // spent on the hash, and on waiting for it
	hashed, verified bool
	proven           bool                   // the secret, by its hash
	recalled         bool                   // memory has the secret, as one that was proven
	weak             *identity.ClientSecret // proven, under a hash to be replaced
	secretID, keyID  string                 // of what was proven
	set              clientkeys.Set         // of a client that publishes its keys itself
	unfetched        error                  // why they cannot be had
}

// Client returns the client that these credentials prove. Its error is
// InvalidCredentials whatever is wrong with them, at the cost of one Argon2id if
// they hold a secret and one verification if they hold a signature; or RateLimited
// before that.
func (a *Authenticator) Client(ctx context.Context, c ClientCredentials) (_ identity.Principal, err error) {
	defer trace.StartRegion(ctx, "authn.Client").End()
	try := &attempt{ClientCredentials: c, began: time.Now()}
	if c.Signature != nil {
		try.signature = readSignature(*c.Signature)
		if c.Method != "" {
			try.signature = try.signature.asserted()
		}
	}
	client, err := a.known(ctx, try)
	if err != nil {
		return identity.Principal{}, err
	}
	if try.fromMemory(client) {
		a.unlimited(ctx)
	} else {
		end, limited := a.attempt(ctx, a.addresses.proofs, true)
		if limited != nil {
			return identity.Principal{}, a.settle(ctx, client, try, limited)
		}
		defer func() { end(err) }()
	}
	if err := a.fetch(ctx, client, try); err != nil {
		return identity.Principal{}, err
	}
	slot, client, err := a.clientSlot(ctx, client, try)
	if err != nil {
		return identity.Principal{}, a.settle(ctx, client, try, err)
	}
	defer func() { slot.end(ctx, err) }()
	refusal := a.prove(ctx, client, try)
	if refusal == nil || try.proven {
		slot.proven(ctx) // what is counted is guesses at the secret
	}
	if refusal != nil {
		return identity.Principal{}, a.settle(ctx, client, try, refusal)
	}
	a.renewHash(ctx, try)
	now := a.db.Now()
	a.uses.client(try, now)
	principal := clientPrincipal(client.Client, now)
	principal.SecretID, principal.KeyID = try.secretID, try.keyID
	return principal, nil
}

// known returns the client of the attempt, or the zero knownClient. Whoever is not proven by
// memory alone takes a place among those who wait for the database or a hash.
func (a *Authenticator) known(ctx context.Context, try *attempt) (*knownClient, error) {
	defer trace.StartRegion(ctx, "store.Client").End()
	client, held := a.clients.Held(try.ID)
	if held {
		a.recall(client, try)
		if try.fromMemory(client) {
			return client, nil
		}
	}
	if err := web.Enter(ctx); err != nil || held {
		return client, err
	}
	client, looked, err := a.clientNow(ctx, try.ID)
	if err != nil {
		return nil, err
	}
	try.looked = looked
	a.recall(client, try)
	return client, nil
}

// fromMemory reports whether memory proves all that the client requires.
func (try *attempt) fromMemory(client *knownClient) bool {
	return try.recalled && client.Require == identity.ProofSecret
}

// clientSlot is the right to an attempt with a secret that memory does not have, whatever
// the client requires: what it costs, and when it is refused, follows from the request's
// shape. It returns the client as it is when it has that.
func (a *Authenticator) clientSlot(ctx context.Context, client *knownClient, try *attempt) (*slot, *knownClient, error) {
	if try.Secret == nil || try.recalled {
		return nil, client, nil
	}
	var failed error
	account, source := client.throttle(try, a.db.Now()), familiarSource(ctx)
	if account.ID != identity.ClientThrottle(try.ID, "").ID {
		source = "" // strangers have no part in this account: it needs no way around them
	}
	s, err := a.slot(ctx, account, source, func() bool {
		if client.ID == "" {
			return false // to ask once more would tell unknown clients from others
		}
		var found *knownClient
		if found, _, failed = a.clientNow(ctx, try.ID); failed == nil {
			client = found
			a.recall(client, try)
		}
		return failed != nil || try.recalled
	})
	return s, client, cmp.Or(failed, err)
}

func clientPrincipal(c identity.Client, now time.Time) identity.Principal {
	return identity.Principal{
		ID: c.ID, Permissions: heldBy(c.Permissions, c.Roles), Audiences: c.Audiences, TokenLifetime: c.TokenExpiration, TokenAlgorithm: c.TokenAlgorithm,
		RevokedAt: c.RevokedAt(), AuthTime: now,
	}
}

// prove checks every proof that the client requires, and only those. Where the standards
// say how a client proves itself there is one proof: a client that requires two learns, once
// that one holds, that it cannot get anything so.
func (a *Authenticator) prove(ctx context.Context, client *knownClient, try *attempt) error {
	if client.ID == "" {
		return refused(identity.Refuse(identity.RefusedClientUnknown, "unknown client: none has this client_id"))
	}
	if !client.Enabled {
		return refused(identity.Refuse(identity.RefusedClientDisabled, "the client is disabled").Of(client.ID))
	}
	wanted, err := client.wanted(try)
	if err != nil {
		return err
	}
	var once *assertion
	if wanted.Has(identity.ProofSignature) {
		if once, err = a.proveSignature(ctx, client, try); err != nil {
			return err
		}
	}
	if wanted.Has(identity.ProofSecret) {
		if err := a.proveSecret(ctx, client, try); err != nil {
			return err
		}
	}
	if wanted != client.Require {
		return client.halfProven(try)
	}
	// Last of all, so that nobody spends an assertion without the other proof.
	return a.spend(ctx, client.ID, once)
}

// settle makes a refusal cost what every refusal of such a request costs.
func (a *Authenticator) settle(ctx context.Context, client *knownClient, try *attempt, refusal error) error {
	kind := identity.KindOf(refusal)
	if kind != identity.InvalidCredentials && kind != identity.RateLimited {
		return refusal
	}
	if !try.looked {
		// An unknown id was looked for in the database. One that memory knows
		// must not be refused faster, and one that was looked for as well not
		// slower.
		if err := a.db.LookForClient(ctx, client.ID); err != nil {
			return err
		}
	}
	if kind == identity.RateLimited {
		return refusal
	}
	if try.signature != nil && !try.verified {
		a.verifyNothing(try)
	}
	if try.Secret != nil && !try.hashed {
		if err := try.timed(func() error { return a.burn(ctx, argon2.Machines) }); err != nil {
			return err
		}
	}
	return unhurried(ctx, try.began.Add(try.hashing), refusal)
}

// timed does what hashes, and keeps account of how long that takes.
func (try *attempt) timed(hash func() error) error {
	began := time.Now()
	defer func() { try.hashing += time.Since(began) }()
	return hash()
}

// clientNow returns the client, or the zero knownClient, and reports whether the database
// was asked for it.
func (a *Authenticator) clientNow(ctx context.Context, id string) (client *knownClient, looked bool, err error) {
	client, looked, err = a.clients.Find(ctx, id)
	if identity.KindOf(err) == identity.NotFound {
		return &knownClient{}, looked, nil
	}
	return client, looked, err
}

func (a *Authenticator) loadClient(ctx context.Context, id string) (*knownClient, error) {
	client, err := a.db.Client(ctx, id)
	if err != nil {
		return nil, err
	}
	known := &knownClient{Client: client}
	for _, k := range client.Keys {
		key, err := jose.ParsePublicKey([]byte(k.JWK))
		if err != nil {
			a.logger.WarnContext(ctx, "a stored client key cannot be used", "client_id", id, "kid", k.KID, "reason", err.Error())
			continue
		}
		known.keys = append(known.keys, registeredKey{key, k.ID})
	}
	return known, nil
}
