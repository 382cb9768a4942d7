"""Every refusal the product can answer with.

A refusal has a stable ``code`` (the thing a client branches on) and a transport-free ``kind``; an interface turns
the kind into its own terms, HTTP by the one table in ``interfaces.http.problems``.

    DomainError
    ├── InvalidValue                        one value, refused by its own rules
    ├── InvalidInput                        all refused values of one request
    ├── TooManyAttempts                     a limit is used up
    ├── ServiceUnavailable                  cannot be answered now
    │   └── Overloaded                      more password checks than the machine can do
    ├── accounts.errors
    │   ├── IdentifierTaken
    │   │   ├── EmailTaken
    │   │   └── UsernameTaken
    │   ├── SignupClosed
    │   ├── UserNotFound
    │   ├── StatusUnchanged
    │   ├── SelfDeletionOff
    │   ├── RequestInProgress
    │   ├── IdempotencyKeyReused
    │   └── RegisteredAccountDeleted
    ├── audit.errors
    │   └── AuditLogAltered
    ├── credentials.errors
    │   └── WrongPassword
    ├── photos.errors
    │   └── PhotoNotFound
    └── sessions.errors
        ├── InvalidCredentials
        ├── AdditionalAuthenticationRequired
        ├── EmailNotVerified
        ├── AuthenticationRequired
        ├── InvalidAccessToken
        ├── InvalidRefreshToken
        └── SessionNotFound
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import ClassVar, TypeVar, cast

T = TypeVar("T")
S = TypeVar("S")


class ErrorKind(Enum):
    """What a refusal means, in no protocol's terms."""

    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    UNACCEPTABLE = "unacceptable"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Violation:
    """One refused field: its name (a path with ``/`` for nested input), a stable code and a sentence."""

    field: str
    code: str
    detail: str


class DomainError(Exception):
    """A refusal; concrete classes set ``code``, ``kind`` and ``title``.

    ``retry_after`` is in whole seconds, for refusals that pass with time.
    """

    code: ClassVar[str]
    kind: ClassVar[ErrorKind]
    title: ClassVar[str]

    def __init__(
        self, detail: str | None = None, *, violations: Sequence[Violation] = (), retry_after: int | None = None
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.violations = tuple(violations)
        self.retry_after = retry_after


class InvalidValue(DomainError):
    """One value refused by its own rules; ``reason`` becomes the violation's code."""

    code = "invalid_value"
    kind = ErrorKind.UNACCEPTABLE
    title = "The value is not acceptable."

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


class InvalidInput(DomainError):
    """The request is well-formed, but fields of it are not acceptable; ``violations`` lists all of them."""

    code = "invalid_input"
    kind = ErrorKind.UNACCEPTABLE
    title = "The request has fields that are not acceptable."


class TooManyAttempts(DomainError):
    """A limit is used up; ``retry_after`` says when the next attempt is admitted (L03, D06)."""

    code = "too_many_attempts"
    kind = ErrorKind.LIMITED
    title = "Too many attempts."


class ServiceUnavailable(DomainError):
    """A part the answer depends on is away: refuse rather than guess (X07)."""

    code = "service_unavailable"
    kind = ErrorKind.UNAVAILABLE
    title = "The service cannot answer at the moment."


class Overloaded(ServiceUnavailable):
    """More work is waiting than can be done in time (D01)."""

    code = "overloaded"
    title = "The service is overloaded."


class FieldCheck:
    """Collects the violations of one request, so that a person sees all of them at once, not the first only."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []

    def required(self, field: str, parse: Callable[[S], T], given: S) -> T:
        """Parse one field. After a refusal the result is a placeholder: use it only behind :meth:`raise_if_any`."""
        try:
            return parse(given)
        except InvalidValue as refusal:
            self.violations.append(Violation(field, refusal.reason, refusal.detail))
            return cast(T, None)

    def optional(self, field: str, parse: Callable[[S], T], given: S | None) -> T | None:
        """The same for a field that may be absent."""
        return None if given is None else self.required(field, parse, given)

    def raise_if_any(self) -> None:
        """Raise :class:`InvalidInput` when anything was refused."""
        if self.violations:
            raise InvalidInput(violations=self.violations)
