"""A step of signing in: the address is confirmed, where the operator wants it so."""

from dataclasses import dataclass

from application.sessions.log_in import LogInProgress
from application.sessions.require_verified_email import RequireVerifiedEmail


@dataclass(frozen=True, slots=True)
class VerifiedEmail:
    """The step that turns away whose address is unproven, where the operator wants it so."""

    require_verified_email: RequireVerifiedEmail

    async def __call__(self, progress: LogInProgress) -> None:
        """Raises EmailNotVerified. It stands behind the one that establishes who it is."""
        if progress.authenticated is not None:
            user, _ = progress.authenticated
            await self.require_verified_email(user, progress.attempt, progress.origin)
