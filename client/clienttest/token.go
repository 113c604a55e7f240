package clienttest

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

// Lifetime is that of tokens, unless an option says otherwise.
const Lifetime = 15 * time.Minute

// draft is a token before it is signed.
type draft struct {
	now    time.Time
	typ    string
	claims map[string]any
	sign   func(i *Issuer, d *draft) string
}

// Option changes what a token says, or how it is signed.
type Option func(*draft)

// Token makes a token for the audience: of the machine "robot", issued now, good for
// Lifetime, without permissions, unless options say otherwise.
func (i *Issuer) Token(audience string, options ...Option) string {
	now := i.now()
	i.mu.Lock()
	defer i.mu.Unlock()
	d := &draft{now: now, typ: "at+jwt", claims: map[string]any{
		"iss": i.url, "sub": "robot", "client_id": "robot", "aud": audience, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(Lifetime).Unix(), "gty": "client-credentials", "permissions": []string{},
	}, sign: func(i *Issuer, d *draft) string { return i.sign(d.typ, d.claims) }}
	for _, option := range options {
		option(d)
	}
	return d.sign(i, d)
}

// Permissions are what the token allows.
func Permissions(permissions ...string) Option {
	return Claim("permissions", append([]string{}, slices.Sorted(slices.Values(permissions))...))
}

// Machine makes it the token of this client.
func Machine(clientID string) Option {
	return func(d *draft) { d.claims["sub"], d.claims["client_id"] = clientID, clientID }
}

// User makes it the token of a user who has logged in now, in this session.
func User(id, session string) Option {
	return func(d *draft) {
		maps.Copy(d.claims, map[string]any{
			"sub": id, "client_id": "identity", "gty": "user-credentials", "sid": session,
			"auth_time": d.now.Unix(), "amr": []string{"pwd"},
		})
	}
}

// IssuedAt makes it a token that was issued at that time, and is good for Lifetime from then.
func IssuedAt(at time.Time) Option {
	return func(d *draft) { d.claims["iat"], d.claims["exp"] = at.Unix(), at.Add(Lifetime).Unix() }
}

// Expired makes it a token that has expired an hour ago.
func Expired() Option {
	return func(d *draft) { IssuedAt(d.now.Add(-time.Hour - Lifetime))(d) }
}

// From makes it a token of another issuer, signed by a key of this one.
func From(issuer string) Option { return Claim("iss", issuer) }

// ID is the token's jti, by which it can be revoked.
func ID(jti string) Option { return Claim("jti", jti) }

// Claim gives a claim any value, or takes it away if that is nil.
func Claim(name string, value any) Option {
	return func(d *draft) {
		d.claims[name] = value
		if value == nil {
			delete(d.claims, name)
		}
	}
}

// Type gives it another typ in its header, or none if that is empty.
func Type(typ string) Option { return func(d *draft) { d.typ = typ } }

// UnknownKey has it signed by a key that is not published.
func UnknownKey() Option {
	return func(d *draft) {
		d.sign = func(i *Issuer, d *draft) string {
			key, err := jose.GeneratePrivateKey(jose.ES256)
			must(err)
			return signWith(signingKey{key, jose.ES256}, d.typ, d.claims)
		}
	}
}

// Forged names the issuer's key, which has not signed it.
func Forged() Option {
	return func(d *draft) {
		d.sign = func(i *Issuer, d *draft) string {
			good := i.sign(d.typ, d.claims)
			d.claims["jti"] = rand.Text()
			other := i.sign(d.typ, d.claims)
			return good[:strings.LastIndexByte(good, '.')] + other[strings.LastIndexByte(other, '.'):]
		}
	}
}

// sign signs with the last key.
func (i *Issuer) sign(typ string, claims map[string]any) string {
	return signWith(i.keys[len(i.keys)-1], typ, claims)
}

func signWith(k signingKey, typ string, claims map[string]any) string {
	signer, err := jose.NewSigner(k.key, k.alg, typ)
	must(err)
	if typ == "revocation-list+jwt" {
		signer, err = signer.Large(typ)
		must(err)
	}
	payload, err := json.Marshal(claims)
	must(err)
	signed, err := signer.Sign(payload)
	must(err)
	return signed
}
