"""The account of a person."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile


class UserStatus(StrEnum):
    """Whether the account may be used."""

    ACTIVE = "active"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person's account. Credentials are rows of their own and never part of it."""

    id: UUID
    email: EmailAddress
    email_verified: bool
    username: Username
    profile: Profile
    status: UserStatus
    created_at: datetime
    updated_at: datetime

    @classmethod
    def register(
        cls, *, user_id: UUID, email: EmailAddress, username: Username, profile: Profile, now: datetime
    ) -> "User":
        """A new, active account whose address is not proven yet."""
        return cls(
            id=user_id,
            email=email,
            email_verified=False,
            username=username,
            profile=profile,
            status=UserStatus.ACTIVE,
            created_at=now,
            updated_at=now,
        )
