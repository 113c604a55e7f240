package identity

// Check is the stable name of a check that refuses requests: see docs/why.md.
type Check string

// What a machine proves.
const (
	RefusedClientUnknown     Check = "client.unknown"
	RefusedClientDisabled    Check = "client.disabled"
	RefusedClientHeader      Check = "client.header"
	RefusedClientMethod      Check = "client.method"
	RefusedClientProof       Check = "client.proof"
	RefusedClientProofs      Check = "client.proofs"
	RefusedSecretMissing     Check = "secret.missing"
	RefusedSecretForm        Check = "secret.form"
	RefusedSecretUnknown     Check = "secret.unknown"
	RefusedSecretExpired     Check = "secret.expired"
	RefusedSecretWrong       Check = "secret.wrong"
	RefusedSignatureMissing  Check = "signature.missing"
	RefusedSignatureForm     Check = "signature.form"
	RefusedSignatureWrong    Check = "signature.wrong"
	RefusedStaticNotAllowed  Check = "static_signature.not_allowed"
	RefusedStaticWrong       Check = "static_signature.wrong"
	RefusedKeyUnknown        Check = "key.unknown"
	RefusedKeyAlgorithm      Check = "key.algorithm"
	RefusedKeyUnavailable    Check = "key.unavailable"
	RefusedAssertionType     Check = "assertion.typ"
	RefusedAssertionAlg      Check = "assertion.alg"
	RefusedAssertionClaims   Check = "assertion.claims"
	RefusedAssertionIssuer   Check = "assertion.iss"
	RefusedAssertionSubject  Check = "assertion.sub"
	RefusedAssertionAudience Check = "assertion.aud"
	RefusedAssertionExpired  Check = "assertion.exp"
	RefusedAssertionLifetime Check = "assertion.lifetime"
	RefusedAssertionEarly    Check = "assertion.nbf"
	RefusedAssertionIssued   Check = "assertion.iat"
	RefusedAssertionID       Check = "assertion.jti"
	RefusedAssertionSpent    Check = "assertion.spent"
)

// What a person proves.
const (
	RefusedUserUnknown     Check = "user.unknown"
	RefusedUserDisabled    Check = "user.disabled"
	RefusedPasswordWrong   Check = "password.wrong"
	RefusedPasswordOneTime Check = "password.one_time"
)

// Who has to wait.
const (
	RefusedThrottleName    Check = "throttle.name"
	RefusedThrottleAddress Check = "throttle.address"
	RefusedThrottleTurn    Check = "throttle.turn"
)

// What a refresh token, or its session, lacks.
const (
	RefusedRefreshForm    Check = "refresh.form"
	RefusedRefreshKey     Check = "refresh.key"
	RefusedRefreshMAC     Check = "refresh.mac"
	RefusedSessionGone    Check = "session.gone"
	RefusedSessionOver    Check = "session.over"
	RefusedSessionUsedUp  Check = "session.used_up"
	RefusedSessionReused  Check = "session.reused"
	RefusedSessionChanged Check = "session.user_changed"
)

// What a bearer token lacks.
const (
	RefusedBearerMissing   Check = "bearer.missing"
	RefusedBearerForm      Check = "bearer.form"
	RefusedBearerType      Check = "bearer.typ"
	RefusedBearerKey       Check = "bearer.kid"
	RefusedBearerSignature Check = "bearer.signature"
	RefusedBearerClaims    Check = "bearer.claims"
	RefusedBearerIssuer    Check = "bearer.iss"
	RefusedBearerAudience  Check = "bearer.aud"
	RefusedBearerExpired   Check = "bearer.exp"
	RefusedBearerIssued    Check = "bearer.iat"
	RefusedBearerSubject   Check = "bearer.subject"
	RefusedBearerRevoked   Check = "bearer.revoked"
	RefusedBearerListed    Check = "bearer.listed"
)

// What a caller who is known may not.
const (
	RefusedAudience  Check = "audience.not_allowed"
	RefusedAudiences Check = "audience.together"
	RefusedScope     Check = "scope.not_held"

	RefusedTokenOfOther Check = "revocation.owner"
	RefusedRevocations  Check = "revocation.limit"
	RefusedPermission   Check = "permission.lacking"
)

// Checks lists every Check.
func Checks() []Check {
	return []Check{
		RefusedClientUnknown, RefusedClientDisabled, RefusedClientHeader, RefusedClientMethod, RefusedClientProof, RefusedClientProofs, RefusedSecretMissing, RefusedSecretForm, RefusedSecretUnknown,
		RefusedSecretExpired, RefusedSecretWrong, RefusedSignatureMissing, RefusedSignatureForm, RefusedSignatureWrong,
		RefusedStaticNotAllowed, RefusedStaticWrong, RefusedKeyUnknown, RefusedKeyAlgorithm, RefusedKeyUnavailable, RefusedAssertionType, RefusedAssertionAlg,
		RefusedAssertionClaims, RefusedAssertionIssuer, RefusedAssertionSubject, RefusedAssertionAudience,
		RefusedAssertionExpired, RefusedAssertionLifetime, RefusedAssertionEarly, RefusedAssertionIssued,
		RefusedAssertionID, RefusedAssertionSpent,
		RefusedUserUnknown, RefusedUserDisabled, RefusedPasswordWrong, RefusedPasswordOneTime,
		RefusedThrottleName, RefusedThrottleAddress, RefusedThrottleTurn,
		RefusedRefreshForm, RefusedRefreshKey, RefusedRefreshMAC, RefusedSessionGone, RefusedSessionOver,
		RefusedSessionUsedUp, RefusedSessionReused, RefusedSessionChanged,
		RefusedBearerMissing, RefusedBearerForm, RefusedBearerType, RefusedBearerKey, RefusedBearerSignature,
		RefusedBearerClaims, RefusedBearerIssuer, RefusedBearerAudience, RefusedBearerExpired, RefusedBearerIssued,
		RefusedBearerSubject, RefusedBearerRevoked, RefusedBearerListed,
		RefusedAudience, RefusedAudiences, RefusedScope, RefusedTokenOfOther, RefusedRevocations, RefusedPermission,
	}
}
