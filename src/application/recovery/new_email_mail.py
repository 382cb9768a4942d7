"""Mail a link by which a new address is proven."""

from dataclasses import dataclass
from typing import ClassVar

from application.accounts.ports import UserDirectory
from application.mail.send_mail import SendMail
from application.recovery.email_verification_mail import REJECTION_PATH, VERIFICATION_PATH
from application.recovery.issue_token import IssueToken
from application.recovery.ports import EmailChanges
from domain.accounts.errors import UserNotFound
from domain.accounts.user import User, UserStatus
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import EMAIL_VERIFICATION_LIFETIME, NEW_EMAIL_LIFETIME, TokenPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEmailMail:
    """Mails whoever has the new address a way to say that it is theirs, and one to say that it is not.

    Whose address is another account's is told so, and gets no link: it cannot be given to this one. Only that mailbox
    learns of it (S10). Where that account never proved the address, it may be a squatter's, and the link ends it (S16).
    """

    name: ClassVar[str] = "new_email_mail"
    topics: ClassVar[frozenset[str]] = frozenset({"email_change.requested"})

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
        change = await self.changes.pending(user.id)
        # Another request may have taken the place of this one: it has an event of its own.
        if change is None or str(change.id) != event.data.get("change_id"):
            return None
        if owner := await self.users.find(change.email):
            return await (self._taken if owner.email_verified else self._unproven)(event, owner)
        try:
            token = await self.issue(event, TokenPurpose.NEW_EMAIL, user, NEW_EMAIL_LIFETIME, to=change.email)
        except UserNotFound:
            return None
        values = {
            "username": user.username.original,
            "hours": str(int(NEW_EMAIL_LIFETIME.total_seconds() // 3600)),
            "link": f"{self.public_url}{VERIFICATION_PATH}?token={token}",
            "second_link": f"{self.public_url}{REJECTION_PATH}?token={token}",
        }
        refusal = await self.send_mail(MailKind.CONFIRM_NEW_EMAIL, event, change.email, user.profile.locale, values)
        self.issue.settled(event, TokenPurpose.NEW_EMAIL)
        return refusal

    async def _taken(self, event: RecordedEvent, owner: User) -> str | None:
        if owner.status is not UserStatus.ACTIVE:
            return None
        values = {"username": owner.username.original}
        return await self.send_mail(MailKind.NEW_EMAIL_TAKEN, event, owner.email, owner.profile.locale, values)

    async def _unproven(self, event: RecordedEvent, occupant: User) -> str | None:
        """The change can be asked for again once that account is gone."""
        if occupant.status is not UserStatus.ACTIVE:
            return None
        try:
            token = await self.issue(event, TokenPurpose.EMAIL_VERIFICATION, occupant, EMAIL_VERIFICATION_LIFETIME)
        except UserNotFound:
            return None
        values = {
            "username": occupant.username.original,
            "hours": str(int(EMAIL_VERIFICATION_LIFETIME.total_seconds() // 3600)),
            "link": f"{self.public_url}{REJECTION_PATH}?token={token}",
        }
        locale = occupant.profile.locale
        refusal = await self.send_mail(MailKind.NEW_EMAIL_UNPROVEN, event, occupant.email, locale, values)
        self.issue.settled(event, TokenPurpose.EMAIL_VERIFICATION)
        return refusal
