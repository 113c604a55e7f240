package identity

import "slices"

// AuthMethod is a way in which a client presents its proof to an endpoint of the standards:
// one of the registry of RFC 7591 section 4.2.
type AuthMethod string

// The methods that are supported.
const (
	AuthSecretBasic   AuthMethod = "client_secret_basic" // RFC 6749 section 2.3.1: in the Authorization header
	AuthSecretPost    AuthMethod = "client_secret_post"  // RFC 6749 section 2.3.1: in the body
	AuthPrivateKeyJWT AuthMethod = "private_key_jwt"     // OpenID Connect Core section 9: RFC 7523 section 2.2
)

// AuthMethods lists them.
func AuthMethods() []AuthMethod {
	return []AuthMethod{AuthSecretBasic, AuthSecretPost, AuthPrivateKeyJWT}
}

// CheckAuthMethod refuses a method that is none, or by which a client could not present all
// that it requires; empty is any.
func CheckAuthMethod(m AuthMethod, require Proofs) error {
	switch {
	case m == "":
		return nil
	case !slices.Contains(AuthMethods(), m):
		return InvalidField("token_endpoint_auth_method", "must be client_secret_basic, client_secret_post, private_key_jwt or null")
	case require != m.Proof():
		return InvalidField("token_endpoint_auth_method", "must fit require: client_secret_basic and client_secret_post present a secret, private_key_jwt a signature, and none presents both")
	}
	return nil
}

// Proof is what the method presents.
func (m AuthMethod) Proof() Proofs {
	if m == AuthPrivateKeyJWT {
		return ProofSignature
	}
	return ProofSecret
}

// AssertionAudience says what a client's assertions may have as their aud.
type AssertionAudience string

// The audiences of assertions.
const (
	// AssertionForIssuer is exactly the issuer.
	AssertionForIssuer AssertionAudience = "issuer"
	// AssertionForTokenEndpoint is that, or the URL of the token endpoint, at the endpoints of
	// the standards: RFC 7523 section 3 has it so, and some libraries know nothing else. An
	// assertion is worth less then: whoever it is sent to can say what that URL is.
	AssertionForTokenEndpoint AssertionAudience = "token_endpoint"
)

// CheckAssertionAudience refuses any other.
func CheckAssertionAudience(a AssertionAudience) error {
	if a != AssertionForIssuer && a != AssertionForTokenEndpoint {
		return InvalidField("assertion_audience", "must be issuer or token_endpoint")
	}
	return nil
}
