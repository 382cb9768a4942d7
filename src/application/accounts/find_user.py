"""Find one account, as an operator names it."""

import re
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from application.accounts.ports import EmailAddressParser, UserDirectory, UserReference
from domain.accounts.errors import UserNotFound
from domain.accounts.identifiers import Username
from domain.accounts.user import User
from domain.errors import InvalidValue

ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
"""With its hyphens an id is longer than any username, so none is taken for the other."""


@dataclass(frozen=True, slots=True)
class FindUser:
    """The account that has this id, e-mail address or username."""

    directory: UserDirectory
    parse_email: EmailAddressParser

    async def __call__(self, typed: str) -> User:
        """Raises UserNotFound, also for what is no identifier; ServiceUnavailable."""
        reference = self._reference(typed)
        user = await self.directory.find(reference) if reference else None
        if user is None:
            raise UserNotFound
        return user

    def _reference(self, typed: str) -> UserReference | None:
        if ID.fullmatch(typed):
            return UUID(typed)
        with suppress(InvalidValue):
            return self.parse_email(typed) if "@" in typed else Username.parse(typed)
        return None
