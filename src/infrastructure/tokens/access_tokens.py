"""Signed access tokens, RFC 9068."""

import secrets
from collections.abc import Mapping
from datetime import timedelta

from msgspec import json

from application.ports import Clock
from application.sessions.ports import AccessToken, ClaimsSource
from domain.accounts.user import User
from domain.sessions.session import Session
from infrastructure.tokens.key_ring import KeyRing

TYPE = "at+jwt"
DEFAULT_LIFETIME = timedelta(minutes=5)
MAX_LIFETIME = timedelta(minutes=15)
"""K06: the bound within which other services notice that a session has ended."""


class SessionClaims:
    """Implements ``ClaimsSource``: whose session it is and how it was opened, in ids only (K06)."""

    def claims(self, user: User, session: Session) -> Mapping[str, object]:
        """RFC 9068 2.2: ``sub``, ``sid``, ``client_id``, ``auth_time``, ``amr``; ``acr`` and ``scope`` if known."""
        authentication = session.authentication
        claims: dict[str, object] = {
            "sub": str(user.id),
            "sid": str(session.id),
            "client_id": authentication.client_id,
            "auth_time": int(authentication.auth_time.timestamp()),
            "amr": list(authentication.methods),
        }
        if authentication.context_class is not None:
            claims["acr"] = authentication.context_class
        if authentication.scope is not None:
            claims["scope"] = authentication.scope
        return claims


class JwtAccessTokenIssuer:
    """Implements ``AccessTokenIssuer`` with the key ring's active key."""

    def __init__(
        self,
        *,
        ring: KeyRing,
        clock: Clock,
        claims_source: ClaimsSource,
        issuer: str,
        audience: str,
        lifetime: timedelta = DEFAULT_LIFETIME,
    ) -> None:
        """``issuer`` is the public URL, ``audience`` who the tokens are for. Raises ValueError for the lifetime."""
        if not timedelta(seconds=1) <= lifetime <= MAX_LIFETIME:
            raise ValueError(f"access tokens live 1 to {MAX_LIFETIME.total_seconds():.0f} seconds")
        self._ring = ring
        self._clock = clock
        self._claims_source = claims_source
        self._issuer = issuer
        self._audience = audience
        self._lifetime = int(lifetime.total_seconds())

    def issue(self, user: User, session: Session) -> AccessToken:
        """A token of its own ``jti`` that does not outlive the session. Raises ServiceUnavailable without a key."""
        now = self._clock.now()
        issued_at = int(now.timestamp())
        left = min(session.idle_expires_at, session.expires_at) - now
        expires_in = max(1, min(self._lifetime, int(left.total_seconds())))
        claims = {
            **self._claims_source.claims(user, session),
            "iss": self._issuer,
            "aud": self._audience,
            "iat": issued_at,
            "exp": issued_at + expires_in,
            "jti": secrets.token_urlsafe(16),
        }
        return AccessToken(text=self._ring.signing.sign(json.encode(claims), TYPE), expires_in=expires_in)
