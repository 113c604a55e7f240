#!/usr/bin/python3
"""Makes and opens Fernet tokens with the cryptography library.

    fernet.py encrypt|decrypt

Each line on stdin is a JSON object with "key", a Fernet key in url-safe base64,
and "data": for encrypt the plaintext in standard base64, for decrypt a token.
Each line is answered with one on stdout: {"data": ...}, the token or the
plaintext in the same forms, or {"error": ...}.

Keys of 32 bytes go through cryptography.fernet.Fernet. Keys of 64 bytes (32 for
HMAC-SHA256, 32 for AES-256-CBC) take the same token format, put together here
from the library's primitives.
"""

import base64
import json
import os
import sys
import time

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes, hmac, padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


class Fernet256:
    def __init__(self, material):
        self.signing, self.encryption = material[:32], material[32:]

    def encrypt(self, plaintext):
        padder = padding.PKCS7(128).padder()
        padded = padder.update(plaintext) + padder.finalize()
        iv = os.urandom(16)
        encryptor = self._cipher(iv).encryptor()
        ciphertext = encryptor.update(padded) + encryptor.finalize()
        body = b"\x80" + int(time.time()).to_bytes(8, "big") + iv + ciphertext
        return base64.urlsafe_b64encode(body + self._mac(body).finalize())

    def decrypt(self, token):
        raw = base64.urlsafe_b64decode(token)
        body = raw[:-32]
        self._mac(body).verify(raw[-32:])
        if body[0] != 0x80:
            raise ValueError("not version 0x80")
        decryptor = self._cipher(body[9:25]).decryptor()
        padded = decryptor.update(body[25:]) + decryptor.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()

    def _cipher(self, iv):
        return Cipher(algorithms.AES(self.encryption), modes.CBC(iv))

    def _mac(self, body):
        mac = hmac.HMAC(self.signing, hashes.SHA256())
        mac.update(body)
        return mac


def fernet(key):
    material = base64.urlsafe_b64decode(key)
    if len(material) == 32:
        return Fernet(key)
    if len(material) == 64:
        return Fernet256(material)
    raise ValueError("a key has 32 or 64 bytes")


def encrypt(key, data):
    return fernet(key).encrypt(base64.b64decode(data)).decode()


def decrypt(key, data):
    return base64.b64encode(fernet(key).decrypt(data.encode())).decode()


def main():
    commands = {"encrypt": encrypt, "decrypt": decrypt}
    if len(sys.argv) != 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    command = commands[sys.argv[1]]
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = {"data": command(request["key"], request["data"])}
        except Exception as problem:  # whatever it is, the other lines go on
            answer = {"error": type(problem).__name__}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
