"""A role's password as PostgreSQL keeps it, made here: no statement and no log of the server has it in clear."""

import hmac
import os
from base64 import b64encode
from hashlib import pbkdf2_hmac, sha256

_ITERATIONS = 4096
"""As the server's own: what keeps such passwords is that they are made by chance."""
_SALT_BYTES = 16


def scram_verifier(password: str) -> str:
    """For ``PASSWORD`` in ``CREATE ROLE``: SCRAM-SHA-256 (RFC 7677, RFC 5802 section 3).

    Raises ValueError for one with characters beyond ASCII, of which there is more than one reading (RFC 4013).
    """
    if not password.isascii():
        raise ValueError("the password has characters beyond ASCII")
    salt = os.urandom(_SALT_BYTES)
    salted = pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored_key = sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
