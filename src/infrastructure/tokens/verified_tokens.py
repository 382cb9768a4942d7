"""Remembering which access tokens were right.

Verifying a signature is the largest part of the commonest request, and a client sends the same token until it expires.
"""

from collections import OrderedDict
from hashlib import sha256

from application.ports import Clock
from application.sessions.ports import Caller
from infrastructure.tokens.access_token_verifier import MAX_LENGTH, JwtAccessTokenVerifier, VerifiedAccessToken
from infrastructure.tokens.key_ring import KeyRing

DEFAULT_SIZE = 10_000


class CachingAccessTokenVerifier:
    """Implements ``AccessTokenVerifier`` in front of the one that verifies.

    A token is known by the SHA-256 of its exact text, so that another spelling of it is another token (T9), looking it
    up tells nothing by its time (K14), and no token lies in memory. Only what verified is kept; expiry is looked at
    every time, and everything is forgotten when the keys change (K08). The oldest entry goes first: tokens live
    equally long, so it is also the first to expire.
    """

    def __init__(
        self, verifier: JwtAccessTokenVerifier, ring: KeyRing, clock: Clock, *, size: int = DEFAULT_SIZE
    ) -> None:
        """``size`` is the number of tokens, of about 0.5 KiB each."""
        self._verifier = verifier
        self._ring = ring
        self._clock = clock
        self._size = size
        self._verified: OrderedDict[bytes, VerifiedAccessToken] = OrderedDict()
        self._version = ring.version

    def verify(self, text: str) -> Caller:
        """Raises InvalidAccessToken (K01 to K05)."""
        if len(text) > MAX_LENGTH or not text.isascii():
            return self._verifier.verify(text)
        if self._version != self._ring.version:
            self._verified.clear()
            self._version = self._ring.version
        fingerprint = sha256(text.encode()).digest()
        known = self._verified.get(fingerprint)
        if known is not None and self._clock.now().timestamp() < known.expires_at:
            return known.caller
        return self._remember(fingerprint, self._verifier.examine(text)).caller

    def _remember(self, fingerprint: bytes, token: VerifiedAccessToken) -> VerifiedAccessToken:
        self._verified[fingerprint] = token
        if len(self._verified) > self._size:
            self._verified.popitem(last=False)
        return token
