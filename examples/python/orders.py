"""A resource server: it answers GET /orders to whoever has an access token (RFC 9068)
of ISSUER for AUDIENCE with the permission orders:read. Nobody is asked per token: keys
and the revocation list are fetched in the background, and without a recent list the
answer is 503.
"""

import base64
import hashlib
import logging
import math
import os
import socket
import threading
import time
from contextlib import asynccontextmanager

import httpx
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request

ISSUER, AUDIENCE = os.environ["ISSUER"], os.environ["AUDIENCE"]
HOST, PORT = os.environ.get("HOST", "127.0.0.1"), int(os.environ.get("PORT", "8000"))
INTERVAL = float(os.environ.get("REVOCATION_INTERVAL", "15"))  # seconds between two fetches
MAX_AGE = float(os.environ.get("REVOCATION_MAX_AGE", "60"))  # without a list for so long: 503
LEEWAY = 10  # seconds that clocks may differ

# RFC 8725 section 3.1: what may sign is said here, never by the token. No HS256 and its
# like: anybody could sign with the public key as the secret.
ALGORITHMS = ["ES256", "ES384", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512"]
log = logging.getLogger("orders")


class Unavailable(Exception):
    """Says that this service cannot know now whether a token is good."""


def secure(url):
    # RFC 8414 section 2: https, but for an issuer on this machine.
    if httpx.URL(url).scheme != "https" and httpx.URL(url).host not in ("localhost", "127.0.0.1", "::1"):
        raise Unavailable(f"{url} is not https")
    return url


class Issuer:
    """What is known of the issuer, and since when."""

    def __init__(self):
        self.http = httpx.Client(timeout=5)  # it follows no redirects
        self.stop = threading.Event()
        self.metadata = self.keys = None
        self.before, self.list_iat, self.list_at = {}, 0, -math.inf

    def get(self, url):
        response = self.http.get(secure(url))
        if response.status_code != 200:
            raise Unavailable(f"{url} answers {response.status_code}")
        return response

    def run(self):
        while True:
            try:
                self.refresh()
            except Exception as error:  # whatever it is, the next time may be better
                log.warning("the issuer cannot be asked: %s", error)
            if self.stop.wait(INTERVAL):
                return

    def refresh(self):
        if self.metadata is None:
            metadata = self.get(ISSUER.rstrip("/") + "/.well-known/openid-configuration").json()
            if metadata["issuer"] != ISSUER:  # RFC 8414 section 3.3: else it must not be used
                raise Unavailable(f"the metadata are of {metadata['issuer']!r}, not of {ISSUER!r}")
            # For a kid that it does not know it asks again, but at most every 30 s: anybody
            # can make one up. The issuer publishes keys 300 s before they sign.
            self.keys = jwt.PyJWKClient(secure(metadata["jwks_uri"]), lifespan=300, cooldown_duration=30, timeout=5)
            self.metadata = metadata
        self.fetch_list()

    def key(self, kid):
        try:
            return self.keys.get_signing_key(kid)
        except (jwt.PyJWKClientConnectionError, ValueError) as error:  # that is not the token's fault
            raise Unavailable(str(error)) from error

    def verify(self, token, types, **rules):
        """The verified token. RFC 8725 section 3.11: of this type and no other."""
        header = jwt.get_unverified_header(token)
        if str(header.get("typ")).lower() not in types:
            raise jwt.InvalidTokenError("another typ")
        # PyJWT holds the token's alg to the key's.
        return jwt.decode_complete(token, self.key(header.get("kid")), ALGORITHMS, issuer=ISSUER, leeway=LEEWAY, **rules)

    def fetch_list(self):
        asked = time.monotonic()
        body = self.get(self.metadata["revocation_list_uri"]).text
        claims = self.verify(body, ["revocation-list+jwt"], options={"require": ["iss", "iat", "exp"]})["payload"]
        if claims["iat"] < self.list_iat:
            raise Unavailable("the revocation list is older than the one before")
        before = {}
        for entry in claims["entries"]:
            kind = entry["kind"]
            if kind not in ("jti", "sid", "sub", "kid", "all"):
                continue  # of a later version
            stamp = entry["before"]
            if type(stamp) is not int or kind != "all" and len(base64.urlsafe_b64decode(entry["hash"] + "==")) != 16:
                raise Unavailable("the revocation list has a bad entry")
            place = (kind, None if kind == "all" else entry["hash"])
            before[place] = max(stamp, before.get(place, 0))
        self.before, self.list_iat, self.list_at = before, claims["iat"], asked

    def revoked(self, header, claims):
        places = [("all", None)]
        values = {"jti": claims["jti"], "sid": claims.get("sid"), "sub": claims["sub"], "kid": header["kid"]}
        for kind, value in values.items():
            digest = hashlib.sha256(str(value or "").encode()).digest()[:16]
            places.append((kind, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()))
        return any(claims["iat"] < self.before.get(place, 0) for place in places)

    def access(self, token):
        """The claims of a token for this service (RFC 9068 section 4)."""
        if time.monotonic() - self.list_at > MAX_AGE:  # before all else: there may be no keys either
            raise Unavailable("no recent revocation list")
        required = ["iss", "aud", "exp", "sub", "iat", "jti", "client_id"]
        good = self.verify(token, ["at+jwt", "application/at+jwt"], audience=AUDIENCE, options={"require": required})
        claims = good["payload"]
        if type(claims["iat"]) not in (int, float) or not isinstance(claims["client_id"], str):
            raise jwt.InvalidTokenError("a claim of the wrong type")
        if self.revoked(good["header"], claims):
            raise jwt.InvalidTokenError("revoked")
        return claims


issuer = Issuer()


def refuse(status, challenge):
    return HTTPException(status, headers={"WWW-Authenticate": challenge, "Cache-Control": "no-store"})


def needs(permission):
    """Lets in who may do that; the handler gets the claims."""

    def check(request: Request):  # not async: it may fetch keys, and then runs in a thread
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":  # RFC 6750 section 3.1: no token, no error code
            raise refuse(401, 'Bearer realm="orders"')
        try:
            claims = issuer.access(token.strip())
        except jwt.PyJWTError as error:
            log.info("a token was refused: %s", error)  # the caller need not know why
            raise refuse(401, 'Bearer realm="orders", error="invalid_token"')
        except (Unavailable, httpx.HTTPError) as error:
            log.warning("cannot tell whether a token is good: %s", error)
            raise HTTPException(503, headers={"Retry-After": "5"})
        held = claims.get("permissions")
        if not isinstance(held, list) or permission not in held:
            raise refuse(403, f'Bearer realm="orders", error="insufficient_scope", scope="{permission}"')
        return claims

    return check


@asynccontextmanager
async def lifespan(_):
    threading.Thread(target=issuer.run, daemon=True).start()
    yield
    issuer.stop.set()


app = FastAPI(lifespan=lifespan, openapi_url=None)


@app.get("/health")
def health():
    return {"status": "ok"}


@app.get("/orders")
def orders(claims: dict = Depends(needs("orders:read"))):
    return {"orders": [{"id": 1, "item": "tea"}], "subject": claims["sub"]}


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    listener = socket.create_server((HOST, PORT))
    print(f"listening on http://{HOST}:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
