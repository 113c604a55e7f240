#!/usr/bin/python3
"""Verifies access tokens with jwcrypto, from the published keys alone.

Each line on stdin is {"jwks", "issuer", "audience", "token"}; it is answered with
{"claims"} or {"refused"}.
"""

import json

from jwcrypto.common import JWException
from jwcrypto.jwk import JWKSet
from jwcrypto.jws import JWS
from jwcrypto.jwt import JWT

from lines import Refused, answer

ALGORITHMS = {"RS256", "PS256", "ES256", "ES384", "EdDSA"}


def verify(jwks, issuer, audience, token):
    unverified = JWS()
    unverified.deserialize(token)
    header = unverified.jose_header
    # RFC 9068 section 4: another kind of token of this issuer is none for us.
    if header.get("typ") != "at+jwt":
        raise Refused("typ is not at+jwt")
    key = JWKSet.from_json(json.dumps(jwks)).get_key(header.get("kid"))
    if key is None:
        raise Refused("no published key has this kid")
    # RFC 8725 section 3.1: the key says which algorithm, not the token.
    if key.get("alg") not in ALGORITHMS:
        raise Refused("the key's alg is not one of ours")
    verified = JWT(
        jwt=token,
        key=key,
        algs=[key.get("alg")],
        check_claims={"iss": issuer, "aud": audience, "exp": None, "sub": None},
    )
    return {"claims": json.loads(verified.claims)}


if __name__ == "__main__":
    answer(verify, expected_problems=(JWException,))
