#!/usr/bin/python3
"""Signs client assertions (RFC 7523) with jwcrypto.

Each line on stdin is {"key", "algorithm", "client_id", "issuer"}, where key is a
private key in PEM and issuer is the service's; it is answered with {"signature"},
the member of that name of POST /auth/token.
"""

import secrets
import time

from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from lines import answer


def sign(key, algorithm, client_id, issuer):
    now = int(time.time())
    assertion = JWT(
        header={"alg": algorithm, "typ": "JWT"},
        claims={
            "iss": client_id,
            "sub": client_id,
            "aud": issuer,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        },
        algs=[algorithm],
    )
    assertion.make_signed_token(JWK.from_pem(key.encode()))
    return {"signature": assertion.serialize()}


if __name__ == "__main__":
    answer(sign)
