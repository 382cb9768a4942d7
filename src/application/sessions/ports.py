"""What the session use cases need of the world."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from application.origin import Origin
from domain.accounts.identifiers import Identifier
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.limits import Allowance
from domain.sessions.known_device import KnownDevice
from domain.sessions.session import EndReason, Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who a verified access token speaks for. Whether that session still lives only the repository knows."""

    user_id: UUID
    session_id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class LogInAttempt:
    """A sign-in that the limits admit, and the account it is for, if there is one."""

    now: datetime
    identifier_digest: str
    """Keyed digest of what was typed, in hexadecimal: recognisable, not readable."""
    user: User | None
    credential: PasswordCredential | None
    allowances: tuple[Allowance, ...]
    """The counters that this attempt was counted on, to be given back when it succeeds."""
    device_id: UUID | None = None
    """Of the device it comes from, if that is known to the account."""


class CountedAttempt(Protocol):
    """An attempt that was counted before it was looked at."""

    @property
    def allowances(self) -> tuple[Allowance, ...]:
        """The counters that it was counted on, to be given back when it was no guess."""
        ...


class LogInAttempts(Protocol):
    """The door of sign-in."""

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        """Count the attempt against its limits and find the account, in one round trip.

        It is counted before the password is looked at, so that guesses sent at once are no way around (L03), and
        per account however it is named (L08). ``identifier`` is ``None`` for text that is no identifier at all; it
        is treated like that of an unknown user. An ``origin`` without an address is not limited by source; one with
        the token of a device that is known to the account is counted by that device and nothing else (L06).

        Raises TooManyAttempts.
        """
        ...


class AttemptWriter(Protocol):
    """Writes the counters of attempts, in a unit of work."""

    def forgive(self, attempt: CountedAttempt) -> None:
        """Take this one attempt off its counters, for nobody looked at a password."""
        ...

    def prove(self, attempt: CountedAttempt) -> None:
        """The same for one whose password was right; other people's stay counted (L05).

        What the same device, or the same source on the same account, failed at before is not in a row any more with
        what follows: waits grow from the beginning again (NIST 800-63B-4 3.2.2).
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class IssuedDeviceToken:
    """A token to be handed out, and its lifetime in seconds."""

    text: str
    expires_in: int


class DeviceTokens(Protocol):
    """Makes and reads the tokens of devices. Needs no database."""

    def issue(self, device: KnownDevice) -> IssuedDeviceToken:
        """A token that says so."""
        ...

    def read(self, text: str) -> KnownDevice | None:
        """What it says; ``None`` for what we did not make, for a device that is unknown is no error."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class PresentedRefreshToken:
    """A refresh token whose authenticator is right: we made it."""

    session_id: UUID
    generation: int
    secret: bytes

    def __repr__(self) -> str:
        return f"PresentedRefreshToken(session_id={self.session_id}, generation={self.generation})"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewRefreshToken:
    """A refresh token to be handed out.

    ``digest`` is what the database keeps of it (R08). ``sealed`` is its secret, readable only with the secret of
    the token it replaces, so that whoever holds that one can be given the same successor again.
    """

    text: str
    digest: bytes
    sealed: bytes | None


class RefreshTokens(Protocol):
    """Makes and reads refresh tokens. Needs no database, so a guess costs it nothing (R10)."""

    def first(self, session_id: UUID) -> NewRefreshToken:
        """The token a session starts with."""
        ...

    def parse(self, text: str) -> PresentedRefreshToken:
        """Read strictly (R09). Raises InvalidRefreshToken for what we did not make."""
        ...

    def digest(self, presented: PresentedRefreshToken) -> bytes:
        """What the database keeps of the token."""
        ...

    def successor(self, presented: PresentedRefreshToken) -> NewRefreshToken:
        """A token to replace the presented one."""
        ...

    def unseal(self, presented: PresentedRefreshToken, sealed: bytes) -> str:
        """The text of the successor sealed for the presented token. Raises InvalidRefreshToken if it is not for it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSession:
    """A session that neither ended nor expired, of a user who is not disabled; ``now`` is when that was true."""

    user: User
    session: Session
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshedSession:
    """A session after a refresh, with the secret of its current token, sealed for the token before."""

    live: LiveSession
    sealed: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPosition:
    """Where a page of a list of sessions ended: behind the session of that start and id."""

    created_at: datetime
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPage:
    """Some of a user's live sessions, newest first, and where the next page goes on, if there is one."""

    sessions: Sequence[Session]
    next: SessionPosition | None


