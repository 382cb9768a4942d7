"""What the recovery use cases need of the world."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from application.origin import Origin
from application.sessions.ports import Caller
from domain.accounts.identifiers import EmailAddress
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.recovery.email_change import EmailChange, FormerEmail
from domain.recovery.one_time_token import TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class OneTimeToken:
    """A token as it is kept: what it is for, and its digest, from which nobody can make the token."""

    purpose: TokenPurpose
    digest: bytes


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class NewOneTimeToken:
    """A token to be handed out; ``text`` is kept nowhere."""

    text: str
    token: OneTimeToken


class OneTimeTokenCodec(Protocol):
    """Makes and reads one-time tokens. Needs no database."""

    def new(self, purpose: TokenPurpose) -> NewOneTimeToken:
        """A token that nobody has had and nobody can guess: 256 bits of chance."""
        ...

    def parse(self, text: str) -> OneTimeToken:
        """Read strictly. Raises InvalidValue ``invalid_token`` for what cannot be one of ours."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeemable:
    """The account that a token opens, and the password it has."""

    user: User
    credential: PasswordCredential
    email: EmailAddress
    """The address that the token was made for: another than the account's if it is to have it, or had it before."""
    email_change: EmailChange | None = None
    """Of a token for a new address."""


class OneTimeTokenRepository(Protocol):
    """The tokens that are out, one statement a question."""

    async def redeemable(self, token: OneTimeToken) -> Redeemable | None:
        """What the token opens; it is not spent by that.

        ``None`` for one that is unknown, spent or expired, for an account that is disabled, and after the account
        got another address than the one the token was made for (P11). One for a new address is bound to the change
        that waits for it; one that freezes, to an address that the account has, or had lately.
        """
        ...


class OneTimeTokenWriter(Protocol):
    """Writes one-time tokens, in a unit of work."""

    def issue(self, token: OneTimeToken, user_id: UUID, lifetime: timedelta, *, to: EmailAddress | None = None) -> None:
        """Make it good for that user and the address that it is mailed ``to``: the one they have now by default.

        Whether it opens anything is told by the address when it is used. The commit raises UserNotFound.
        """
        ...

    def renew(self, token: OneTimeToken, lifetime: timedelta) -> None:
        """Give one that is good its time anew.

        The commit raises InvalidInput, ``invalid_token`` at ``token``, for one that is spent, revoked or expired.
        """
        ...

    def spend(self, token: OneTimeToken) -> None:
        """Use it up, and with it all others of its user and purpose; of any number at once one succeeds (P05).

        One that freezes leaves those for addresses that the account had before: whoever took it over and changed its
        address again is told of that, too, and must not take the way out from whoever had it first.

        The commit raises InvalidInput, ``invalid_token`` at ``token``, when it is not redeemable any more. Those that
        race are to be told apart by a lock: use it beside ``SessionWriter.end_all_of``.
        """
        ...

    def revoke_all_of(self, user_id: UUID, purposes: Collection[TokenPurpose]) -> None:
        """The user's tokens of those purposes are good for nothing any more."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryRequest:
    """A request for mail that the limits admit: the account of the address, if there is one."""

    user_id: UUID | None
    identifier_digest: str
    """Keyed digest of the address, in hexadecimal: recognisable, not readable."""


class RecoveryRequests(Protocol):
    """The door of whatever sends mail to an address that anybody may name."""

    async def open(self, email: EmailAddress, origin: Origin) -> RecoveryRequest:
        """Count the request against its limits and look for the account, in one round trip.

        An address that nobody has is counted like one that somebody has. Raises TooManyAttempts.
        """
        ...


class EmailChanges(Protocol):
    """Changes of address as they stand, one statement a question."""

    async def pending(self, user_id: UUID) -> EmailChange | None:
        """The change that waits for the new address to be proven."""
        ...

    async def former(self, change_id: UUID) -> FormerEmail | None:
        """The proven address that the change replaced, while it can be undone."""
        ...


class EmailChangeWriter(Protocol):
    """Writes changes of address, in a unit of work."""

    def request(self, caller: Caller, change: EmailChange) -> None:
        """Have it wait, in the place of one that waits. The commit raises InvalidAccessToken unless they are live."""
        ...

    def drop_of(self, user_id: UUID) -> None:
        """Nothing waits any more."""
        ...

    def apply(self, user_id: UUID, change: EmailChange) -> None:
        """The account has the new address, proven; the old one is kept if it was proven, too.

        The commit raises EmailTaken when another account has it, InvalidInput ``invalid_token`` at ``token`` when
        the change does not wait any more. It is told apart from whatever else happens to the account by a lock, which
        takes two round trips more than other writes.
        """
        ...

    def undo(self, user_id: UUID, email: EmailAddress) -> None:
        """The account has the address back that it had, proven, and nothing is known of those that it had since.

        So whoever had it first has the last word. Nothing happens to one that never was replaced. The commit raises
        EmailTaken when another account has it. Use it beside ``SessionWriter.end_all_of``, which locks.
        """
        ...

    def require_unproven(self, user_id: UUID) -> None:
        """The commit raises EmailTaken unless there is that account, and its address is unproven."""
        ...
