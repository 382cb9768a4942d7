"""Refresh tokens: opaque to clients, read and made without a database.

A token is ``crm_rt_`` and the base64url (RFC 4648 5, without padding) of 72 bytes, 103 characters in all:

=========  =====  =============================================================================================
bytes      size   what
=========  =====  =============================================================================================
0 to 15    16     session id
16 to 19   4      generation, big endian
20 to 51   32     secret, random
52 to 67   16     HMAC-SHA256 under the service's key, cut, over prefix, version (a byte 1) and the bytes before
68 to 71   4      CRC-32 (zlib's), big endian, over the prefix and the bytes before
=========  =====  =============================================================================================

The checksum proves nothing: a scanner for leaked secrets can tell by it, without asking us, a token from text that
looks like one. The MAC lets us refuse what we did not make before the database is asked (R10), and makes an authentic
token of an old generation proof of reuse without old tokens being kept (R04).

A successor's secret is sealed with AES-256-GCM (nonce, ciphertext, tag: 60 bytes) under a key derived by HKDF-Expand
from the secret of the token it replaces, bound to session and generation. The database knows only the digest of the
latter, so a dump opens nothing, also not together with the service's key (R08).
"""

import hmac
import struct
from hashlib import sha256
from secrets import token_bytes
from uuid import UUID
from zlib import crc32

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from application.sessions.ports import NewRefreshToken, PresentedRefreshToken
from domain.sessions.errors import InvalidRefreshToken
from infrastructure.tokens import base64url
from infrastructure.tokens.secret_keys import SecretKeys

PREFIX = "crm_rt_"
LENGTH = len(PREFIX) + 96
"""Characters."""

_BODY = struct.Struct(">16sI32s")
_MAC_SIZE = 16
_NONCE_SIZE = 12
_SECRET_SIZE = 32
_LAST_GENERATION = 2**32 - 1
_PURPOSE = "refresh-token/v1"
_PREFIX_AND_VERSION = PREFIX.encode() + b"\x01"
_PREFIX_CHECKSUM = crc32(PREFIX.encode())
_SEAL_LABEL = b"crm-auth/v1/refresh-token/successor"


class RefreshTokenCodec:
    """Implements ``RefreshTokens``."""

    def __init__(self, secret_keys: SecretKeys) -> None:
        self._secret_keys = secret_keys

    def first(self, session_id: UUID) -> NewRefreshToken:
        """The token a session starts with: generation 0, sealed for nobody."""
        secret = token_bytes(_SECRET_SIZE)
        return NewRefreshToken(text=self._text(session_id, 0, secret), digest=sha256(secret).digest(), sealed=None)

    def parse(self, text: str) -> PresentedRefreshToken:
        """Read strictly (R09): one token has one spelling. Raises InvalidRefreshToken for what we did not make."""
        if len(text) != LENGTH or not text.startswith(PREFIX):
            raise InvalidRefreshToken
        try:
            data = base64url.decode(text[len(PREFIX) :])
        except ValueError:
            raise InvalidRefreshToken from None
        body, mac = data[: _BODY.size], data[_BODY.size : -4]
        if _checksum(data[:-4]) != data[-4:]:
            raise InvalidRefreshToken
        if not self._secret_keys.verify_mac(_PURPOSE, _PREFIX_AND_VERSION + body, mac, size=_MAC_SIZE):
            raise InvalidRefreshToken
        session_id, generation, secret = _BODY.unpack(body)
        return PresentedRefreshToken(session_id=UUID(bytes=session_id), generation=generation, secret=secret)

    def digest(self, presented: PresentedRefreshToken) -> bytes:
        """SHA-256 of the secret, which has 256 bits, so that nothing slower is needed."""
        return sha256(presented.secret).digest()

    def successor(self, presented: PresentedRefreshToken) -> NewRefreshToken:
        """A token to replace the presented one.

        Raises InvalidRefreshToken behind the last generation, which one refresh a second reaches in 136 years.
        """
        random = token_bytes(_SECRET_SIZE + _NONCE_SIZE)
        secret, nonce = random[:_SECRET_SIZE], random[_SECRET_SIZE:]
        generation = _next_generation(presented)
        text = self._text(presented.session_id, generation, secret)
        sealed = nonce + _cipher(presented).encrypt(nonce, secret, _bound_to(presented, generation))
        return NewRefreshToken(text=text, digest=sha256(secret).digest(), sealed=sealed)

    def unseal(self, presented: PresentedRefreshToken, sealed: bytes) -> str:
        """The text of the successor sealed for the presented token. Raises InvalidRefreshToken if it is not for it.

        While the newest secret key stays the same it is, byte for byte, the text that was handed out first (R03);
        after that it has another MAC and is the same token.
        """
        generation = _next_generation(presented)
        try:
            bound_to = _bound_to(presented, generation)
            secret = _cipher(presented).decrypt(sealed[:_NONCE_SIZE], sealed[_NONCE_SIZE:], bound_to)
        except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
            raise InvalidRefreshToken from None
        return self._text(presented.session_id, generation, secret)

    def _text(self, session_id: UUID, generation: int, secret: bytes) -> str:
        body = _BODY.pack(session_id.bytes, generation, secret)
        data = body + self._secret_keys.mac(_PURPOSE, _PREFIX_AND_VERSION + body, size=_MAC_SIZE)
        return PREFIX + base64url.encode(data + _checksum(data))


def _checksum(data: bytes) -> bytes:
    return crc32(data, _PREFIX_CHECKSUM).to_bytes(4)


def _next_generation(presented: PresentedRefreshToken) -> int:
    if presented.generation >= _LAST_GENERATION:
        raise InvalidRefreshToken
    return presented.generation + 1


def _cipher(presented: PresentedRefreshToken) -> AESGCM:
    """Keyed by HKDF-Expand (RFC 5869 2.3) of the presented secret: its first block, and one is all a key takes."""
    return AESGCM(hmac.digest(presented.secret, _SEAL_LABEL + b"\x01", "sha256"))


def _bound_to(presented: PresentedRefreshToken, generation: int) -> bytes:
    return presented.session_id.bytes + generation.to_bytes(4)
