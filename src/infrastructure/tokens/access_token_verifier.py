"""Judging access tokens, strictly: we made them, so nothing about their form is open.

PyJWT checks the signature. It takes a token without ``exp``, an ``exp`` that is a string, any ``typ`` and padded
base64 (T8, T9), and it goes by the system's clock; all of that is therefore decided here.
"""

import json
import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import jwt

from application.ports import Clock
from application.sessions.ports import Caller
from domain.sessions.errors import InvalidAccessToken
from infrastructure.tokens import base64url
from infrastructure.tokens.access_tokens import MAX_LIFETIME, TYPE
from infrastructure.tokens.key_ring import KeyRing
from infrastructure.tokens.signing_keys import SigningKey

log = logging.getLogger("crm_auth.access_tokens")

MAX_LENGTH = 4096
"""Characters; ours have about 600."""
MAX_SKEW = timedelta(seconds=30)
"""How far in the future another node's "now" may lie (K04)."""

_HEADER = {"alg", "kid", "typ"}
_TYPES = {TYPE, f"application/{TYPE}"}
_MAX_JTI_LENGTH = 128


@dataclass(frozen=True, slots=True)
class VerifiedAccessToken:
    """Who the token speaks for, and its ``exp`` in seconds since the epoch."""

    caller: Caller
    expires_at: int


class JwtAccessTokenVerifier:
    """Implements ``AccessTokenVerifier``. The client is told nothing of why; the log is, at debug level."""

    def __init__(self, *, ring: KeyRing, clock: Clock, issuer: str, audience: str) -> None:
        self._ring = ring
        self._clock = clock
        self._issuer = issuer
        self._audience = audience

    def verify(self, text: str) -> Caller:
        """Raises InvalidAccessToken (K01 to K05)."""
        return self.examine(text).caller

    def examine(self, text: str) -> VerifiedAccessToken:
        """The same, with when it expires. Raises InvalidAccessToken."""
        if len(text) > MAX_LENGTH or not text.isascii():
            raise refused("size")
        header, _, rest = text.partition(".")
        payload, _, signature = rest.partition(".")
        key = self._key(_json_object(_decoded(header, "header"), "header"))
        _decoded(payload, "payload")
        _decoded(signature, "signature")
        try:
            claims = _json_object(key.verify(text), "claims")
        except jwt.PyJWTError:
            raise refused("signature") from None
        return self._judge(claims)

    def _key(self, header: dict[str, object]) -> SigningKey:
        """The key that the header names among ours.

        We write three members. ``jwk``, ``jku``, ``x5u`` and ``x5c`` would have us trust a key of the sender's (K02),
        ``crit`` and ``b64`` change what the signature means (K03): a header with anything more is not ours.
        """
        kid, typ = header.get("kid"), header.get("typ")
        if header.keys() != _HEADER or not isinstance(kid, str):
            raise refused("header")
        # K05: else a token of ours for another purpose would do as well (RFC 8725 3.11). Case as in RFC 7515 4.1.9.
        if not isinstance(typ, str) or typ.lower() not in _TYPES:
            raise refused("typ")
        key = self._ring.verifying(kid)
        if key is None:
            raise refused("kid")
        if header["alg"] != key.algorithm:
            raise refused("alg")
        return key

    def _judge(self, claims: dict[str, object]) -> VerifiedAccessToken:
        if claims.get("iss") != self._issuer:
            raise refused("iss")
        if not _includes(claims.get("aud"), self._audience):
            raise refused("aud")
        jti = claims.get("jti")
        if not isinstance(jti, str) or not 0 < len(jti) <= _MAX_JTI_LENGTH:
            raise refused("jti")
        caller = Caller(user_id=_uuid(claims, "sub"), session_id=_uuid(claims, "sid"))
        return VerifiedAccessToken(caller, self._expiry(claims))

    def _expiry(self, claims: dict[str, object]) -> int:
        now, skew = self._clock.now().timestamp(), MAX_SKEW.total_seconds()
        issued_at, expires_at = _integer(claims, "iat"), _integer(claims, "exp")
        if now >= expires_at:
            raise refused("expired")
        if issued_at > now + skew or ("nbf" in claims and _integer(claims, "nbf") > now + skew):
            raise refused("not yet valid")
        if not 0 < expires_at - issued_at <= MAX_LIFETIME.total_seconds():
            raise refused("lifetime")
        return expires_at


def refused(reason: str) -> InvalidAccessToken:
    """The refusal, with its reason in the log."""
    log.debug("access token refused: %s", reason)
    return InvalidAccessToken()


def _decoded(segment: str, name: str) -> bytes:
    try:
        return base64url.decode(segment)
    except ValueError:
        raise refused(f"{name} encoding") from None


def _json_object(data: bytes, name: str) -> dict[str, object]:
    """Of duplicate names readers take the first or the last (RFC 7515 4 and RFC 7519 4): refuse them."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise refused(f"{name} form") from None
    if not isinstance(value, dict):
        raise refused(f"{name} form")
    return value


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate name")
    return members


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _includes(audience: object, ours: str) -> bool:
    if isinstance(audience, list):
        return all(isinstance(one, str) for one in audience) and ours in audience
    return audience == ours


def _integer(claims: dict[str, object], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # bool is a subclass of int, and JSON's true no time
        raise refused(name)
    return value


def _uuid(claims: dict[str, object], name: str) -> UUID:
    """UUID() itself takes braces, "urn:uuid:" and any case."""
    text = claims.get(name)
    try:
        if isinstance(text, str) and str(value := UUID(text)) == text:
            return value
    except ValueError:
        pass
    raise refused(name)
