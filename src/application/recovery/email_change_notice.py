"""Tell the old address that another is to take, or has taken, its place."""

from dataclasses import dataclass
from typing import ClassVar
from uuid import UUID

from application.accounts.ports import UserDirectory
from application.mail.send_mail import SendMail
from application.recovery.issue_token import IssueToken
from application.recovery.ports import EmailChanges
from domain.accounts.errors import UserNotFound
from domain.accounts.identifiers import EmailAddress
from domain.accounts.user import User, UserStatus
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import ACCOUNT_FREEZE_LIFETIME, TokenPurpose

FREEZE_PATH = "/account-freeze"
"""Of the page that takes a token to freeze with, below the public URL."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChangeNotice:
    """Mails whoever has the old, proven address what is about to happen, what has happened, and a way to stop it.

    An address that was never proven may be anybody's, who has no say in the account.
    """

    name: ClassVar[str] = "email_change_notice"
    topics: ClassVar[frozenset[str]] = frozenset({"email_change.requested", "email.changed"})

    users: UserDirectory
    changes: EmailChanges
    issue: IssueToken
    send_mail: SendMail
    public_url: str
    """The only source of the link's host (P06)."""

    async def __call__(self, event: RecordedEvent) -> str | None:
        """See Subscriber. Raises ServiceUnavailable."""
        user = await self.users.find(event.user_id) if event.user_id else None
        if user is None or user.status is not UserStatus.ACTIVE:
            return None
        if event.type == "email.changed":
            return await self._tell_of_what_happened(user, event)
        change = await self.changes.pending(user.id)
        # One that has happened by now, or been replaced by another, has an event of its own.
        if change is None or str(change.id) != event.data.get("change_id") or not user.email_verified:
            return None
        return await self._tell(MailKind.EMAIL_CHANGE_REQUESTED, event, user, to=user.email, new=change.email)

    async def _tell_of_what_happened(self, user: User, event: RecordedEvent) -> str | None:
        former = await self.changes.former(UUID(event.data["change_id"]))
        if former is None:
            return None
        return await self._tell(MailKind.EMAIL_CHANGED, event, user, to=former.email, new=user.email)

    async def _tell(
        self, kind: MailKind, event: RecordedEvent, user: User, *, to: EmailAddress, new: EmailAddress
    ) -> str | None:
        try:
            token = await self.issue(event, TokenPurpose.ACCOUNT_FREEZE, user, ACCOUNT_FREEZE_LIFETIME, to=to)
        except UserNotFound:
            return None
        values = {
            "username": user.username.original,
            "new_email": new.original,
            "hours": str(int(ACCOUNT_FREEZE_LIFETIME.total_seconds() // 3600)),
            "link": f"{self.public_url}{FREEZE_PATH}?token={token}",
        }
        refusal = await self.send_mail(kind, event, to, user.profile.locale, values)
        self.issue.settled(event, TokenPurpose.ACCOUNT_FREEZE)
        return refusal
