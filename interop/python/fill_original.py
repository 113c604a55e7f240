#!/usr/bin/python3
"""Fills a PostgreSQL schema as the original Python service had it, with its libraries.

    fill_original.py DSN SCHEMA

It prints one JSON object with the clear values: encryption_key, kid, token (a JWT made
before the move), users (name to password), and clients (each with id, secret and
signature, or null where it has none). The token is one for root at the service itself.
Of the users root and Ann have an Argon2id hash, bob an Argon2i one.
"""

import base64
import json
import os
import sys
import time
import uuid

import psycopg2
from argon2 import PasswordHasher, Type
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwcrypto.jwk import JWK
from jwcrypto.jwt import JWT

from fernet import Fernet256
from static_signature import sign


def rsa_key():
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private, public.decode()


def main(dsn, schema):
    hasher = PasswordHasher(time_cost=1, memory_cost=1024)
    hashers = {"bob": PasswordHasher(time_cost=2, memory_cost=512, type=Type.I)}
    db = psycopg2.connect(dsn)
    sql = db.cursor()
    sql.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
    sql.execute(f'SET search_path TO "{schema}"')
    sql.execute("CREATE TABLE clients (id uuid PRIMARY KEY, secret_hash text, public_key text, permissions text[])")
    sql.execute("CREATE TABLE users (id uuid PRIMARY KEY, username varchar(200) UNIQUE, password_hash text, is_root boolean, permissions text[])")
    sql.execute("CREATE TABLE service_config (id int PRIMARY KEY, public_key text, private_key bytea, jwt_issuer text, jwt_expiration int, jwt_max_refreshes int)")

    users = {"root": "the old root password", "Ann": "pässword of Ann", "bob": "bob"}
    ids = {name: str(uuid.uuid4()) for name in users}
    for name, password in users.items():
        sql.execute("INSERT INTO users VALUES (%s, %s, %s, %s, %s)",
                    (ids[name], name, hashers.get(name, hasher).hash(password), name == "root", ["read", "identity:admin"]))
    clients = []
    for has_secret, has_key in ((True, False), (False, True), (True, True)):
        client = {"id": str(uuid.uuid4()), "secret": None, "signature": None}
        public = None
        if has_secret:
            client["secret"] = base64.urlsafe_b64encode(os.urandom(24)).decode()
        if has_key:
            private, public = rsa_key()
            client["signature"] = sign(private.decode(), client["id"], "max")["signature"]
        sql.execute("INSERT INTO clients VALUES (%s, %s, %s, %s)",
                    (client["id"], client["secret"] and hasher.hash(client["secret"]), public, ["read"]))
        clients.append(client)
    sql.execute("INSERT INTO clients VALUES (%s, NULL, NULL, NULL)", (str(uuid.uuid4()),))

    key, data_key = os.urandom(64), os.urandom(64)
    private, public = rsa_key()
    sealed = Fernet256(key).encrypt(base64.urlsafe_b64encode(data_key)) + b":" + Fernet256(data_key).encrypt(private)
    sql.execute("INSERT INTO service_config VALUES (1, %s, %s, 'https://id.example.com', 600, 7)", (public, sealed))
    db.commit()

    jwk = JWK.from_pem(private)
    now = int(time.time())
    token = JWT(header={"alg": "RS256", "kid": jwk.thumbprint()}, claims={"iss": "https://id.example.com", "sub": ids["root"], "aud": "https://id.example.com", "iat": now, "exp": now + 600})
    token.make_signed_token(jwk)
    print(json.dumps({"encryption_key": base64.urlsafe_b64encode(key).decode(), "kid": jwk.thumbprint(),
                      "token": token.serialize(), "users": users, "clients": clients}))


if __name__ == "__main__":
    main(*sys.argv[1:])
