"""Sign in.

A list of steps that ends in a session or in the step that is still required. A second factor is one more step.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from application.accounts.ports import EmailAddressParser
from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import LogInAttempt, LogInAttempts
from application.sessions.signed_in import SignedIn
from application.sessions.start_session import Authenticated, StartSession
from domain.accounts.identifiers import Identifier, Username
from domain.accounts.user import User, UserStatus
from domain.credentials.password import Password, PasswordCredential
from domain.errors import FieldCheck, InvalidValue, Overloaded
from domain.sessions.errors import InvalidCredentials
from domain.sessions.events import log_in_failed


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LogInRequest:
    """What a person signs in with, as typed; ``remember`` asks for the longer lifetimes."""

    identifier: str
    password: str
    remember: bool = False


@dataclass(slots=True, kw_only=True, repr=False)
class LogInProgress:
    """How far a sign-in has come; each step adds what it established."""

    request: LogInRequest
    password: Password
    origin: Origin
    attempt: LogInAttempt
    authenticated: tuple[User, PasswordCredential] | None = None
    """Who it is, and the credential that proved it."""
    methods: list[str] = field(default_factory=list)
    """RFC 8176 ``amr`` values."""


@dataclass(frozen=True, slots=True)
class StepRequired:
    """The sign-in waits for another authenticator; nothing has been opened yet (L16)."""

    step: str


class LogInStep(Protocol):
    """One thing to be established before there is a session."""

    async def __call__(self, progress: LogInProgress) -> StepRequired | None:
        """``None`` to go on. Raises to refuse, after it has committed what the refusal writes."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyPassword:
    """The step that establishes who it is by their password."""

    hasher: PasswordHasher
    unit_of_work: UnitOfWorkFactory

    async def __call__(self, progress: LogInProgress) -> None:
        """Raises InvalidCredentials, alike and after equal work for whatever was wrong (L01, L02); Overloaded."""
        user, credential = progress.attempt.user, progress.attempt.credential
        matches = await self._matches(progress, credential)
        if not matches or user is None or credential is None or user.status is not UserStatus.ACTIVE:
            work = self.unit_of_work(progress.origin)
            work.record(log_in_failed(user.id if user else None, progress.attempt.identifier_digest))
            await work.commit()
            raise InvalidCredentials
        progress.authenticated = (user, credential)
        progress.methods.append("pwd")

    async def _matches(self, progress: LogInProgress, credential: PasswordCredential | None) -> bool:
        try:
            return await self.hasher.verify(
                progress.password,
                credential.password_hash if credential else None,
                stand_in_for=progress.attempt.identifier_digest,
            )
        except Overloaded:
            # Nobody looked at the password, so it was no guess: a storm must not use up honest people's attempts.
            work = self.unit_of_work(progress.origin)
            work.attempts.forgive(progress.attempt)
            await work.commit()
            raise


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIn:
    """Open a session for whoever passes all the steps."""

    attempts: LogInAttempts
    hasher: PasswordHasher
    parse_email: EmailAddressParser
    steps: Sequence[LogInStep]
    start_session: StartSession

    async def __call__(self, request: LogInRequest, origin: Origin) -> SignedIn | StepRequired:
        """Raises InvalidInput, InvalidCredentials, EmailNotVerified, TooManyAttempts, ServiceUnavailable."""
        check = FieldCheck()
        password = check.required("password", Password.given, request.password)
        check.raise_if_any()
        # Before anything is looked up or counted: what cannot be done in time is to cost next to nothing (D01).
        with self.hasher.place():
            return await self._go_through_steps(request, password, origin)

    async def _go_through_steps(
        self, request: LogInRequest, password: Password, origin: Origin
    ) -> SignedIn | StepRequired:
        attempt = await self.attempts.open(self._identifier(request.identifier), request.identifier, origin)
        progress = LogInProgress(request=request, password=password, origin=origin, attempt=attempt)
        for step in self.steps:
            if required := await step(progress):
                return required
        if progress.authenticated is None:
            raise InvalidCredentials
        user, credential = progress.authenticated
        return await self.start_session(
            Authenticated(
                attempt=attempt,
                user=user,
                credential=credential,
                password=password,
                methods=progress.methods,
                remember=request.remember,
                origin=origin,
            )
        )

    def _identifier(self, typed: str) -> Identifier | None:
        try:
            return self.parse_email(typed) if "@" in typed else Username.parse(typed)
        except InvalidValue:
            return None
