"""What the account use cases need of the world."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.origin import Origin
from domain.accounts.errors import IdentifierTaken
from domain.accounts.identifiers import EmailAddress, Identifier, Username
from domain.accounts.profile_change import ProfileChange
from domain.accounts.user import User, UserStatus
from domain.credentials.password import PasswordCredential

UserReference = UUID | Identifier
"""What an operator names an account by."""


class EmailAddressParser(Protocol):
    """Judges the syntax of an address and gives its canonical form; sends nothing and asks nobody."""

    def __call__(self, text: str) -> EmailAddress:
        """Raises InvalidValue ``invalid_email``."""
        ...


class PhoneNumberParser(Protocol):
    """Judges telephone numbers by the numbering plans; asks no network whether one is in use."""

    def __call__(self, text: str) -> str:
        """The number in E.164, at most 15 digits behind its ``+``. Raises InvalidValue ``invalid_phone_number``."""
        ...


class LocaleParser(Protocol):
    """Judges language tags (RFC 5646) by the registry of subtags."""

    def __call__(self, text: str) -> str:
        """The tag in its canonical form. Raises InvalidValue ``invalid_locale``."""
        ...


IDEMPOTENCY_KEY_KEPT = timedelta(hours=24)
"""How long a repeat of a sign-up is answered as the first one was."""
IDEMPOTENCY_KEY_LEASE = timedelta(seconds=60)
"""How long an attempt may take before a repeat takes its place: it was killed. Many times what any sign-up takes."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class KeyedRequest:
    """A sign-up that may be sent again: the client's key, and all that was given in one unambiguous form."""

    key: str
    content: str
    attempt: UUID
    """Which of several with the same key this one is."""


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """The right of one attempt to do what the key is for."""

    digest: bytes
    attempt: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenRegistration:
    """A sign-up that the limits admit, and what stands in its way so far."""

    now: datetime
    taken: IdentifierTaken | None
    claim: KeyClaim | None = None
    """Of a sign-up with a key: add the account by it, or withdraw it."""
    done_as: UUID | None = None
    """The account that the same sign-up with the same key made: there is nothing left to do."""


class Registrations(Protocol):
    """The door of sign-up."""

    async def open(
        self,
        email: EmailAddress,
        username: Username,
        origin: Origin,
        keyed: KeyedRequest | None = None,
        *,
        whoever_has_the_email: bool = False,
    ) -> OpenRegistration:
        """Count the attempt against its limits, claim its key, see whether the identifiers are free: one round trip.

        An ``origin`` without an address is not limited by source. ``whoever_has_the_email`` is for sign-ups that are
        not to tell whether somebody has it: an address that is taken stands in no way then. What is refused claims
        nothing, and a repeat of the same content under the same key is held to the limits and not counted. Raises
        TooManyAttempts (S14), RequestInProgress, IdempotencyKeyReused.
        """
        ...

    async def by_id(self, user_id: UUID) -> User | None:
        """The account that a sign-up made, as it is now, if it still is."""
        ...

    async def taken(self, email: EmailAddress, username: Username) -> IdentifierTaken | None:
        """Which of the identifiers belong to an account; counts nothing."""
        ...


class SignupTurns(Protocol):
    """One sign-up at a time for an identifier, as far as one process can see: more would hash for nothing (D01)."""

    def take(self, email: EmailAddress, username: Username) -> AbstractAsyncContextManager[bool]:
        """Wait for the sign-ups under way that name either of them; later ones wait until the context is left.

        ``True`` for whoever had to wait: what was free may be taken by now. Raises Overloaded when too many wait
        already, or the wait takes too long.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class UserQuery:
    """Which accounts an operator looks for; ``None`` asks nothing."""

    text: str | None = None
    """Part of the e-mail address, the username, the display name, or given and family name together, in any case.

    Printable characters only.
    """
    status: UserStatus | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserScan:
    """The accounts found in one stretch, newest first; ``next`` is where to go on, ``None`` when all were seen."""

    users: Sequence[User]
    next: UUID | None


class UserDirectory(Protocol):
    """All accounts, for operators."""

    async def find(self, reference: UserReference) -> User | None:
        """The account with that id, address or username, whatever its status."""
        ...

    async def scan(self, query: UserQuery, *, after: UUID | None, limit: int) -> UserScan:
        """Look at a bounded number of accounts that are older than ``after``, for up to ``limit`` that match.

        Bounded, so that looking through a million takes many short statements and not one that nobody waits for.
        ``users`` may therefore be empty while ``next`` is not ``None``.
        """
        ...


class UsernameHistory(Protocol):
    """When usernames changed."""

    async def next_change(self, user_id: UUID) -> datetime | None:
        """When the user's name can change again; ``None`` for now."""
        ...


class AccountWriter(Protocol):
    """Writes accounts, in a unit of work."""

    def add(self, user: User, credential: PasswordCredential, claim: KeyClaim | None = None) -> None:
        """A new account with its password. The commit raises IdentifierTaken when an identifier is not free (S12).

        A username is not free that anybody else has or ever had. With ``claim``, what was done is remembered under
        its key; when it is another attempt's by now the commit raises RequestInProgress, whatever is taken.
        """
        ...

    def withdraw(self, claim: KeyClaim) -> None:
        """Forget the claim of a sign-up that was refused, so that a corrected one may have the key.

        What was done stays remembered, and another attempt's claim its own.
        """
        ...

    def change_profile(self, user_id: UUID, change: ProfileChange) -> None:
        """Give the named fields of the account their new values, and leave the others to whoever changes them.

        A new username becomes the user's for good, and so does the one they had (domain.accounts.profile_change).
        The commit raises UsernameTaken when somebody else has or ever had it, and InvalidValue
        ``username_changed_too_often``; InvalidAccessToken when the account is gone.
        """
        ...

    def release_username(self, user: User) -> None:
        """Keep the name of a user who is about to be deleted, so that nobody ever has it again."""
        ...

    def prove_email(self, user_id: UUID, *, keep_profile: bool = True) -> None:
        """The user's address is proven to be theirs.

        Without ``keep_profile`` the account keeps its identifiers and nothing else: whoever signed up with somebody
        else's address loses all they brought (S16). The photo's files are PhotoWriter's.
        """
        ...

    def set_status(self, user_id: UUID, status: UserStatus) -> None:
        """Disable or enable; the commit raises StatusUnchanged when there is nothing to change, or no account."""
        ...

    def remove(self, user_id: UUID) -> None:
        """Delete the account, and with it its credentials, sessions and tokens.

        Its events stay and keep nothing personal: no address, no user agent, no digest of what was typed. The commit
        raises UserNotFound.
        """
        ...
