"""Stand-ins for what hashes, judges, signs and seals: quick, readable, and with a memory of what they were asked."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import count
from uuid import UUID

from application.sessions.ports import AccessToken, NewRefreshToken, PresentedRefreshToken
from domain.accounts.identifiers import EmailAddress, invalid_email
from domain.accounts.user import User
from domain.credentials.password import Password, Weakness
from domain.errors import Overloaded
from domain.sessions.errors import InvalidRefreshToken
from domain.sessions.session import Session

TODAY = "$fake$today$"
OUTDATED = "$fake$outdated$"


def parse_email(text: str) -> EmailAddress:
    local_part, _, domain = text.rpartition("@")
    if not local_part or "." not in domain or not text.isprintable():
        raise invalid_email()
    return EmailAddress.from_parts(text, local_part, domain)


@dataclass
class FakeHasher:
    """``meanwhile`` happens during the next work, which is how a test forces a race."""

    hashed: list[str] = field(default_factory=list)
    verified: list[tuple[str, str | None]] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    overloaded: bool = False

    async def hash(self, password: Password) -> str:
        self.hashed.append(password.text)
        await self._work()
        return TODAY + password.text

    async def verify(self, password: Password, password_hash: str | None) -> bool:
        self.verified.append((password.text, password_hash))
        await self._work()
        return password_hash in {TODAY + password.text, OUTDATED + password.text}

    def is_outdated(self, password_hash: str) -> bool:
        return password_hash.startswith(OUTDATED)

    async def _work(self) -> None:
        if self.overloaded:
            raise Overloaded(retry_after=1)
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()


@dataclass
class FakeEstimator:
    weak: dict[str, Weakness] = field(default_factory=dict)
    own_words: list[Sequence[str]] = field(default_factory=list)

    def weakness(self, password: Password, own_words: Sequence[str]) -> Weakness | None:
        self.own_words.append(own_words)
        return self.weak.get(password.text)


@dataclass
class FakeIssuer:
    issued: list[UUID] = field(default_factory=list)
    """The sessions that tokens were issued for."""

    def issue(self, user: User, session: Session) -> AccessToken:
        self.issued.append(session.id)
        return AccessToken(text=f"access {len(self.issued)} of {user.id} in {session.id}", expires_in=300)


class FakeRefreshTokens:
    """Tokens in clear: session, generation and a secret that is a number. The seal names whom it is for."""

    def __init__(self) -> None:
        self.secrets = count(1)

    def first(self, session_id: UUID) -> NewRefreshToken:
        return self._new(session_id, 0, sealed_for=None)

    def parse(self, text: str) -> PresentedRefreshToken:
        try:
            session_id, generation, secret = text.split("/")
            return PresentedRefreshToken(
                session_id=UUID(session_id), generation=int(generation), secret=bytes.fromhex(secret)
            )
        except ValueError:
            raise InvalidRefreshToken from None

    def digest(self, presented: PresentedRefreshToken) -> bytes:
        return sha256(presented.secret).digest()

    def successor(self, presented: PresentedRefreshToken) -> NewRefreshToken:
        return self._new(presented.session_id, presented.generation + 1, sealed_for=presented.secret)

    def unseal(self, presented: PresentedRefreshToken, sealed: bytes) -> str:
        if sealed[:32] != presented.secret:
            raise InvalidRefreshToken
        return token_text(presented.session_id, presented.generation + 1, sealed[32:])

    def _new(self, session_id: UUID, generation: int, *, sealed_for: bytes | None) -> NewRefreshToken:
        secret = next(self.secrets).to_bytes(32)
        return NewRefreshToken(
            text=token_text(session_id, generation, secret),
            digest=sha256(secret).digest(),
            sealed=None if sealed_for is None else sealed_for + secret,
        )


def token_text(session_id: UUID, generation: int, secret: bytes) -> str:
    return f"{session_id}/{generation}/{secret.hex()}"
