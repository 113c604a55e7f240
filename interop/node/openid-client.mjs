// Lets openid-client get, use, introspect and revoke tokens.
import assert from "node:assert/strict";
import * as client from "openid-client";
import * as the from "./checks.mjs";

// Only because the service is on this machine and without TLS: of https it is not needed.
const loopback = { execute: [client.allowInsecureRequests] };
const discovered = (id, metadata, method, options) =>
	client.discovery(new URL(the.issuer), id, metadata, method, { ...loopback, ...options });
const clerk = () => discovered(the.secretClient, the.secret);
const server = () => discovered(the.serverClient, the.serverSecret);
const asked = { audience: the.audience, scope: the.permission };

function holds(answer) {
	assert.equal(answer.token_type, "bearer");
	assert.equal(answer.scope, the.permission);
	assert.ok(answer.expiresIn() > 0);
}

await the.run({
	"openid-client: discovery by OpenID Connect, client_secret_post": async () => {
		holds(await client.clientCredentialsGrant(await clerk(), asked));
	},
	"openid-client: discovery by RFC 8414, client_secret_basic": async () => {
		const config = await discovered(the.secretClient, {}, client.ClientSecretBasic(the.secret), { algorithm: "oauth2" });
		holds(await client.clientCredentialsGrant(config, asked));
	},
	"openid-client: private_key_jwt": async () => {
		const key = await the.signingKey("KEY_FILE", "KEY_ID");
		const config = await discovered(the.keyClient, {}, client.PrivateKeyJwt(key));
		holds(await client.clientCredentialsGrant(config, { scope: the.permission }));
	},
	"openid-client: an assertion by somebody else's key is invalid_client": async () => {
		const config = await discovered(the.keyClient, {}, client.PrivateKeyJwt(await the.signingKey("FOREIGN_KEY_FILE")));
		await the.rejectsClient(client.clientCredentialsGrant(config));
	},
	"openid-client: a wrong secret is invalid_client": async () => {
		const config = await discovered(the.secretClient, "of somebody else entirely");
		await the.rejectsClient(client.clientCredentialsGrant(config, asked));
	},
	"openid-client: an audience that it may not have is invalid_target": async () => {
		await assert.rejects(client.clientCredentialsGrant(await clerk(), { resource: "https://elsewhere.example" }), { error: "invalid_target", status: 400 });
	},
	"openid-client: calls an API with the token, which takes none for others": async () => {
		const config = await clerk();
		const url = new URL(`/api/clients/${the.secretClient}`, the.issuer);
		const { access_token } = await client.clientCredentialsGrant(config, { audience: the.issuer });
		const answer = await client.fetchProtectedResource(config, access_token, url, "GET");
		assert.equal((await answer.json()).client_id, the.secretClient);
		const other = await client.clientCredentialsGrant(config, asked);
		await assert.rejects(client.fetchProtectedResource(config, other.access_token, url, "GET"), (problem) => {
			assert.equal(problem.cause[0].parameters.error, "invalid_token");
			return true;
		});
	},
	"openid-client: introspection, before and after revocation": async () => {
		const config = await clerk();
		const { access_token } = await client.clientCredentialsGrant(config, asked);
		const before = await client.tokenIntrospection(await server(), access_token);
		assert.equal(before.active, true);
		assert.equal(before.client_id, the.secretClient);
		await client.tokenRevocation(config, access_token);
		assert.deepEqual(await client.tokenIntrospection(await server(), access_token), { active: false });
	},
	"openid-client: signed introspection (RFC 9701), its signature verified": async () => {
		const { access_token } = await client.clientCredentialsGrant(await clerk(), asked);
		const config = await discovered(the.serverClient, { client_secret: the.serverSecret, introspection_signed_response_alg: "ES256" });
		client.enableNonRepudiationChecks(config);
		assert.equal((await client.tokenIntrospection(config, access_token)).active, true);
	},
	"openid-client: introspection tells nothing of others' tokens": async () => {
		const { access_token } = await client.clientCredentialsGrant(await clerk(), { audience: the.otherAudience });
		assert.deepEqual(await client.tokenIntrospection(await server(), access_token), { active: false });
	},
});
