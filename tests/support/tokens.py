"""Fakes of the token ports, and the workshop in which tokens are forged."""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from application.ports import Clock
from application.sessions.ports import AccessToken, Caller, NewRefreshToken, PresentedRefreshToken
from domain.accounts.user import User
from domain.sessions.errors import InvalidAccessToken, InvalidRefreshToken
from domain.sessions.session import Session
from infrastructure.tokens.access_token_verifier import JwtAccessTokenVerifier
from infrastructure.tokens.access_tokens import JwtAccessTokenIssuer, SessionClaims
from infrastructure.tokens.key_ring import KeyRing
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import SigningKey, StoredSigningKey
from tests.support.builders import new_id
from tests.support.clock import MovableClock
from tests.support.fakes import FakeRefreshTokens

ISSUER = "https://auth.example.com"
AUDIENCE = "https://crm.example.com"
SECRET = "2vU8yJ1c-0nq5XwEkR7tLZb3sGd9aHf6Mo4pQiCxYVA"
OTHER_SECRET = "hT6mBq0Zr9wKe_Y2xLs8VgPj4cNf1uDaXo7iRy5vGtM"


class RememberingRefreshTokens(FakeRefreshTokens):
    """The fake that also refuses what it did not make."""

    def __init__(self) -> None:
        super().__init__()
        self.made: set[str] = set()

    def parse(self, text: str) -> PresentedRefreshToken:
        if text not in self.made:
            raise InvalidRefreshToken
        return super().parse(text)

    def _new(self, session_id: UUID, generation: int, *, sealed_for: bytes | None) -> NewRefreshToken:
        token = super()._new(session_id, generation, sealed_for=sealed_for)
        self.made.add(token.text)
        return token


@dataclass
class MemoryAccessTokens:
    """Issues numbers and remembers whom each is for."""

    clock: Clock
    lifetime: timedelta = timedelta(minutes=5)
    issued: dict[str, tuple[Caller, float]] = field(default_factory=dict)

    def issue(self, user: User, session: Session) -> AccessToken:
        now, expires_in = self.clock.now(), int(self.lifetime.total_seconds())
        expires_in = min(expires_in, int((min(session.idle_expires_at, session.expires_at) - now).total_seconds()))
        text = f"access-token-{len(self.issued)}-{id(self):x}"
        self.issued[text] = Caller(user_id=user.id, session_id=session.id), now.timestamp() + expires_in
        return AccessToken(text=text, expires_in=expires_in)

    def verify(self, text: str) -> Caller:
        caller, expires_at = self.issued.get(text, (None, 0.0))
        if caller is None or self.clock.now().timestamp() >= expires_at:
            raise InvalidAccessToken
        return caller


@dataclass
class MemorySigningKeyStore:
    """The deployment's keys, for any number of rings. It gives nobody the chance to come between."""

    rows: dict[str, StoredSigningKey] = field(default_factory=dict)
    loads: int = 0

    async def load(self) -> list[StoredSigningKey]:
        self.loads += 1
        return list(self.rows.values())

    async def create_first(self, make: Callable[[], list[StoredSigningKey]]) -> list[StoredSigningKey]:
        if not self.rows:
            self.rows = {row.kid: row for row in make()}
        return list(self.rows.values())

    async def replace_sealed(self, kid: str, *, old: bytes, new: bytes) -> None:
        if self.rows[kid].sealed_private_key == old:
            self.rows[kid] = replace(self.rows[kid], sealed_private_key=new)


@dataclass
class Deployment:
    """A service as far as its access tokens go."""

    ring: KeyRing
    store: MemorySigningKeyStore
    clock: MovableClock
    issuer: JwtAccessTokenIssuer
    verifier: JwtAccessTokenVerifier

    @classmethod
    async def start(cls, secret: str = SECRET, clock: MovableClock | None = None) -> "Deployment":
        clock, store = clock or MovableClock(), MemorySigningKeyStore()
        ring = KeyRing(store, SecretKeys([secret]), clock)
        await ring.reload()
        issuer = JwtAccessTokenIssuer(
            ring=ring, clock=clock, claims_source=SessionClaims(), issuer=ISSUER, audience=AUDIENCE
        )
        verifier = JwtAccessTokenVerifier(ring=ring, clock=clock, issuer=ISSUER, audience=AUDIENCE)
        return cls(ring, store, clock, issuer, verifier)


def derived(secret: str, label: str) -> bytes:
    """RFC 5869 for one block and no salt, from its text."""
    extracted = hmac.digest(bytes(32), secret.encode(), "sha256")
    return hmac.digest(extracted, label.encode() + b"\x01", "sha256")


def b64(data: bytes | str) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


def as_json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


Sign = Callable[[bytes], bytes]


def es256(private_key: ec.EllipticCurvePrivateKey) -> Sign:
    """Raw ``r || s``, made without the code under test."""

    def sign(message: bytes) -> bytes:
        r, s = decode_dss_signature(private_key.sign(message, ec.ECDSA(SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)

    return sign


class Forge:
    """Makes tokens by hand: right in everything but what a test changes. ``...`` takes a member away."""

    def __init__(self, deployment: Deployment, attacker_url: str = "http://127.0.0.1:9") -> None:
        self.attacker_url = attacker_url
        self.key: SigningKey = deployment.ring.signing
        assert self.key.private_key is not None
        self.sign = es256(self.key.private_key)
        self.attacker = ec.generate_private_key(ec.SECP256R1())
        self.now = int(deployment.clock.now().timestamp())
        self.caller = Caller(user_id=new_id(), session_id=new_id())
        self.header: dict[str, Any] = {"typ": "at+jwt", "alg": "ES256", "kid": self.key.kid}
        self.claims: dict[str, Any] = {
            "iss": ISSUER,
            "sub": str(self.caller.user_id),
            "aud": AUDIENCE,
            "exp": self.now + 300,
            "iat": self.now,
            "jti": "c2ZkZ2hqa2xxd2VydHl1aQ",
            "client_id": "first-party",
            "sid": str(self.caller.session_id),
            "auth_time": self.now,
            "amr": ["pwd"],
        }

    def token(
        self, header: Mapping[str, Any] | None = None, claims: Mapping[str, Any] | None = None, sign: Sign | None = None
    ) -> str:
        return self.raw(as_json(self._with(self.header, header)), as_json(self._with(self.claims, claims)), sign)

    def raw(self, header: bytes | None = None, payload: bytes | None = None, sign: Sign | None = None) -> str:
        """Of the bytes as they are."""
        header, payload = header or as_json(self.header), payload or as_json(self.claims)
        return self.segments(b64(header), b64(payload), sign)

    def segments(self, header: str, payload: str, sign: Sign | None = None) -> str:
        """Of segments that are encoded already, however badly; they are signed as they stand."""
        message = f"{header}.{payload}"
        return f"{message}.{b64((sign or self.sign)(message.encode()))}"

    @staticmethod
    def _with(members: Mapping[str, Any], changes: Mapping[str, Any] | None) -> dict[str, Any]:
        merged = {**members, **(changes or {})}
        return {name: value for name, value in merged.items() if value is not ...}
