#!/usr/bin/env python3
"""Lets Authlib get, use, introspect and revoke tokens, and verify them as a resource server.

The settings come from the environment, where scripts/foreign-clients.sh puts them. Each
check that holds is a line; the first that fails ends the program.
"""

import os
import sys
import time

import requests
from authlib.integrations.requests_client import OAuth2Session, OAuthError
from authlib.oauth2.rfc6750 import InvalidTokenError
from authlib.oauth2.rfc7523 import PrivateKeyJWT, private_key_jwt_sign
from authlib.oauth2.rfc8414 import get_well_known_url
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator
from joserfc.jwk import KeySet, RSAKey

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]
OTHER_AUDIENCE = os.environ["OTHER_AUDIENCE"]  # the first client with a key introspects for it
CLERK = os.environ["SECRET_CLIENT"], os.environ["SECRET"]  # may have both, and read clients at the service itself
SERVER = os.environ["SERVER_CLIENT"], os.environ["SERVER_SECRET"]  # introspects for the audience
ROBOT = os.environ["KEY_CLIENT"]  # has one audience, and so need not name it
LENIENT = os.environ["TOKEN_ENDPOINT_CLIENT"]  # the same, with "assertion_audience": "token_endpoint"
PERMISSION = "orders:read"  # of all but the server

# Authlib finds the document, and leaves the reading to its user.
METADATA = requests.get(get_well_known_url(ISSUER, external=True), timeout=10).json()
assert METADATA["issuer"] == ISSUER, METADATA


def pem(variable):
    with open(os.environ[variable], encoding="ascii") as file:
        return file.read()


class ShortLived(PrivateKeyJWT):
    """Makes assertions for a minute; Authlib's own are for an hour, which the service takes from nobody."""

    def sign(self, auth, token_endpoint):
        return private_key_jwt_sign(
            RSAKey.import_key(auth.client_secret),
            client_id=auth.client_id,
            token_endpoint=token_endpoint,
            header={"kid": os.environ["KEY_ID"]} if self.headers else None,
            expires_in=60,
        )


def session(client, method="client_secret_basic"):
    return OAuth2Session(*client, token_endpoint_auth_method=method)


def key_session(client_id, method, key="KEY_FILE"):
    found = session((client_id, pem(key)), "private_key_jwt")
    found.register_client_auth_method(method)
    return found


def fetch(of, **asked):
    return of.fetch_token(METADATA["token_endpoint"], grant_type="client_credentials", **asked)


def introspect(by, token):
    answer = by.introspect_token(METADATA["introspection_endpoint"], token=token)
    answer.raise_for_status()
    return answer.json()


class Validator(JWTBearerTokenValidator):
    def get_jwks(self):
        return KeySet.import_key_set(requests.get(METADATA["jwks_uri"], timeout=10).json())


def verify(token, audience=AUDIENCE, scopes=(PERMISSION,)):
    validator = Validator(ISSUER, audience)
    claims = validator.authenticate_token(token)
    validator.validate_token(claims, list(scopes), None)
    return claims


def refused(error, do, *arguments, **named):
    """Demands an error that says what was wrong."""
    try:
        do(*arguments, **named)
    except (OAuthError, InvalidTokenError) as problem:
        assert problem.error == error, problem
    else:
        raise AssertionError("it was not refused")


def by_secret(method):
    answer = fetch(session(CLERK, method), audience=AUDIENCE, scope=PERMISSION)
    assert answer["token_type"] == "Bearer" and answer["scope"] == PERMISSION, answer
    claims = verify(answer["access_token"])
    assert claims["client_id"] == CLERK[0] and claims["permissions"] == [PERMISSION], claims


def wrong_secret():
    refused("invalid_client", fetch, session((CLERK[0], "of somebody else entirely")), audience=AUDIENCE)


def wrong_audience():
    refused("invalid_target", fetch, session(CLERK), resource="https://elsewhere.example")


