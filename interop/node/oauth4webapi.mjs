// Lets oauth4webapi get, use, introspect and revoke tokens, and verify them as a resource
// server does.
import assert from "node:assert/strict";
import * as oauth from "oauth4webapi";
import * as the from "./checks.mjs";

// Only because the service is on this machine and without TLS: of https it is not needed.
const loopback = { [oauth.allowInsecureRequests]: true };
const issuer = new URL(the.issuer);
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm: "oauth2", ...loopback }));

const clerk = { client_id: the.secretClient };
const robot = { client_id: the.keyClient };
const server = { client_id: the.serverClient };
const asked = { audience: the.audience, scope: the.permission };

async function granted(who, method, parameters) {
	const answer = await oauth.clientCredentialsGrantRequest(as, who, method, parameters, loopback);
	return (await oauth.processClientCredentialsResponse(as, who, answer)).access_token;
}

async function introspected(who, method, token, options) {
	const answer = await oauth.introspectionRequest(as, who, method, token, { ...loopback, ...options });
	const result = await oauth.processIntrospectionResponse(as, who, answer);
	if (options?.requestJwtResponse) {
		await oauth.validateApplicationLevelSignature(as, answer, loopback);
	}
	return result;
}

const basic = oauth.ClientSecretBasic(the.secret);
const serverBasic = oauth.ClientSecretBasic(the.serverSecret);
const byKey = async () => oauth.PrivateKeyJwt(await the.signingKey("KEY_FILE", "KEY_ID"));

// verified is what a resource server makes of a request with a token.
function verified(token, options) {
	const request = new Request("https://orders.example/", { headers: { authorization: `Bearer ${token}` } });
	return oauth.validateJwtAccessToken(as, request, the.audience, { ...loopback, ...options });
}

await the.run({
	"oauth4webapi: client_secret_basic, and the token is a JWT access token (RFC 9068)": async () => {
		const claims = await verified(await granted(clerk, basic, asked));
		assert.equal(claims.client_id, the.secretClient);
		assert.equal(claims.scope, the.permission);
		assert.deepEqual(claims.permissions, [the.permission]);
	},
	"oauth4webapi: client_secret_post": async () => {
		await verified(await granted(clerk, oauth.ClientSecretPost(the.secret), asked));
	},
	"oauth4webapi: private_key_jwt": async () => {
		await verified(await granted(robot, await byKey(), {}));
	},
	"oauth4webapi: an assertion by somebody else's key is invalid_client": async () => {
		const method = oauth.PrivateKeyJwt(await the.signingKey("FOREIGN_KEY_FILE"));
		await the.rejectsClient(granted(robot, method, {}));
	},
	"oauth4webapi: a wrong secret is invalid_client": async () => {
		await the.rejectsClient(granted(clerk, oauth.ClientSecretPost("of somebody else entirely"), asked));
	},
	"oauth4webapi: refuses a token for another audience": async () => {
		const token = await granted(clerk, basic, { audience: the.otherAudience });
		await assert.rejects(verified(token), /unexpected JWT "aud"/);
	},
	"oauth4webapi: refuses one that is over": async () => {
		const token = await granted(clerk, basic, asked);
		await assert.rejects(verified(token, { [oauth.clockSkew]: 24 * 3600 }), /unexpected JWT "exp"/);
	},
	"oauth4webapi: refuses one whose signature is another's": async () => {
		const [header, payload] = (await granted(clerk, basic, asked)).split(".");
		const signature = (await granted(clerk, basic, asked)).split(".")[2];
		await assert.rejects(verified([header, payload, signature].join(".")), /JWT signature verification failed/);
	},
	"oauth4webapi: signed introspection (RFC 9701) is no access token": async () => {
		const token = await granted(clerk, basic, asked);
		const answer = await oauth.introspectionRequest(as, server, serverBasic, token, { ...loopback, requestJwtResponse: true });
		await assert.rejects(verified(await answer.text()), /unexpected JWT "typ"/);
	},
	"oauth4webapi: introspection, plain and signed, before and after revocation": async () => {
		const token = await granted(clerk, basic, asked);
		const signed = { requestJwtResponse: true };
		const whose = { ...server, introspection_signed_response_alg: as.introspection_signing_alg_values_supported[0] };
		assert.equal((await introspected(server, serverBasic, token)).active, true);
		assert.equal((await introspected(whose, serverBasic, token, signed)).client_id, the.secretClient);
		await oauth.processRevocationResponse(await oauth.revocationRequest(as, clerk, basic, token, loopback));
		assert.deepEqual(await introspected(server, serverBasic, token), { active: false });
		assert.deepEqual(await introspected(whose, serverBasic, token, signed), { active: false });
	},
	"oauth4webapi: introspection by private_key_jwt, of the audience that it serves alone": async () => {
		const served = await granted(clerk, basic, { audience: the.otherAudience });
		assert.equal((await introspected(robot, await byKey(), served)).active, true);
		assert.equal((await introspected(robot, await byKey(), await granted(clerk, basic, asked))).active, false);
	},
});
