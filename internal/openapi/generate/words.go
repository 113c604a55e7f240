package main

import "github.com/danielgtaylor/huma/v2"

const introduction = `An identity and token service: people and machines prove themselves and get access tokens (JWT).

**Input** is read strictly: one JSON object of at most 64 KiB in UTF-8, no duplicate member, member names compared exactly, no unknown member or query parameter, no coercion, ` + "`null`" + ` only where it is named here.

**Failures** are problem documents (RFC 9457), but for those of /oauth2. Programs decide by ` + "`code`" + `, which is stable; ` + "`errors`" + ` names each bad member or parameter. The request id finds the occurrence in the log.

**HEAD** is answered wherever GET is. OPTIONS is answered only as a CORS preflight from an allowed origin, on /auth and /.well-known. A trailing slash is another route; there are no redirects.

**Lists** are pages: ` + "`next_cursor`" + ` is the ` + "`cursor`" + ` of the next one, and null on the last.

**Changes** honour ` + "`If-Match`" + `. PATCH is a merge (RFC 7396): what is absent stays, lists are replaced whole.`

const bearerText = "An access token of this service for this service itself (RFC 6750): the answer of POST /auth/login without `audience`, " +
	"or of POST /auth/token with the issuer as `audience`. Each operation says which permission it needs."

const clientText = "A client's id and secret (client_secret_basic, RFC 6749 section 2.3.1). The form can have them instead (client_secret_post), " +
	"or a client assertion (private_key_jwt, RFC 7523 section 2.2); one way at a time."

const oauthTag = "OAuth 2.0"

const authenticationTag = "Authentication"

var tags = []*huma.Tag{
	{Name: authenticationTag, Description: "People and machines prove themselves and get access tokens."},
	{Name: oauthTag, Description: "Machines get, check and revoke tokens as the standards have it. Failures are as in RFC 6749 section 5.2."},
	{Name: "Keys and discovery", Description: "What verifiers of tokens need."},
	{Name: "Configuration", Description: "Issuer, lifetimes and the signing key."},
	{Name: "Users", Description: "People."},
	{Name: "Clients", Description: "Machines, with their secrets and keys."},
	{Name: "Roles", Description: "Named sets of permissions."},
	{Name: "Audiences", Description: "What is registered of those for whom tokens are meant."},
	{Name: "Sessions", Description: "Logins that can be refreshed."},
	{Name: "Revocations", Description: "Access tokens that count no more though they have not expired."},
	{Name: "Signing keys", Description: "What signs tokens, and its rotation."},
	{Name: "Throttles", Description: "Names on which too many attempts have failed."},
	{Name: "Declaration", Description: "How the installation is to be, as a whole."},
	{Name: "Leaks", Description: "What was found where it should not be."},
	{Name: "Audit", Description: "Who changed what."},
	{Name: "Operations", Description: "Health, metrics, and this description."},
}
