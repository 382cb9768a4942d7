"""Stand-ins for what hashes, judges, signs and seals: quick, readable, and with a memory of what they were asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from hashlib import sha256
from itertools import count
from typing import ClassVar
from uuid import UUID

from application.mail.ports import Mail, MailText
from application.recovery.ports import NewOneTimeToken, OneTimeToken
from application.sessions.ports import AccessToken, IssuedDeviceToken, NewRefreshToken, PresentedRefreshToken
from domain.accounts.identifiers import EmailAddress, Username, invalid_email
from domain.accounts.profile import ProfileRules, invalid_locale, invalid_phone_number
from domain.accounts.user import User
from domain.credentials.password import Password, Weakness
from domain.errors import Overloaded, ServiceUnavailable
from domain.mail.kinds import VALUES, MailKind
from domain.recovery.one_time_token import TokenPurpose, invalid_token
from domain.sessions.errors import InvalidRefreshToken
from domain.sessions.known_device import KnownDevice
from domain.sessions.session import Session
from infrastructure.mail.message import Sender, message_of
from infrastructure.phone_numbers import MAX_LENGTH

TODAY = "$fake$today$"
OUTDATED = "$fake$outdated$"


def parse_email(text: str) -> EmailAddress:
    local_part, _, domain = text.rpartition("@")
    if not local_part or "." not in domain or not text.isprintable():
        raise invalid_email()
    return EmailAddress.from_parts(text, local_part, domain)


def parse_phone_number(text: str) -> str:
    number = "".join(character for character in text[:MAX_LENGTH] if character not in " -.()")
    if (
        len(text) > MAX_LENGTH
        or not number.startswith("+")
        or not 8 <= len(number) <= 16
        or not number[1:].isdecimal()
        or not text.isascii()
    ):
        raise invalid_phone_number()
    return number


def parse_locale(text: str) -> str:
    language, *region = text.split("-")
    if not text.isascii() or len(language) != 2 or len(region) > 1 or any(len(part) != 2 for part in region):
        raise invalid_locale()
    return "-".join([language.lower(), *(part.upper() for part in region)])


PROFILE_RULES = ProfileRules(
    parse_phone_number=parse_phone_number, parse_locale=parse_locale, time_zones={"Europe/Paris", "UTC"}
)


@dataclass
class FakeHasher:
    """``meanwhile`` happens during the next work, which is how a test forces a race."""

    hashed: list[str] = field(default_factory=list)
    verified: list[tuple[str, str | None]] = field(default_factory=list)
    stood_in_for: list[str] = field(default_factory=list)
    meanwhile: Callable[[], Awaitable[None]] | None = None
    overloaded: bool = False
    is_full: bool = False

    @contextmanager
    def place(self) -> Iterator[None]:
        if self.is_full:
            raise Overloaded
        yield

    async def hash(self, password: Password) -> str:
        self.hashed.append(password.text)
        await self._work()
        return TODAY + password.text

    async def verify(self, password: Password, password_hash: str | None, stand_in_for: str = "") -> bool:
        if password_hash is None:
            self.stood_in_for.append(stand_in_for)
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


class FakeSignupTurns:
    """Whose turn it is by name; everybody else looks again whenever somebody has finished."""

    def __init__(self) -> None:
        self.under_way: set[str] = set()
        self.waiting = 0
        self._finished = asyncio.Condition()

    @asynccontextmanager
    async def take(self, email: EmailAddress, username: Username) -> AsyncIterator[bool]:
        names = {email.canonical, username.canonical}
        async with self._finished:
            waits = bool(names & self.under_way)
            self.waiting += 1
            try:
                async with asyncio.timeout(10):
                    await self._finished.wait_for(lambda: not names & self.under_way)
            finally:
                self.waiting -= 1
            self.under_way |= names
        try:
            yield waits
        finally:
            async with self._finished:
                self.under_way -= names
                self._finished.notify_all()


@dataclass
class FakeEstimator:
    weak: dict[str, Weakness] = field(default_factory=dict)
    own_words: list[Sequence[str]] = field(default_factory=list)

    def weakness(self, password: Password, own_words: Sequence[str]) -> Weakness | None:
        self.own_words.append(own_words)
        return self.weak.get(password.text)


@dataclass
class FakeBreachedPasswords:
    published: set[str] = field(default_factory=set)
    unreadable: bool = False

    def includes(self, password: Password) -> bool:
        if self.unreadable:
            raise ServiceUnavailable
        return password in {Password.given(text) for text in self.published}


class FakeDevices:
    """Knows the few user agents that the tests have."""

    known: ClassVar[Mapping[str, str]] = {
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox on Windows",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5"
        " Mobile/15E148 Safari/604.1": "Safari on iPhone",
        "curl/8.5.0": "curl",
    }

    async def describe(self, user_agent: str | None) -> str | None:
        return self.known.get(user_agent or "")


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


class FakeDeviceTokens:
    """Their text says what they are."""

    def issue(self, device: KnownDevice) -> IssuedDeviceToken:
        said = f"device {device.id} {device.user_id} {device.credential_version} {device.made_at.isoformat()}"
        return IssuedDeviceToken(text=said, expires_in=180 * 24 * 3600)

    def read(self, text: str) -> KnownDevice | None:
        match text.split(" "):
            case ["device", device_id, user_id, version, made_at]:
                return KnownDevice(
                    id=UUID(device_id),
                    user_id=UUID(user_id),
                    credential_version=int(version),
                    made_at=datetime.fromisoformat(made_at),
                )
        return None


class FakeOneTimeTokenCodec:
    """Tokens in clear: the purpose and a number."""

    def __init__(self) -> None:
        self.numbers = count(1)

    def new(self, purpose: TokenPurpose) -> NewOneTimeToken:
        text = f"{purpose}.{next(self.numbers)}"
        return NewOneTimeToken(text=text, token=self.parse(text))

    def parse(self, text: str) -> OneTimeToken:
        purpose, dot, number = text.partition(".")
        if purpose not in set(map(str, TokenPurpose)) or not dot or not number.isdecimal():
            raise invalid_token()
        return OneTimeToken(purpose=TokenPurpose(purpose), digest=sha256(text.encode()).digest())


def token_text(session_id: UUID, generation: int, secret: bytes) -> str:
    return f"{session_id}/{generation}/{secret.hex()}"


@dataclass
class FakeMailer:
    """Keeps what it is given; ``answer`` is what it says to that."""

    sender: Sender
    messages: list[EmailMessage] = field(default_factory=list)
    answer: Callable[[], str | None] = lambda: None

    async def send(self, mail: Mail) -> str | None:
        message = message_of(mail, self.sender, datetime(2030, 1, 1, 12, tzinfo=UTC))
        answer = self.answer()
        if answer is None:
            self.messages.append(message)
        return answer


class FakeMailWriter:
    """Says the kind, and each value on a line of its own; a mail is given those that its text may speak of."""

    def write(self, kind: MailKind, language: str, values: Mapping[str, str]) -> MailText:
        assert values.keys() == VALUES[kind]
        said = "\n".join(f"{name}: {value}" for name, value in values.items())
        return MailText(language=language, subject=kind.value, text=f"{said}\n", html=f"<pre>{said}</pre>")


@dataclass
class MemoryMailAllowance:
    """As much as is left, whoever it is for."""

    left: int = 1000

    async def take(self, to: EmailAddress, kind: MailKind) -> bool:
        self.left -= 1
        return self.left >= 0

    async def give_back(self, to: EmailAddress, kind: MailKind) -> None:
        self.left += 1
