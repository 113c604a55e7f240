package main

import (
	"fmt"
	"strings"

	"github.com/seed-60f9e3ad/identity"
)

// advice says what a check means, with facts in braces, and what to do.
type advice struct{ says, do string }

// adviceOn has every check.
var adviceOn = map[identity.Check]advice{
	identity.RefusedClientUnknown:     {"No client has the client_id that was sent.", "Compare the client_id that the program sends with \"identity client list\"; it may be meant for another installation."},
	identity.RefusedClientDisabled:    {"The client is disabled.", "\"identity audit list --target CLIENT\" says by whom; \"identity client enable CLIENT\"."},
	identity.RefusedClientHeader:      {"The Authorization header is no Basic that can be read.", "Both parts are encoded as in a form, joined by a colon, and then in base64 (RFC 6749 section 2.3.1)."},
	identity.RefusedClientMethod:      {"The client proved itself by {actual}; it is registered for {expected} alone.", "Have the program use that, or \"identity client update CLIENT --auth-method ''\"."},
	identity.RefusedClientProof:       {"The client proved itself in no way.", "It sends its id and secret in the Authorization header or in the form, or an assertion."},
	identity.RefusedClientProofs:      {"One proof holds, and the client requires two.", "POST /auth/token takes a secret and a signature together; /oauth2 takes one proof."},
	identity.RefusedSecretMissing:     {"The client requires {require}, and no secret was sent.", "Have the program send client_secret, or change what the client requires."},
	identity.RefusedSecretForm:        {"The secret looks like a generated one, but is cut off or mistyped.", "Copy it again, whole: it begins with ids_ and has 62 characters."},
	identity.RefusedSecretUnknown:     {"The secret is none of this client's.", "It may be another client's, of another installation, or deleted: compare the id in it (ids_<id>_…) with \"identity client secret list CLIENT\"."},
	identity.RefusedSecretExpired:     {"The secret {secret} expired at {expired_at}.", "\"identity client secret create CLIENT\", and bring the new one to the program."},
	identity.RefusedSecretWrong:       {"The secret is not {secret}, though it is of its form.", "Bring the right one to the program. If nobody has changed it there, somebody guesses: see where from."},
	identity.RefusedSignatureMissing:  {"The client requires {require}, and no signature was sent.", "Have the program send signature, or change what the client requires."},
	identity.RefusedSignatureForm:     {"What was sent as signature is none.", "It is a client assertion (a compact JWS), or the base64 of a static signature; \"identity sign\" makes one to compare with."},
	identity.RefusedSignatureWrong:    {"The key {kid} did not make the signature.", "The program signs with another private key, or the message was changed on its way: compare the thumbprints."},
	identity.RefusedStaticNotAllowed:  {"The client sent a static signature and may not use it.", "Have the program sign an assertion; or \"identity client update CLIENT --static-signature\", for clients of the original service."},
	identity.RefusedStaticWrong:       {"The client's newest RSA key did not make the static signature.", "The program signs with another private key, or something else than the client_id."},
	identity.RefusedKeyUnknown:        {"No key of the client has the kid of the assertion, or there is none that fits.", "Register the program's public key with \"identity client key create CLIENT\"; a kid is the RFC 7638 thumbprint."},
	identity.RefusedKeyAlgorithm:      {"The assertion is signed with {alg}, which is for another kind of key than the client's.", "Have the program use an algorithm that fits its key, or register the key that it uses."},
	identity.RefusedKeyUnavailable:    {"The client's keys cannot be had from its jwks_uri.", "See the log of this service for why; an address that is not public has to be in JWKS_URI_NETWORKS."},
	identity.RefusedAssertionType:     {"The assertion says of itself that it is another kind of token.", "Leave typ out of its header, or make it JWT."},
	identity.RefusedAssertionAlg:      {"The assertion is signed with {actual}; the client is registered for {expected} alone.", "Have the program use that, or \"identity client update CLIENT --assertion-alg ''\"."},
	identity.RefusedAssertionClaims:   {"The claims of the assertion cannot be used.", "They are one JSON object with iss, sub, aud, exp and jti; numbers are numbers."},
	identity.RefusedAssertionIssuer:   {"The iss of the assertion is not the client_id.", "iss and sub are both the client_id, {expected}."},
	identity.RefusedAssertionSubject:  {"The sub of the assertion is not the client_id.", "iss and sub are both the client_id, {expected}."},
	identity.RefusedAssertionAudience: {"The assertion was made for {actual}; this service is {expected}.", "Have the program set aud to exactly {expected}: its own configuration has another address, or a slash more."},
	identity.RefusedAssertionExpired:  {"The assertion expired {expired_since} s before it arrived; {leeway} s are allowed.", "Set the client's clock (its time was {iat} when it signed, if it says so; ours was {now}), or have it sign shortly before it sends."},
	identity.RefusedAssertionLifetime: {"The assertion expires {ahead} s ahead; at most {at_most} s are allowed, and {leeway} s for the clocks.", "Have the program set exp to a minute ahead; or its clock is ahead of ours, which was {now}."},
	identity.RefusedAssertionEarly:    {"The nbf of the assertion is {ahead} s ahead of our clock; {leeway} s are allowed.", "Set the client's clock; ours was {now}."},
	identity.RefusedAssertionIssued:   {"The iat of the assertion is {ahead} s ahead of our clock; {leeway} s are allowed.", "Set the client's clock; ours was {now}."},
	identity.RefusedAssertionID:       {"The jti of the assertion is missing or too long.", "It has 1 to 256 characters and is new for each assertion."},
	identity.RefusedAssertionSpent:    {"The assertion was used before: its jti is spent.", "Have the program sign a new one for each request, retries included. If it does, somebody has copied one."},

	identity.RefusedUserUnknown:     {"No user has the name that was typed. It is stored nowhere: it may have been a password.", "Compare with \"identity user list\"."},
	identity.RefusedUserDisabled:    {"The password was right; the user is disabled.", "\"identity audit list --target USER\" says by whom; \"identity user enable USER\"."},
	identity.RefusedPasswordWrong:   {"The password was wrong.", "\"identity user update USER --generate-password\" sets another one. Many of these from one place are guesses."},
	identity.RefusedPasswordOneTime: {"The password was right, but works once: it must be changed first.", "Have the user set their own with POST /auth/password, or \"identity password\"."},

	identity.RefusedThrottleName:    {"Too many attempts on this {kind} have failed ({attempts}); each has to wait until {until}.", "\"identity throttle clear -- {throttle}\" lets the next attempt begin at once. See who guesses below."},
	identity.RefusedThrottleAddress: {"Too many attempts from {source} have failed; none is looked at until {until}.", "See what failed below. If it is your proxy, name it in TRUSTED_PROXIES; the limit is ADDRESS_FAILURES_PER_MINUTE."},
	identity.RefusedThrottleTurn:    {"Too many attempts on one name came at the same moment, each waits for the one before.", "Have the program get one token and keep it."},

	identity.RefusedRefreshForm:    {"What was sent is no refresh token.", "Perhaps an access token: look which of the two the program stores."},
	identity.RefusedRefreshKey:     {"The refresh token was made under another key.", "All sessions were ended since, or it is of another installation: log in again."},
	identity.RefusedRefreshMAC:     {"The refresh token was changed, or all sessions were ended since it was made.", "Log in again; \"identity audit list --event sessions.ended\"."},
	identity.RefusedSessionGone:    {"The session is no more.", "It ended a while ago, or its user was deleted: log in again."},
	identity.RefusedSessionOver:    {"The session is over.", "Log in again; \"identity audit list --target {session}\" says what ended it."},
	identity.RefusedSessionUsedUp:  {"The session was refreshed {refreshes} times, which is as often as it may be.", "Log in again; the limit is jwt_max_refreshes."},
	identity.RefusedSessionReused:  {"A refresh token was used twice: two have the session, so it was ended.", "A program that forgets to store the next token, or runs twice; or a thief. See where its uses came from."},
	identity.RefusedSessionChanged: {"The user has another password, or was disabled, since the login.", "Log in again."},

	identity.RefusedBearerMissing:   {"No bearer token was sent.", "Send Authorization: Bearer and the token."},
	identity.RefusedBearerForm:      {"What was sent is no token that can be read.", "Look what the program sends: it may be cut off, quoted, or a refresh token."},
	identity.RefusedBearerType:      {"The token is a JWT of another kind than an access token.", "Send what /auth/login or /auth/token answers as token."},
	identity.RefusedBearerKey:       {"The token was signed by a key that is not published here.", "It is of another issuer, or its key was deleted: \"identity token explain\" says more of it."},
	identity.RefusedBearerSignature: {"The signature of the token does not hold.", "It was changed on its way; \"identity token explain\" says more of it."},
	identity.RefusedBearerClaims:    {"The token lacks claims that each of ours has.", "\"identity token explain\" says which."},
	identity.RefusedBearerIssuer:    {"The token is of the issuer {actual}; this one is {expected}.", "Get a token here. If jwt_issuer was changed, former tokens are good no more."},
	identity.RefusedBearerAudience:  {"The token is for {actual}; to administer this service it must be for {expected}.", "Get one for the audience {expected}, or leave the audience out at login."},
	identity.RefusedBearerExpired:   {"The token expired at {expired_at}, {expired_since} s before.", "Get a new one before that."},
	identity.RefusedBearerIssued:    {"The token is from {ahead} s in the future.", "The clock of one of the nodes is ahead."},
	identity.RefusedBearerSubject:   {"Whose token it is, is deleted, disabled, or must change the password.", "\"identity audit list --target ID\" says by whom."},
	identity.RefusedBearerRevoked:   {"The token is from {issued_at}; tokens of its subject count from {tokens_count_from} only.", "It was disabled, its password was set, or a credential deleted then: get a new token."},
	identity.RefusedBearerListed:    {"The token was revoked at {revoked_at}, by its {revoked_by}.", "\"identity revocation list\" has it; get a new token."},

	identity.RefusedAudience:     {"The proof was right, but {asked} is none of the audiences that the principal may have: {allowed}.", "Have the program ask for the right one, or add it with \"identity user|client update\"."},
	identity.RefusedAudiences:    {"The audiences that were asked for cannot share a token.", "Ask for one after the other: a token for this service is for nobody else, and one has a single algorithm."},
	identity.RefusedScope:        {"The scope has {lacking}, which the client does not hold for the audience.", "It holds {held}; \"identity client update CLIENT --add-permission\", or see what the audience registers."},
	identity.RefusedTokenOfOther: {"The token to be revoked was issued to {owner}.", "A client revokes its own tokens; \"identity revocation create --token JTI\" any."},
	identity.RefusedRevocations:  {"The client has revoked {revoked} tokens that have not expired.", "Let short tokens expire; \"identity revocation create --principal CLIENT\" revokes all of a client at once."},
	identity.RefusedPermission:   {"The permission {needed} lacks.", "Somebody who holds it can grant it, if they should; a token shows it after the next login only."},
}

// filled is a text with facts in place of their names.
func filled(text string, facts map[string]any) string {
	for name, value := range facts {
		text = strings.ReplaceAll(text, "{"+name+"}", factText(value))
	}
	for _, unknown := range []string{"{iat}"} {
		text = strings.ReplaceAll(text, unknown, "not said")
	}
	return text
}

// factText is a fact as people read it.
func factText(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case float64:
		return fmt.Sprintf("%.0f", value)
	case []any:
		if len(value) == 0 {
			return "none"
		}
		items := make([]string, len(value))
		for i, item := range value {
			items[i] = factText(item)
		}
		return strings.Join(items, ", ")
	default:
		return fmt.Sprint(value)
	}
}
