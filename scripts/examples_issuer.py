#!/usr/bin/python3
"""An issuer that lies, for scripts/examples.sh: it signs what no issuer should, with a
key that it publishes.

In FOLDER it writes tokens (a line each: name, status that a service must answer, kind of
challenge, token) and lists/NAME, revocation lists; a service is given FOLDER/list. Its
address is in FOLDER/address as soon as it answers, and each path that it is asked for a
line in FOLDER/asked.
"""

import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import time

from jwcrypto.jwa import JWA
from jwcrypto.jwk import JWK

folder = pathlib.Path(sys.argv[1])
audience = sys.argv[2]
now = int(time.time())


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        with open(folder / "asked", "a") as asked:
            asked.write(self.path + "\n")
        body = answers[self.path]()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parts(header, claims):
    return b64(json.dumps(header).encode()) + "." + b64(json.dumps(claims).encode())


def sign(header, claims, key, alg="ES256"):
    """Signs whatever it is: jwcrypto's own JWS would refuse some of this."""
    text = parts(header, claims)
    return text + "." + b64(JWA.signing_alg(alg).sign(key, text.encode()))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
issuer = f"http://localhost:{server.server_port}"
key, other = JWK.generate(kty="EC", crv="P-256"), JWK.generate(kty="EC", crv="P-256")
rsa = JWK.generate(kty="RSA", size=2048)
signers = {alg: rsa for alg in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")}
signers.update(ES384=JWK.generate(kty="EC", crv="P-384"), EdDSA=JWK.generate(kty="OKP", crv="Ed25519"))
published = [
    {**json.loads(signer.export_public()), "kid": kid, "use": "sig", "alg": alg}
    for kid, alg, signer in [("k1", "ES256", key), *((alg, alg, signer) for alg, signer in signers.items())]
]

good = {
    "iss": issuer, "sub": "shop", "aud": audience, "client_id": "shop", "iat": now - 60, "exp": now + 3600,
    "jti": "a-token", "permissions": ["orders:read"],
}
head = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"}


def token(header=(), without=None, **claims):
    made = {**good, **claims}
    made.pop(without, None)
    return sign({**head, **dict(header)}, made, key)


secret = key.export_to_pem()  # of the public half
hs256 = parts({**head, "alg": "HS256"}, good)
crit = {"crit": ["must"], "must": True}
accepted = {
    "a good one": token(),
    "for several": token(aud=["others", audience]),
    "a typ in full": token({"typ": "application/at+jwt"}),
    "a clock that is a second ahead": token(iat=int(time.time()) + 1),
    **{f"alg {alg}": sign({**head, "alg": alg, "kid": alg}, good, signer, alg) for alg, signer in signers.items()},
}
scarce = {
    "permissions in a text": token(permissions="orders:read orders:write"),
    "a longer permission": token(permissions=["orders:readonly"]),
    "no permissions": token(without="permissions"),
}
refused = {
    "garbage": "garbage",
    "empty parts": "..",
    "no JSON": "AAAA.AAAA.AAAA",
    "another key with the same kid": sign(head, good, other),
    "alg none": parts({**head, "alg": "none"}, good) + ".",
    "alg None and a signature": parts({**head, "alg": "None"}, good) + "." + token().rsplit(".", 1)[1],
    "alg HS256 with the public key": hs256 + "." + b64(hmac.new(secret, hs256.encode(), hashlib.sha256).digest()),
    "a key of its own": sign({"alg": "ES256", "typ": "at+jwt", "kid": "x", "jwk": json.loads(other.export_public())}, good, other),
    "another kid": token({"kid": "k2"}),
    "alg of another key": sign({**head, "alg": "RS256", "kid": "PS256"}, good, rsa, "RS256"),
    "no signature": token().rsplit(".", 1)[0] + ".",
    "claims that were changed": parts(head, good) + "." + token(sub="other").rsplit(".", 1)[1],
    "crit": token(crit),
    "typ JWT": token({"typ": "JWT"}),
    "no typ": sign({"alg": "ES256", "kid": "k1"}, good, key),
    "typ of a list": token({"typ": "revocation-list+jwt"}),
    "another issuer": token(iss=issuer + "/"),
    "another audience": token(aud="billing"),
    "several other audiences": token(aud=["billing", audience + "2"]),
    "expired": token(iat=now - 7200, exp=now - 3600),
    "issued tomorrow": token(iat=now + 86400, exp=now + 90000),
    "not yet": token(nbf=now + 3600),
    "client_id of the wrong type": token(client_id=["shop"]),
    "iat in a text": token(iat=str(now)),
    **{f"no {claim}": token(without=claim) for claim in ("iss", "sub", "aud", "exp", "iat", "jti", "client_id")},
}
everything = {"kind": "all", "before": now + 3600}  # who believes this list refuses every token


def revocations(header=(), entries=(everything,), signer=key, **claims):
    made = {"iss": issuer, "iat": now + 1, "exp": now + 600, "entries": list(entries), **claims}
    return sign({**head, "typ": "revocation-list+jwt", **dict(header)}, made, signer)


lists = {
    "good": revocations(entries=[{"kind": "planet", "name": "of a later version"}], iat=now),
    "another-key": revocations(signer=other),
    "typ-of-a-token": revocations({"typ": "at+jwt"}),
    "another-issuer": revocations(iss="http://localhost"),
    "expired": revocations(iat=now + 1, exp=now - 3600),
    "older": revocations(iat=now - 30),
    "bad-entry": revocations(entries=[everything, {"kind": "jti", "hash": "short", "before": now}]),
    "bad-time": revocations(entries=[everything, {"kind": "jti", "hash": "A" * 22, "before": str(now)}]),
    "unsigned": parts({"alg": "none", "typ": "revocation-list+jwt"}, {"iss": issuer, "iat": now + 1, "exp": now + 600, "entries": [everything]}) + ".",
}
answers = {
    "/.well-known/openid-configuration": lambda: json.dumps(
        {"issuer": issuer, "jwks_uri": issuer + "/keys", "revocation_list_uri": issuer + "/list"}
    ).encode(),
    "/keys": lambda: json.dumps({"keys": published}).encode(),
    "/list": lambda: (folder / "list").read_bytes(),
}

(folder / "lists").mkdir()
for name, text in lists.items():
    (folder / "lists" / name).write_text(text)
with open(folder / "tokens", "w") as out:
    for status, kind, tokens in ((200, "none", accepted), (403, "insufficient_scope", scarce), (401, "invalid_token", refused)):
        for name, text in tokens.items():
            out.write(f"{name}\t{status}\t{kind}\t{text}\n")
(folder / "list").write_text(lists["good"])
(folder / "address").write_text(issuer)
server.serve_forever()
