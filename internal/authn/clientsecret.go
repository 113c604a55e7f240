package authn

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"runtime/trace"
	"sync"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/argon2"
)

// proveSecret checks the secret, unless memory had it: by Argon2id.
func (a *Authenticator) proveSecret(ctx context.Context, client *knownClient, try *attempt) error {
	defer trace.StartRegion(ctx, "authn.secret").End()
	if try.Secret == nil {
		return refused(identity.Refuse(identity.RefusedSecretMissing, "the client must present its secret").Of(client.ID).With("require", client.Require.String()))
	}
	now := a.db.Now()
	registered, found := client.secretFor(*try.Secret, now)
	if !found {
		return refused(client.noSecret(*try.Secret, now))
	}
	try.secretID = registered.ID
	if try.recalled {
		return nil
	}
	try.hashed = true
	var ok bool
	err := try.timed(func() (err error) {
		ok, err = a.verify(ctx, argon2.Machines, registered.Hash, *try.Secret)
		return err
	})
	if err != nil {
		return err
	}
	if !ok {
		return refused(client.about(registered, identity.Refuse(identity.RefusedSecretWrong, "wrong secret")))
	}
	try.proven = true
	client.verified.add(registered.ID, a.remember(client.ID, registered.ID, *try.Secret))
	if a.pool.NeedsRehash(registered.Hash) {
		try.weak = &registered
	}
	return nil
}

// recall notes whether memory has the secret as one that was proven, of a client that
// requires one.
func (a *Authenticator) recall(client *knownClient, try *attempt) {
	if !client.Enabled || !client.Require.Has(identity.ProofSecret) || try.Secret == nil {
		return
	}
	registered, found := client.secretFor(*try.Secret, a.db.Now())
	try.recalled = found && client.verified.has(registered.ID, a.remember(client.ID, registered.ID, *try.Secret))
}

// throttle is the account of attempts on the client with this secret. Who presents a
// generated one names its id, which strangers do not know.
func (k *knownClient) throttle(try *attempt, now time.Time) identity.Throttle {
	id, generated := identity.ClientSecretID(*try.Secret)
	if _, found := k.secretFor(*try.Secret, now); !found || !generated {
		id = ""
	}
	return identity.ClientThrottle(try.ID, id)
}

// renewHash replaces the weak hash of the secret, if it has one. It waits until
// every proof has held: a refusal must not cost a second Argon2id.
func (a *Authenticator) renewHash(ctx context.Context, try *attempt) {
	if try.weak == nil {
		return
	}
	a.rehash(ctx, argon2.Machines, "client_id", try.ID, *try.Secret, func(hash string) error {
		return a.db.RehashClientSecret(ctx, try.weak.ID, try.weak.Hash, hash)
	})
}

// secretFor returns the one live secret that the presented one can be: a
// generated secret names its id, and at most one of a client's was chosen. So
// there is always at most one hash to compute.
func (k *knownClient) secretFor(presented identity.Secret, now time.Time) (identity.ClientSecret, bool) {
	id, generated := identity.ClientSecretID(presented)
	for _, s := range k.Secrets {
		if s.Live(now) && (generated && s.ID == id && !s.Chosen || !generated && s.Chosen) {
			return s, true
		}
	}
	return identity.ClientSecret{}, false
}

// remember returns what memory keeps of a proven secret: an HMAC under a key
// that lives and dies with this process, over length-prefixed parts, so that no
// other client, credential and secret have the same.
func (a *Authenticator) remember(clientID, secretID string, secret identity.Secret) [sha256.Size]byte {
	mac := hmac.New(sha256.New, a.memoryKey[:])
	for _, part := range []string{clientID, secretID, secret.Reveal()} {
		var length [8]byte
		binary.BigEndian.PutUint64(length[:], uint64(len(part)))
		mac.Write(length[:])
		mac.Write([]byte(part))
	}
	return [sha256.Size]byte(mac.Sum(nil))
}

// verifiedSecrets holds the digests of secrets that Argon2id has proven, by
// secret id. It is as small as the client's list of secrets.
type verifiedSecrets struct {
	mu      sync.RWMutex
	digests map[string][sha256.Size]byte
}

func (v *verifiedSecrets) has(secretID string, digest [sha256.Size]byte) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	held, ok := v.digests[secretID]
	return ok && hmac.Equal(held[:], digest[:]) // in constant time
}

func (v *verifiedSecrets) add(secretID string, digest [sha256.Size]byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.digests == nil {
		v.digests = map[string][sha256.Size]byte{}
	}
	v.digests[secretID] = digest
}
