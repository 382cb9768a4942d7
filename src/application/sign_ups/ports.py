"""What sign-ups that wait need of the world."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from application.accounts.ports import KeyClaim
from application.origin import Origin
from application.recovery.ports import OneTimeToken
from domain.accounts.pending_sign_up import PendingSignUp
from domain.accounts.user import User
from domain.credentials.password import PasswordCredential
from domain.limits import Allowance


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignUpToMail:
    """A sign-up that waits, and the account that has its address, if there is one."""

    sign_up: PendingSignUp
    owner: User | None


class SignUps(Protocol):
    """The sign-ups that wait, one statement a question. Those that have expired are none."""

    async def find(self, sign_up_id: UUID) -> SignUpToMail | None:
        """The sign-up of that id."""
        ...

    async def waiting(self, token: OneTimeToken) -> PendingSignUp | None:
        """What the token was mailed for, whoever has its address."""
        ...

    async def redeemable(self, token: OneTimeToken) -> PendingSignUp | None:
        """What the token confirms; ``None`` also once the address is an account's. It is not spent by that."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmationAttempt:
    """An attempt at the password of a sign-up, which the limits admit."""

    now: datetime
    identifier_digest: str
    """Keyed digest of the address, in hexadecimal: recognisable, not readable."""
    allowances: tuple[Allowance, ...]
    """The counters that this attempt was counted on, to be given back when it succeeds."""


class SignUpConfirmations(Protocol):
    """The door of confirming a sign-up."""

    async def open(self, sign_up: PendingSignUp, origin: Origin) -> ConfirmationAttempt:
        """Count the attempt on that sign-up and on nothing else, in one round trip.

        Only whoever has its link can try its password. What strangers do at sign-in with its address must not keep
        them out, who have no account yet by which to get in otherwise (L06). Raises TooManyAttempts.
        """
        ...


class SignUpWriter(Protocol):
    """Writes sign-ups that wait, in a unit of work."""

    def add(self, sign_up: PendingSignUp, claim: KeyClaim | None = None) -> None:
        """Another one, whoever has its address, and however many wait with the same. Its username is reserved.

        The commit raises UsernameTaken, and RequestInProgress when the claim is another attempt's by now.
        """
        ...

    def issue(self, token: OneTimeToken, sign_up_id: UUID, lifetime: timedelta) -> None:
        """Have the token confirm that sign-up, for so long, as do those issued before; the same again is one.

        The commit raises UserNotFound when it waits no longer.
        """
        ...

    def complete(self, token: OneTimeToken, user: User, credential: PasswordCredential) -> None:
        """The sign-up becomes that account; its username and its photo become the account's.

        The commit raises InvalidInput, ``invalid_token`` at ``token``, when it waits no longer or another one was
        faster: of any number at once, of one sign-up or of several with one address, one succeeds.
        """
        ...

    def drop(self, token: OneTimeToken) -> None:
        """The sign-up is off, its username free again and its photo nobody's.

        The commit raises InvalidInput, ``invalid_token`` at ``token``, when it waits no longer.
        """
        ...
