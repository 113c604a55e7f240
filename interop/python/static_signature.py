#!/usr/bin/python3
"""Makes the static signature of the original service with the cryptography
library: RSASSA-PSS with SHA-256 over the bytes of the client id.

Each line on stdin is {"key", "client_id", "salt"}, where key is an RSA private key
in PEM and salt is "max" or "digest"; it is answered with {"signature"}.
"""

import base64

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from lines import answer

SALTS = {"max": padding.PSS.MAX_LENGTH, "digest": padding.PSS.DIGEST_LENGTH}


def sign(key, client_id, salt):
    private = load_pem_private_key(key.encode(), password=None)
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=SALTS[salt])
    signature = private.sign(client_id.encode(), pss, hashes.SHA256())
    return {"signature": base64.b64encode(signature).decode()}


if __name__ == "__main__":
    answer(sign)
