"""Change one's own profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from application.accounts.ports import UsernameHistory
from application.origin import Origin
from application.ports import UnitOfWorkFactory
from application.sessions.ports import Caller, SessionRepository
from domain.accounts.events import profile_changed
from domain.accounts.identifiers import Username
from domain.accounts.profile import ProfileRules
from domain.accounts.profile_change import ProfileChange, username_changed_too_often
from domain.accounts.user import User
from domain.errors import FieldCheck, InvalidInput, InvalidValue, Violation
from domain.sessions.errors import InvalidAccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeProfile:
    """Give fields of the caller's account other values. A username that is given up stays reserved for them."""

    sessions: SessionRepository
    usernames: UsernameHistory
    unit_of_work: UnitOfWorkFactory
    rules: ProfileRules

    async def __call__(
        self, caller: Caller, username: str | None, profile: Mapping[str, str | None], origin: Origin
    ) -> User:
        """The account as it is then. A username of ``None`` stays; of the profile ``None`` clears a field.

        Raises InvalidInput, UsernameTaken, InvalidAccessToken, ServiceUnavailable.
        """
        change = self._parse(username, profile)
        if change.fields:
            await self._write(caller, change, origin)
        # Read anew: others may be changing other fields at this moment.
        live = await self.sessions.live(caller)
        if live is None:
            raise InvalidAccessToken
        return live.user

    def refuse_fields(self, given: Mapping[str, Any]) -> None:
        """Raises InvalidInput for what is wrong with those fields of a change."""
        self._parse(given.get("username"), {name: value for name, value in given.items() if name != "username"})

    async def _write(self, caller: Caller, change: ProfileChange, origin: Origin) -> None:
        work = self.unit_of_work(origin)
        work.sessions.require_live(caller)
        work.accounts.change_profile(caller.user_id, change)
        work.record(profile_changed(caller.user_id, caller.session_id, change.fields))
        try:
            await work.commit()
        except InvalidValue:
            # The one value that only its history can refuse.
            refusal = username_changed_too_often(await self.usernames.next_change(caller.user_id))
            raise InvalidInput(violations=[Violation("username", refusal.reason, refusal.detail)]) from None

    def _parse(self, username: str | None, profile: Mapping[str, str | None]) -> ProfileChange:
        check = FieldCheck()
        change = ProfileChange(
            username=check.optional("username", Username.parse, username), profile=self.rules.judge(profile, check)
        )
        check.raise_if_any()
        return change
