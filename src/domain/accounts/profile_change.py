"""What a user changes about themselves, and how often a username may change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from domain.accounts.identifiers import Username
from domain.accounts.user import User
from domain.errors import InvalidValue

MAX_USERNAME_CHANGES = 3
USERNAME_CHANGES_PERIOD = timedelta(days=30)
"""So that others can rely on who is who, and nobody gathers names by taking one after the other: each stays theirs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """New values as they are kept; what is not named stays as it is (RFC 7396)."""

    username: Username | None = None
    profile: Mapping[str, str | None] = field(default_factory=dict)
    """By the names of :class:`~domain.accounts.profile.Profile`; ``None`` clears."""

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of what is given, sorted."""
        return tuple(sorted([*self.profile, *(["username"] if self.username else [])]))

    def of(self, user: User, now: datetime) -> User:
        """The user after the change."""
        profile = replace(user.profile, **self.profile)
        return replace(user, username=self.username or user.username, profile=profile, updated_at=now)


def recent_username_changes(changes: Sequence[datetime], now: datetime) -> list[datetime]:
    """Those that still count, the newest last. Another spelling of the same name was never one of them."""
    return sorted(change for change in changes if change > now - USERNAME_CHANGES_PERIOD)


def next_username_change(changes: Sequence[datetime], now: datetime) -> datetime | None:
    """When the username can change again; ``None`` for now."""
    recent = recent_username_changes(changes, now)
    return None if len(recent) < MAX_USERNAME_CHANGES else recent[-MAX_USERNAME_CHANGES] + USERNAME_CHANGES_PERIOD


def username_changed_too_often(until: datetime | None = None) -> InvalidValue:
    """The refusal of one change too many, which says until when, in a whole second that is not too early."""
    rule = f"A username changes at most {MAX_USERNAME_CHANGES} times in {USERNAME_CHANGES_PERIOD.days} days"
    when = f"; this one can change again at {until + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}" if until else ""
    return InvalidValue("username_changed_too_often", f"{rule}{when}.")