def calls_api():
    clerk = session(CLERK)
    fetch(clerk, audience=ISSUER)
    answer = clerk.get(f"{ISSUER}/api/clients/{CLERK[0]}", timeout=10)
    assert answer.json()["client_id"] == CLERK[0], answer.text
    fetch(clerk, audience=AUDIENCE)
    answer = clerk.get(f"{ISSUER}/api/clients/{CLERK[0]}", timeout=10)
    assert answer.status_code == 401, answer.text


def by_key_for_issuer():
    token = fetch(key_session(ROBOT, ShortLived(ISSUER, headers=True)))["access_token"]
    assert verify(token)["client_id"] == ROBOT


def by_key_for_token_endpoint():
    method = ShortLived()
    assert verify(fetch(key_session(LENIENT, method))["access_token"])["client_id"] == LENIENT
    # Of a client that did not ask for it, that is refused.
    refused("invalid_client", fetch, key_session(ROBOT, method))


def for_an_hour():
    refused("invalid_client", fetch, key_session(LENIENT, PrivateKeyJWT()))


def foreign_key():
    refused("invalid_client", fetch, key_session(ROBOT, ShortLived(ISSUER), "FOREIGN_KEY_FILE"))


def introspection_and_revocation():
    clerk, server = session(CLERK), session(SERVER)
    token = fetch(clerk, audience=AUDIENCE)["access_token"]
    answer = introspect(server, token)
    assert answer["active"] and answer["client_id"] == CLERK[0], answer
    answer = clerk.revoke_token(METADATA["revocation_endpoint"], token=token)
    assert answer.status_code == 200, answer.text
    assert introspect(server, token) == {"active": False}


def introspection_by_key():
    robot = key_session(ROBOT, ShortLived(ISSUER, headers=True))
    assert introspect(robot, fetch(session(CLERK), audience=OTHER_AUDIENCE)["access_token"])["active"]
    assert introspect(robot, fetch(session(CLERK), audience=AUDIENCE)["access_token"]) == {"active": False}


def others_tokens():
    token = fetch(session(CLERK), audience=OTHER_AUDIENCE)["access_token"]
    refused("invalid_token", verify, token)


def changed_token():
    first, second = (fetch(session(CLERK), audience=AUDIENCE)["access_token"].split(".") for _ in range(2))
    refused("invalid_token", verify, ".".join([first[0], second[1], first[2]]))


def over():
    token = fetch(session(CLERK), audience=AUDIENCE)["access_token"]
    claims = Validator(ISSUER, AUDIENCE).authenticate_token(token)
    claims.validate()
    try:
        claims.validate(now=time.time() + 24 * 3600)
    except Exception as problem:  # each version of the library has another class for it
        assert "expired" in str(problem), problem
    else:
        raise AssertionError("it was not refused")


CHECKS = {
    "client_secret_basic, and the token is a JWT access token (RFC 9068)": lambda: by_secret("client_secret_basic"),
    "client_secret_post": lambda: by_secret("client_secret_post"),
    "a wrong secret is invalid_client": wrong_secret,
    "an audience that it may not have is invalid_target": wrong_audience,
    "its session calls an API with the token, which takes none for others": calls_api,
    "private_key_jwt, for the issuer": by_key_for_issuer,
    "private_key_jwt, for the token endpoint where the client may do that": by_key_for_token_endpoint,
    "an assertion for an hour is invalid_client": for_an_hour,
    "an assertion by somebody else's key is invalid_client": foreign_key,
    "introspection, before and after revocation": introspection_and_revocation,
    "introspection by private_key_jwt, of the audience that it serves alone": introspection_by_key,
    "refuses a token for another audience": others_tokens,
    "refuses one that was changed": changed_token,
    "refuses one that is over": over,
}

if __name__ == "__main__":
    for what, check in CHECKS.items():
        try:
            check()
        except Exception as problem:
            print(f"FAILED Authlib: {what}: {problem!r}", file=sys.stderr)
            raise
        print(f"ok     Authlib: {what}")
