"""What is personal in entries, sealed."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_SIZE = 32
_NONCE_SIZE = 12


class AesGcmPersonalCipher:
    """AES-256-GCM (SP 800-38D): nonce (12 bytes), ciphertext and tag (16).

    A random nonce is safe for 2^32 entries of one key; a user has a key of their own.
    """

    def seal(self, key: bytes, plaintext: bytes, bound_to: str) -> bytes:
        """See the port."""
        nonce = os.urandom(_NONCE_SIZE)
        return nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to.encode())

    def unseal(self, key: bytes, sealed: bytes, bound_to: str) -> bytes | None:
        """See the port."""
        try:
            return AESGCM(key).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], bound_to.encode())
        except (InvalidTag, ValueError):
            return None
