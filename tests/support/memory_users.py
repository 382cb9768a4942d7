"""Looking through the accounts of the store in memory."""

from collections.abc import Iterable
from unicodedata import normalize
from uuid import UUID

from application.accounts.ports import UserQuery, UserScan
from domain.accounts.user import User

STRETCH = 3
"""Accounts that one scan looks at: few, so that tests see scans that follow each other."""


def scan(users: Iterable[User], query: UserQuery, after: UUID | None, limit: int) -> UserScan:
    newest_first = sorted(users, key=lambda user: user.id, reverse=True)
    stretch = [user for user in newest_first if after is None or user.id < after][:STRETCH]
    found = [user for user in stretch if _matches(user, query)][:limit]
    edge = stretch[-1].id if len(stretch) == STRETCH else None
    return UserScan(users=found, next=found[-1].id if len(found) == limit else edge)


def _matches(user: User, query: UserQuery) -> bool:
    profile = user.profile
    full_name = " ".join(filter(None, (profile.given_name, profile.family_name)))
    texts = (user.email.original, user.email.canonical, user.username.original, profile.display_name or "", full_name)
    wanted = normalize("NFC", query.text or "").lower()
    return query.status in {None, user.status} and any(wanted in text.lower() for text in texts)
