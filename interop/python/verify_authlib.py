#!/usr/bin/python3
"""Verifies access tokens with Authlib, from the published keys alone.

Each line on stdin is {"jwks", "issuer", "audience", "token"}; it is answered with
{"claims"} or {"refused"}.
"""

from authlib.common.errors import AuthlibBaseError
from authlib.jose import JsonWebToken

from lines import Refused, answer

ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


def verify(jwks, issuer, audience, token):
    def find_key(header, payload):
        # RFC 9068 section 4: another kind of token of this issuer is none for us.
        if header.get("typ") != "at+jwt":
            raise Refused("typ is not at+jwt")
        for key in jwks["keys"]:
            if key["kid"] == header.get("kid"):
                break
        else:
            raise Refused("no published key has this kid")
        # RFC 8725 section 3.1: the key says which algorithm, not the token.
        if header["alg"] != key["alg"]:
            raise Refused("alg is not the key's")
        return key

    claims = JsonWebToken(ALGORITHMS).decode(
        token,
        find_key,
        claims_options={
            "iss": {"essential": True, "value": issuer},
            "aud": {"essential": True, "value": audience},
            "exp": {"essential": True},
            "sub": {"essential": True},
        },
    )
    claims.validate()
    return {"claims": claims}


if __name__ == "__main__":
    answer(verify, expected_problems=(AuthlibBaseError,))
