package authn

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"runtime/trace"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// signature is a presented signature, read but not verified. With neither form
// readable it is neither.
type signature struct {
	fault     error         // of one with two dots that is none
	assertion *jose.Message // a client assertion
	static    []byte        // the signature over the bytes of the client_id
}

// readSignature tells the two forms apart by the two dots of a compact JWS.
func readSignature(text string) *signature {
	if strings.Count(text, ".") == 2 {
		m, err := jose.Parse(text, jose.AssertionAlgorithms())
		if err != nil {
			return &signature{fault: err}
		}
		return &signature{assertion: m}
	}
	static, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(static) == 0 {
		return &signature{}
	}
	return &signature{static: static}
}

// asserted is the signature where only an assertion can be one: the static form can be
// replayed, and no standard has it.
func (s *signature) asserted() *signature {
	if s.static == nil {
		return s
	}
	return &signature{fault: errors.New("a client assertion is a compact JWS, which has two dots")}
}

// proveSignature checks the signature and returns the assertion that is to be
// spent; nil for the static form, which can be replayed.
func (a *Authenticator) proveSignature(ctx context.Context, client *knownClient, try *attempt) (*assertion, error) {
	defer trace.StartRegion(ctx, "authn.signature").End()
	switch {
	case try.signature == nil:
		return nil, refused(identity.Refuse(identity.RefusedSignatureMissing, "the client must present a signature").Of(client.ID).With("require", client.Require.String()))
	case try.signature.assertion != nil:
		return a.proveAssertion(ctx, client, try)
	case try.signature.static != nil:
		return nil, a.proveStatic(client, try)
	default:
		return nil, refused(try.signature.unreadable().Of(client.ID))
	}
}

// proveStatic checks an RSASSA-PSS signature over the bytes of the client_id.
func (a *Authenticator) proveStatic(client *knownClient, try *attempt) error {
	if !client.StaticSignature {
		return refused(identity.Refuse(identity.RefusedStaticNotAllowed, "the client may not use the static signature, which can be replayed").Of(client.ID))
	}
	var key registeredKey
	for _, k := range client.keys {
		if k.Fits(jose.PS256) {
			key = k
			break
		}
	}
	try.verified, try.keyID = true, key.id
	if err := a.verifier.VerifyPSS(key.PublicKey, []byte(client.ID), try.signature.static); err != nil {
		reason := identity.Refuse(identity.RefusedStaticWrong, "wrong static signature: the client's newest RSA key did not make it")
		if key.id == "" {
			reason = identity.Refuse(identity.RefusedKeyUnknown, "wrong static signature: the client has no RSA key, which it needs")
		}
		return refused(reason.Of(client.ID).By(key.id).With("kids", client.kids()))
	}
	return nil
}

// assertion is a client assertion whose signature and claims hold.
type assertion struct {
	jti, keyID string
	expires    time.Time
}

// proveAssertion checks a client assertion (RFC 7523 section 3).
func (a *Authenticator) proveAssertion(ctx context.Context, client *knownClient, try *attempt) (*assertion, error) {
	m := try.signature.assertion
	if reason := client.header(m); reason != nil {
		return nil, refused(reason)
	}
	cfg, err := a.configuration(ctx)
	if err != nil {
		return nil, err
	}
	if try.unfetched != nil {
		return nil, try.unfetched
	}
	key := client.keyFor(m)
	if client.JWKSURI != "" {
		key = try.published(m)
	}
	try.verified, try.keyID = true, key.id
	payload, err := a.verifier.Verify(m, key.PublicKey)
	if err != nil {
		return nil, refused(client.notSigned(m, key, try.kids(client)))
	}
	var claims assertionClaims
	if err := jose.DecodeStrict(payload, &claims); err != nil {
		return nil, refused(identity.Refuse(identity.RefusedAssertionClaims, "the claims of the assertion cannot be read: "+err.Error()).Of(client.ID).By(key.id))
	}
	if reason := claims.check(client.ID, client.assertedTo(try, cfg.Issuer), a.db.Now()); reason != nil {
		return nil, refused(reason.Of(client.ID).By(key.id))
	}
	return &assertion{jti: claims.ID, keyID: key.id, expires: claims.Expires.time()}, nil
}

// header returns what is wrong with the header of an assertion of the client, or nil.
func (k *knownClient) header(m *jose.Message) *identity.Reason {
	if !assertionType(m.Type()) {
		return identity.Refuse(identity.RefusedAssertionType, "it has the typ of another kind of token").
			Of(k.ID).With("expected", "none, JWT or client-authentication+jwt")
	}
	if want := k.AssertionAlgorithm; want != "" && string(m.Algorithm()) != want { // RFC 7591 section 2, RFC 8725 section 3.1
		return identity.Refuse(identity.RefusedAssertionAlg, "its alg is not the one that the client is registered with").
			Of(k.ID).With("expected", want).With("actual", string(m.Algorithm()))
	}
	return nil
}

// assertionType reports whether the typ header is one that an assertion may
// have: none, the general one, or its own. RFC 8725 section 3.11 asks that
// tokens of another kind cannot pass.
func assertionType(typ string) bool {
	typ = strings.TrimPrefix(strings.ToLower(typ), "application/")
	return typ == "" || typ == "jwt" || typ == "client-authentication+jwt"
}

// keyFor returns the client's key that the message names, or without a name the
// newest that fits its algorithm; the zero key if there is none. One message is
// verified with one key.
func (k *knownClient) keyFor(m *jose.Message) registeredKey {
	for _, key := range k.keys {
		if m.KID() == key.KID() || m.KID() == "" && key.Fits(m.Algorithm()) {
			return key
		}
	}
	return registeredKey{}
}

// verifyNothing does the work of verifying the presented signature, for whoever
// has no key that it could be verified with.
func (a *Authenticator) verifyNothing(try *attempt) {
	switch {
	case try.signature.assertion != nil:
		_, _ = a.verifier.Verify(try.signature.assertion, jose.PublicKey{})
	case try.signature.static != nil:
		_ = a.verifier.VerifyPSS(jose.PublicKey{}, []byte(try.ID), try.signature.static)
	}
}

// remembered is how much longer than it is valid a spent assertion is
// remembered: for the skew that is allowed, and for a clock that steps back.
const remembered = clockSkew + time.Hour

// spend uses up an assertion; nil is nothing to spend.
func (a *Authenticator) spend(ctx context.Context, clientID string, once *assertion) error {
	if once == nil {
		return nil
	}
	defer trace.StartRegion(ctx, "store.SpendAssertion").End()
	first, err := a.db.SpendAssertion(ctx, assertionDigest(clientID, once.jti), once.expires.Add(remembered))
	if err != nil {
		return err
	}
	if !first {
		return refused(identity.Refuse(identity.RefusedAssertionSpent, "the assertion was used before: its jti is spent").Of(clientID).By(once.keyID).At("remembered_until", once.expires.Add(remembered)))
	}
	return nil
}

// assertionDigest names an assertion: a jti is unique per client only.
func assertionDigest(clientID, jti string) [sha256.Size]byte {
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(clientID)))
	return sha256.Sum256([]byte(string(length[:]) + clientID + jti))
}
