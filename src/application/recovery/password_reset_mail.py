"""Mail a link to set a new password."""

from dataclasses import dataclass
from typing import ClassVar

from application.accounts.ports import UserDirectory
from application.mail.send_mail import SendMail
from application.recovery.issue_token import IssueToken
from application.recovery.start_password_reset import RESET_PATH
from domain.accounts.errors import UserNotFound
from domain.accounts.user import UserStatus
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import PASSWORD_RESET_LIFETIME, TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class PasswordResetMail:
    """Mails the link to set a new password to the account's address, and to nobody if there is no account."""

    name: ClassVar[str] = "password_reset_mail"
    topics: ClassVar[frozenset[str]] = frozenset({"password_reset.requested"})

    users: UserDirectory
    issue: IssueToken
    send_mail: SendMail
    public_url: str
    """The only source of the link's host (P06)."""

    async def __call__(self, event: RecordedEvent) -> str | None:
        """See Subscriber. Raises ServiceUnavailable."""
        user = await self.users.find(event.user_id) if event.user_id else None
        if user is None or user.status is not UserStatus.ACTIVE:
            return None
        try:
            token = await self.issue(event, TokenPurpose.PASSWORD_RESET, user, PASSWORD_RESET_LIFETIME)
        except UserNotFound:
            return None
        values = {
            "username": user.username.original,
            "minutes": str(int(PASSWORD_RESET_LIFETIME.total_seconds() // 60)),
            "link": f"{self.public_url}{RESET_PATH}?token={token}",
        }
        refusal = await self.send_mail(MailKind.RESET_PASSWORD, event, user.email, user.profile.locale, values)
        self.issue.settled(event, TokenPurpose.PASSWORD_RESET)
        return refusal
