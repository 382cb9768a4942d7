"""Mail a link by which to say that an account is one's own."""

from dataclasses import dataclass
from typing import ClassVar

from application.accounts.ports import UserDirectory
from application.mail.send_mail import SendMail
from application.recovery.issue_token import IssueToken
from domain.accounts.errors import UserNotFound
from domain.accounts.user import UserStatus
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import EMAIL_VERIFICATION_LIFETIME, TokenPurpose

VERIFICATION_PATH = "/email-verification"
REJECTION_PATH = "/email-rejection"
"""Of the pages that take a verification token, below the public URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailVerificationMail:
    """Mails whoever has the address a way to say that the account is theirs, and one to say that it is not."""

    name: ClassVar[str] = "email_verification_mail"
    topics: ClassVar[frozenset[str]] = frozenset({"user.registered", "email_verification.requested"})

    users: UserDirectory
    issue: IssueToken
    send_mail: SendMail
    public_url: str

    async def __call__(self, event: RecordedEvent) -> str | None:
        """See Subscriber. Raises ServiceUnavailable."""
        user = await self.users.find(event.user_id) if event.user_id else None
        if user is None or user.status is not UserStatus.ACTIVE or user.email_verified:
            return None
        try:
            token = await self.issue(event, TokenPurpose.EMAIL_VERIFICATION, user, EMAIL_VERIFICATION_LIFETIME)
        except UserNotFound:
            return None
        values = {
            "username": user.username.original,
            "hours": str(int(EMAIL_VERIFICATION_LIFETIME.total_seconds() // 3600)),
            "link": f"{self.public_url}{VERIFICATION_PATH}?token={token}",
            "second_link": f"{self.public_url}{REJECTION_PATH}?token={token}",
        }
        refusal = await self.send_mail(MailKind.VERIFY_EMAIL, event, user.email, user.profile.locale, values)
        self.issue.settled(event, TokenPurpose.EMAIL_VERIFICATION)
        return refusal
