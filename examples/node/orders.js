// A resource server: it answers GET /orders to whoever has an access token (RFC 9068) of
// ISSUER for AUDIENCE with the permission orders:read. Nobody is asked per token: keys and
// the revocation list are fetched beside the requests, and without a recent list the
// answer is 503.
import { createHash, webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { createRemoteJWKSet, errors, jwtVerify } from "jose";

globalThis.crypto ??= webcrypto; // jose uses it; Node.js 18 does not have it by itself

const { ISSUER, AUDIENCE, HOST = "127.0.0.1", PORT = "8000" } = process.env;
if (!ISSUER || !AUDIENCE) throw new Error("ISSUER and AUDIENCE must be set");
const interval = Number(process.env.REVOCATION_INTERVAL ?? 15); // seconds between two fetches
const maxAge = Number(process.env.REVOCATION_MAX_AGE ?? 60); // without a list for so long: 503
const clockTolerance = 10; // seconds that clocks may differ

// RFC 8725 section 3.1: what may sign is said here, never by the token. No HS256 and its
// like: anybody could sign with the public key as the secret.
const algorithms = ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"];

/** Says that this service cannot know now whether a token is good. */
class Unavailable extends Error {}
/** Says why a token is refused, for the log. */
class Refused extends Error {}

// What is known of the issuer.
let metadata, published, list;

function secure(address) {
  const url = new URL(address);
  // RFC 8414 section 2: https, but for an issuer on this machine.
  if (url.protocol !== "https:" && !["localhost", "127.0.0.1", "[::1]"].includes(url.hostname)) throw new Unavailable(`${url} is not https`);
  return url;
}

async function get(url) {
  const response = await fetch(secure(url), { redirect: "error", signal: AbortSignal.timeout(5000) });
  if (response.status !== 200) throw new Unavailable(`${url} answers ${response.status}`);
  return response;
}

async function discover() {
  const response = await get(ISSUER.replace(/\/$/, "") + "/.well-known/openid-configuration");
  const found = await response.json();
  // RFC 8414 section 3.3: metadata of somebody else must not be used.
  if (found.issuer !== ISSUER) throw new Unavailable(`the metadata are of ${found.issuer}, not of ${ISSUER}`);
  // jose asks again for a kid that it does not know, but at most every 30 s: anybody can
  // make one up. The issuer publishes keys 300 s before they sign.
  published = createRemoteJWKSet(secure(found.jwks_uri), { cacheMaxAge: 300_000, cooldownDuration: 30_000, timeoutDuration: 5000 });
  metadata = found;
}

// The key for a token. That there is none for it is the token's fault; that none could be
// fetched is not.
async function key(header, token) {
  try {
    return await published(header, token);
  } catch (error) {
    if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
    throw new Unavailable("the keys cannot be had", { cause: error });
  }
}

async function refresh() {
  if (!metadata) await discover();
  const asked = performance.now();
  const response = await get(metadata.revocation_list_uri);
  const { payload } = await jwtVerify(await response.text(), key, {
    typ: "revocation-list+jwt", algorithms, issuer: ISSUER, requiredClaims: ["iat", "exp"], clockTolerance,
  });
  if (list && payload.iat < list.iat) throw new Unavailable("the revocation list is older than the one before");
  const before = new Map();
  for (const entry of payload.entries) {
    if (!["jti", "sid", "sub", "kid", "all"].includes(entry.kind)) continue; // of a later version
    if (!Number.isInteger(entry.before) || (entry.kind !== "all" && !/^[\w-]{22}$/.test(entry.hash))) throw new Unavailable("the revocation list has a bad entry");
    const place = entry.kind === "all" ? "all" : `${entry.kind} ${entry.hash}`;
    before.set(place, Math.max(entry.before, before.get(place) ?? 0));
  }
  list = { before, iat: payload.iat, asked };
}

async function refreshForever() {
  for (;;) {
    await refresh().catch((error) => console.warn("the issuer cannot be asked:", error.message, error.cause?.message ?? ""));
    await new Promise((resolve) => setTimeout(resolve, interval * 1000));
  }
}

function revoked(header, claims) {
  const places = ["all"];
  for (const [kind, value] of Object.entries({ jti: claims.jti, sid: claims.sid, sub: claims.sub, kid: header.kid })) {
    const hash = createHash("sha256").update(String(value ?? "")).digest().subarray(0, 16).toString("base64url");
    places.push(`${kind} ${hash}`);
  }
  return places.some((place) => claims.iat < (list.before.get(place) ?? 0));
}

/** The claims of a token for this service (RFC 9068 section 4). */
async function access(token) {
  // Before all else: there may be no keys either.
  if (!list || performance.now() - list.asked > maxAge * 1000) throw new Unavailable("no recent revocation list");
  const { payload, protectedHeader } = await jwtVerify(token, key, {
    typ: "at+jwt", algorithms, issuer: ISSUER, audience: AUDIENCE, clockTolerance,
    requiredClaims: ["exp", "sub", "iat", "jti", "client_id"],
  });
  // jose looks at the types of dates only, and lets an iat of tomorrow pass.
  if (["sub", "jti", "client_id"].some((name) => typeof payload[name] !== "string")) throw new Refused("a claim of the wrong type");
  if (payload.iat > Date.now() / 1000 + clockTolerance) throw new Refused("it was issued in the future");
  if (revoked(protectedHeader, payload)) throw new Refused("it was revoked");
  return payload;
}

function answer(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", "Cache-Control": "no-store", ...headers }).end(JSON.stringify(body));
}

/** Lets in who may do that: the claims, or nothing once it has answered. */
async function needs(permission, request, response) {
  const [, token] = /^Bearer +(.*)$/i.exec(request.headers.authorization ?? "") ?? [];
  const refuse = (status, error, more = "") =>
    answer(response, status, { error }, { "WWW-Authenticate": `Bearer realm="orders", error="${error}"${more}` });
  if (token === undefined) {
    // RFC 6750 section 3.1: no token, no error code.
    return answer(response, 401, { error: "unauthorized" }, { "WWW-Authenticate": 'Bearer realm="orders"' });
  }
  try {
    const claims = await access(token);
    if (Array.isArray(claims.permissions) && claims.permissions.includes(permission)) return claims;
    return refuse(403, "insufficient_scope", `, scope="${permission}"`);
  } catch (error) {
    if (error instanceof errors.JOSEError || error instanceof Refused) {
      console.info("a token was refused:", error.message); // the caller need not know why
      return refuse(401, "invalid_token");
    }
    console.warn("cannot tell whether a token is good:", error.message);
    return answer(response, 503, { error: "unavailable" }, { "Retry-After": "5" });
  }
}

const server = createServer(async (request, response) => {
  const path = request.url.split("?", 1)[0];
  if (request.method === "GET" && path === "/health") return answer(response, 200, { status: "ok" });
  if (request.method === "GET" && path === "/orders") {
    const claims = await needs("orders:read", request, response);
    if (claims) answer(response, 200, { orders: [{ id: 1, item: "tea" }], subject: claims.sub });
    return;
  }
  answer(response, 404, { error: "not_found" });
});
server.listen(Number(PORT), HOST, () => console.log(`listening on http://${HOST}:${server.address().port}`));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(0));
refreshForever();
