"""The secrets of a deployment (``CRM_AUTH_SECRET_KEY``), and the keys derived from them.

Each secret gives any number of independent keys by HKDF (RFC 5869), one for each operation and purpose, so that what
is made for one purpose is worth nothing for another. Several secrets may be in force (C07): the newest makes, all of
them read. To change the secret without ending a session, first give every node ``new`` behind ``old``, then ``new``
before ``old``, and drop ``old`` when nothing made with it is in use.
"""

import hmac
import os
import re
from collections.abc import Sequence
from itertools import pairwise

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MIN_SECRET_LENGTH = 32
"""Characters."""
MAC_SIZE = 32
"""Bytes of HMAC-SHA256."""

_FORMAT = b"\x01"
_KEY_ID_SIZE = 8
_NONCE_SIZE = 12
_HEADER_SIZE = len(_FORMAT) + _KEY_ID_SIZE


class CannotUnseal(Exception):
    """Sealed with a secret that is not given, for something else, or altered."""


class _Secret:
    """One secret and the keys derived from it so far."""

    __slots__ = ("_keyed", "_keys", "_material", "id")

    def __init__(self, value: str) -> None:
        self._material = value.encode()
        self._keys: dict[tuple[str, str], bytes] = {}
        self._keyed: dict[tuple[str, str], hmac.HMAC] = {}
        self.id = self.key("id", "")[:_KEY_ID_SIZE]

    def key(self, operation: str, purpose: str) -> bytes:
        """256 bits for this operation and purpose alone."""
        key = self._keys.get((operation, purpose))
        if key is None:
            info = f"crm-auth/v1/{operation}/{purpose}".encode()
            key = self._keys[operation, purpose] = HKDF(SHA256(), 32, salt=None, info=info).derive(self._material)
        return key

    def hmac(self, operation: str, purpose: str, data: bytes) -> bytes:
        """HMAC-SHA256 with the key for that.

        One that has taken in its key is copied: a third of the time of keying one anew, and a refresh takes three.
        """
        keyed = self._keyed.get((operation, purpose))
        if keyed is None:
            keyed = self._keyed[operation, purpose] = hmac.new(self.key(operation, purpose), digestmod="sha256")
        copy = keyed.copy()
        copy.update(data)
        return copy.digest()


class SecretKeys:
    """Seals, authenticates and digests. A ``purpose`` is a short constant of the calling module, with a version."""

    def __init__(self, values: Sequence[str]) -> None:
        """``values`` are the secrets, newest first. Raises ValueError for none, and for one that is too short."""
        if not values or any(len(value) < MIN_SECRET_LENGTH for value in values):
            raise ValueError(f"a secret key has at least {MIN_SECRET_LENGTH} characters")
        self._secrets = tuple(_Secret(value) for value in values)
        self._newest = self._secrets[0]
        self._by_id = {secret.id: secret for secret in self._secrets}

    def __repr__(self) -> str:
        return "SecretKeys(...)"

    def seal(self, purpose: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """AES-256-GCM: format (1 byte), key id (8), nonce (12), ciphertext and tag (16)."""
        header, nonce = _FORMAT + self._newest.id, os.urandom(_NONCE_SIZE)
        cipher = AESGCM(self._newest.key("seal", purpose))
        return header + nonce + cipher.encrypt(nonce, plaintext, header + associated_data)

    def unseal(self, purpose: str, sealed: bytes, associated_data: bytes) -> bytes:
        """What was sealed for this purpose with this data. Raises CannotUnseal."""
        header, nonce = sealed[:_HEADER_SIZE], sealed[_HEADER_SIZE : _HEADER_SIZE + _NONCE_SIZE]
        secret = self._by_id.get(header[len(_FORMAT) :])
        if secret is None or not header.startswith(_FORMAT) or len(nonce) != _NONCE_SIZE:
            raise CannotUnseal("not sealed with any of the secret keys given")
        try:
            cipher = AESGCM(secret.key("seal", purpose))
            return cipher.decrypt(nonce, sealed[_HEADER_SIZE + _NONCE_SIZE :], header + associated_data)
        except InvalidTag:
            raise CannotUnseal("sealed for something else, or altered") from None

    def resealed(self, purpose: str, sealed: bytes, associated_data: bytes) -> bytes | None:
        """The same under the newest secret; ``None`` where it is sealed with that one already. Raises CannotUnseal."""
        if sealed.startswith(_FORMAT + self._newest.id):
            return None
        return self.seal(purpose, self.unseal(purpose, sealed, associated_data), associated_data)

    def mac(self, purpose: str, data: bytes, *, size: int = MAC_SIZE) -> bytes:
        """HMAC-SHA256 under the newest secret, cut to ``size`` bytes; the same again for the same data."""
        return self._newest.hmac("mac", purpose, data)[:size]

    def verify_mac(self, purpose: str, data: bytes, tag: bytes, *, size: int = MAC_SIZE) -> bool:
        """Whether any of the secrets made the tag. Takes as long whichever it was, and whether or not one did (K14).

        ``size`` is the caller's, never the tag's own, or a tag of one byte would be right one time in 256.
        """
        matches = False
        for secret in self._secrets:
            expected = secret.hmac("mac", purpose, data)[:size]
            matches |= hmac.compare_digest(expected, tag)
        return matches

    def digest(self, purpose: str, data: bytes) -> bytes:
        """32 bytes by which ``data`` is recognised and not read, as long as the newest secret stays the same."""
        return self._newest.hmac("digest", purpose, data)


_MIN_DISTINCT = 6
"""A random secret of 32 decimal digits has fewer different ones once in 17 million."""
_MAX_STEPS = 0.6
"""Share of characters that repeat, follow or precede the one before: one in six is usual in hexadecimal digits."""

_SAMPLE_WORDS = re.compile(
    "changeme|changethis|changeit|replaceme|replacethis|secret|example|sample|password|passphrase|default|insecure"
    "|placeholder|qwerty|letmein|crmauth|foobar|deadbeef|testtest|developmentkey|goeshere|yourkey|generateme"
)
"""Six letters and more: shorter words turn up in random text."""

_PUBLISHED = (
    "09d25e094faa6ca2556c818166b7a956",  # FastAPI's tutorial on OAuth 2
    "192b9bdd22ab9ed4d12e236c78afcb9a",  # Flask's tutorial and configuration pages
    "AyM1SysPpbyDfgZld3umj1qzKObwVMko",  # RFC 7515 A.1
    "hJtXIZ2uSN5kbQfbtTNWbpdmhkV8FJG-",  # RFC 7520 3.5
)


def weak_secret(text: str) -> str | None:
    """Why this is no secret to start a deployment with, as the end of a sentence; ``None`` for a good one (C01).

    What ``openssl rand`` and the like give is never refused; it cannot be told whether the rest is random.
    """
    letters = re.sub(r"[^a-z0-9]", "", text.lower())
    if len(text.strip()) < MIN_SECRET_LENGTH:
        return f"is shorter than {MIN_SECRET_LENGTH} characters"
    if _SAMPLE_WORDS.search(letters) or text.startswith(_PUBLISHED):
        return "is a sample value"
    if any(text[period:] == text[:-period] for period in range(1, len(text) // 2 + 1)):
        return "repeats itself"
    if len(set(text)) < _MIN_DISTINCT:
        return f"has fewer than {_MIN_DISTINCT} different characters"
    steps = sum(abs(ord(a) - ord(b)) <= 1 for a, b in pairwise(text))
    if steps > _MAX_STEPS * len(text):
        return "follows a sequence"
    return None
