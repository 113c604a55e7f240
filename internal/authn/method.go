package authn

import "github.com/seed-60f9e3ad/identity"

// wanted is what the client has to prove, presented as it was: all that it requires, or the
// one thing that a standard method presents. Its error is a refusal.
func (k *knownClient) wanted(try *attempt) (identity.Proofs, error) {
	if try.Method == "" {
		return k.Require, nil
	}
	if k.AuthMethod != "" && k.AuthMethod != try.Method { // RFC 7591 section 2
		return 0, refused(identity.Refuse(identity.RefusedClientMethod, "the client is registered for another way to prove itself").
			Of(k.ID).With("expected", string(k.AuthMethod)).With("actual", string(try.Method)))
	}
	if one := try.Method.Proof(); k.Require.Has(one) {
		return one, nil
	}
	return k.Require, nil // which says what is missing
}

// halfProven is the answer to a client that has proven one of the two things that it
// requires (RFC 6749 section 5.2: authenticated, and not authorized for this). Nothing less
// than both gives it a token.
func (k *knownClient) halfProven(try *attempt) error {
	return identity.Errorf(identity.UnauthorizedClient,
		"This client must present its secret and a signature, which only POST /auth/token takes together.").
		Because(identity.Refuse(identity.RefusedClientProofs, "the client requires a secret and a signature, and a standard endpoint takes one of them").
			Of(k.ID).With("method", string(try.Method)))
}

// assertedTo lists what an assertion of the client may have as its aud: the issuer, and where
// the client is registered so, at an endpoint of the standards, the token endpoint.
func (k *knownClient) assertedTo(try *attempt, issuer string) []string {
	if k.AssertionAudience == identity.AssertionForTokenEndpoint && try.TokenEndpoint != "" {
		return []string{issuer, try.TokenEndpoint}
	}
	return []string{issuer}
}
