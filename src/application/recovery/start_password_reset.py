"""Let a user back in, as their operator."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.recovery.ports import OneTimeTokenCodec
from domain.recovery.events import password_reset_started
from domain.recovery.one_time_token import PASSWORD_RESET_LIFETIME, TokenPurpose

RESET_PATH = "/password-reset"
"""Of the page that takes the new password, below the public URL."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PasswordResetLink:
    """Where the user sets a new password, once, within ``lifetime``. Whoever has it can: hand it over with care."""

    url: str
    lifetime: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class StartPasswordReset:
    """Make a link for the user. The operator never learns a password, and nothing changes before it is used (P12)."""

    codec: OneTimeTokenCodec
    unit_of_work: UnitOfWorkFactory
    public_url: str
    """The only source of the link's host (P06)."""

    async def __call__(self, user_id: UUID, origin: Origin) -> PasswordResetLink:
        """A link in the place of any that was made before. Raises UserNotFound, ServiceUnavailable."""
        purpose = TokenPurpose.OPERATOR_PASSWORD_RESET
        new = self.codec.new(purpose)
        work = self.unit_of_work(origin)
        work.one_time_tokens.revoke_all_of(user_id, {purpose})
        work.one_time_tokens.issue(new.token, user_id, PASSWORD_RESET_LIFETIME)
        work.record(password_reset_started(user_id))
        await work.commit()
        return PasswordResetLink(
            url=f"{self.public_url}{RESET_PATH}?token={new.text}", lifetime=PASSWORD_RESET_LIFETIME
        )
