"""Tell the owner of an account what happened to it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import ClassVar

from application.accounts.ports import UserDirectory
from application.mail.send_mail import SendMail
from application.notices.ports import DeviceHistory, Sighting
from domain.accounts.user import User
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind, language_of
from domain.mail.times import time_in_words

KINDS: Mapping[str, MailKind] = {
    "session.started": MailKind.NEW_DEVICE,
    "password.changed": MailKind.PASSWORD_CHANGED,
    "password.reset": MailKind.PASSWORD_CHANGED,
    "session.ended/refresh_token_reused": MailKind.REFRESH_TOKEN_REUSED,
    "user.disabled": MailKind.ACCOUNT_DISABLED,
    "log_in.limited": MailKind.FAILED_ATTEMPTS,
}
"""What each topic is told as."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSecurityNotice:
    """The subscriber that mails notices (P03, L14), to proven addresses alone.

    An address that nobody has proven may be a stranger's, whom an account they do not have is none of their business
    (S16). A change of the address itself is told by another mail, and whatever is switched off here.
    """

    name: ClassVar[str] = "security_notice"
    topics: ClassVar[frozenset[str]] = frozenset(KINDS)

    users: UserDirectory
    devices: DeviceHistory
    send_mail: SendMail
    wanted: Collection[MailKind]
    """The kinds that are switched on."""

    async def __call__(self, event: RecordedEvent) -> str | None:
        """See Subscriber. Raises ServiceUnavailable."""
        kind = next(KINDS[topic] for topic in reversed(event.topics) if topic in KINDS)
        if kind not in self.wanted or event.user_id is None or _is_expected(event):
            return None
        user = await self.users.find(event.user_id)
        if user is None or not user.email_verified:
            return None
        seen = await self.devices.sighting(event.session_id) if event.session_id else None
        if kind is MailKind.NEW_DEVICE and not (seen and seen.is_news):
            return None
        return await self.send_mail(kind, event, user.email, user.profile.locale, _values(event, user, seen))


def _is_expected(event: RecordedEvent) -> bool:
    """Whether it is a session that took the place of another, by whoever was in that one."""
    return event.type == "session.started" and "reason" in event.data


def _values(event: RecordedEvent, user: User, seen: Sighting | None) -> Mapping[str, str]:
    profile = user.profile
    return {
        "username": user.username.original,
        "time": time_in_words(event.occurred_at, profile.zoneinfo, language_of(profile.locale)),
        "device": (seen.device if seen else None) or "",
        "ip_address": (seen.ip_address if seen else None) or "",
    }
