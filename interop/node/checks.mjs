// What both programs of this folder need: the settings, which scripts/foreign-clients.sh
// puts into the environment, and a way to run checks one after the other.
import assert from "node:assert/strict";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";

const setting = (name) => process.env[name] || assert.fail(`${name} is not set`);

export const issuer = setting("ISSUER");
export const audience = setting("AUDIENCE");
export const otherAudience = setting("OTHER_AUDIENCE"); // the key client introspects for it
export const secretClient = setting("SECRET_CLIENT"); // may have both audiences, and read clients at the service itself
export const secret = setting("SECRET");
export const keyClient = setting("KEY_CLIENT"); // has one audience, and so need not name it
export const serverClient = setting("SERVER_CLIENT"); // introspects for the audience
export const serverSecret = setting("SERVER_SECRET");
export const permission = "orders:read"; // of the first two clients

// signingKey is the P-256 key of a PEM file in the form that both libraries take, with its
// kid where it has one that the service knows.
export async function signingKey(file, kid) {
	const der = createPrivateKey(readFileSync(setting(file))).export({ type: "pkcs8", format: "der" });
	const key = await crypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
	return kid ? { key, kid: setting(kid) } : { key };
}

// run does the checks, each a function under what it says for people. The first that
// throws ends the program.
export async function run(checks) {
	for (const [what, check] of Object.entries(checks)) {
		try {
			await check();
		} catch (problem) {
			console.error(`FAILED ${what}:`, problem);
			process.exit(1);
		}
		console.log(`ok     ${what}`);
	}
}

// rejectsClient demands that a request is refused as invalid_client. The libraries throw the challenge
// that comes with a 401, and leave the body, which has the error of RFC 6749 section 5.2,
// to who wants it.
export async function rejectsClient(promise) {
	const problem = await promise.then(() => assert.fail("it was not refused"), (problem) => problem);
	assert.equal(problem.code, "OAUTH_WWW_AUTHENTICATE_CHALLENGE", problem);
	assert.equal(problem.status, 401);
	assert.equal((await problem.response.json()).error, "invalid_client");
}