class DeviceDescriber(Protocol):
    """Reads user agents for people."""

    async def describe(self, user_agent: str | None) -> str | None:
        """Browser and system, as ``Firefox on Windows``; ``None`` when nothing known is told."""
        ...


class SessionRepository(Protocol):
    """Sessions as they stand. Each method is one statement and so its own transaction."""

    async def live(self, caller: Caller) -> LiveSession | None:
        """The caller's session and account, if it is live."""
        ...

    async def live_of(self, user_id: UUID, *, limit: int, after: SessionPosition | None = None) -> SessionPage:
        """The user's live sessions, newest first, at most ``limit`` of them; a user who is not has none."""
        ...

    async def live_beside(
        self, caller: Caller, *, limit: int, after: SessionPosition | None = None
    ) -> SessionPage | None:
        """The same for the caller, their own session included; ``None`` when that is not live any more."""
        ...

    async def refresh(
        self, presented: PresentedRefreshToken, digest: bytes, successor: NewRefreshToken, origin: Origin
    ) -> RefreshedSession | None:
        """Present a token to the session's chain: the rule of :mod:`domain.sessions.refresh_chain`, atomically.

        Any number at once leave one chain. ``None`` for a refusal; when it is for reuse, the session has ended and
        the event is written by the time this returns.
        """
        ...


class SessionWriter(Protocol):
    """Writes sessions, in a unit of work."""

    def require_live(self, caller: Caller) -> None:
        """Nothing of the unit of work is done unless this holds: the commit raises InvalidAccessToken."""
        ...

    def start(
        self, session: Session, token: NewRefreshToken, credential: PasswordCredential, *, at_most: int | None = None
    ) -> None:
        """A new session, opened by that version of that credential.

        With ``at_most`` the user has that many live sessions afterwards and no more, however many sign in at once:
        those used least recently end as superseded, each with its event.

        The commit raises InvalidCredentials when the password has been changed or the account disabled since the
        credential was read: a sign-in that raced with either must not succeed.
        """
        ...

    def end(self, caller: Caller, reason: EndReason) -> None:
        """End the caller's session. The commit raises InvalidAccessToken when it was not live any more."""
        ...

    def end_one_of(self, user_id: UUID, session_id: UUID, reason: EndReason) -> None:
        """End that session of the user. The commit raises SessionNotFound when no live one of theirs has that id."""
        ...

    def end_all_of(self, user_id: UUID, reason: EndReason, *, but: UUID | None = None) -> None:
        """End every live session of the user ``but`` one, and record ``session.ended`` for each.

        Also one that a sign-in or a refresh is about to open or renew: they are before it and end with the others, or
        after it and see what else the unit of work has written (I5). It takes two round trips more than other writes.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class AccessToken:
    """A signed token and its lifetime in seconds."""

    text: str
    expires_in: int


class ClaimsSource(Protocol):
    """What an access token says of its session, beyond who issued it for whom and when."""

    def claims(self, user: User, session: Session) -> Mapping[str, object]:
        """JSON values by claim name; no personal data (K06)."""
        ...


class AccessTokenIssuer(Protocol):
    """Signs access tokens (RFC 9068)."""

    def issue(self, user: User, session: Session) -> AccessToken:
        """A token of its own ``jti``."""
        ...


class AccessTokenVerifier(Protocol):
    """Judges access tokens by themselves, without a look at the session."""

    def verify(self, text: str) -> Caller:
        """Raises InvalidAccessToken (K01 to K05)."""
        ...
