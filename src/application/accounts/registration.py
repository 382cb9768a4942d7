"""A sign-up: as it was typed, and once its fields are found acceptable."""

import hashlib
import json
from dataclasses import dataclass, fields, replace
from datetime import datetime
from uuid import UUID

from domain.accounts.identifiers import EmailAddress, Username
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.credentials.password import Password


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Registration:
    """What a person signs up with, as typed."""

    email: str
    username: str
    password: str
    given_name: str | None = None
    family_name: str | None = None
    display_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None
    zoneinfo: str | None = None
    photo: bytes | None = None

    @property
    def content(self) -> str:
        """All that was given, in one unambiguous form, however it travelled; what was left out makes no difference."""
        given = {item.name: getattr(self, item.name) for item in fields(self)}
        if self.photo is not None:
            given["photo"] = hashlib.sha256(self.photo).hexdigest()
        return json.dumps({name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Applicant:
    """A registration whose fields are all acceptable."""

    email: EmailAddress
    username: Username
    profile: Profile
    password: Password
    photo: bytes | None

    def user(self, user_id: UUID, now: datetime, photo_id: str | None) -> User:
        """The account to be."""
        user = User.register(user_id=user_id, email=self.email, username=self.username, profile=self.profile, now=now)
        return replace(user, photo_id=photo_id)
