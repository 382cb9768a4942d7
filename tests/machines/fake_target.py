"""The use cases on the store in memory, with its clock."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from itertools import count
from uuid import UUID

from application.accounts.disable_user import DisableUser
from application.accounts.enable_user import EnableUser
from application.accounts.find_user import FindUser
from application.credentials.change_password import PasswordChange
from application.origin import Origin
from application.sessions.ports import Caller
from application.sessions.signed_in import SignedIn
from domain.errors import DomainError
from domain.limits import Rule
from tests.machines.contract_model import Tokens
from tests.machines.operations import (
    Answer,
    ChangePassword,
    Delete,
    Disable,
    Enable,
    End,
    EndAll,
    LogOut,
    Look,
    Operation,
    Refresh,
    SignIn,
)
from tests.support.builders import ADA
from tests.support.fakes import parse_email
from tests.support.memory import MemoryWorld
from tests.support.service import PASSWORD, Service
from tests.support.world import LIMITS

UNLIMITED: Mapping[str, Rule] = {name: Rule(name, 1_000_000, timedelta(seconds=1)) for name in LIMITS}
OPERATOR = Origin(operator="grace")


class FakeTarget:
    """Implements ``Target``."""

    def __init__(self) -> None:
        self.passwords = count(1)

    async def begin(self) -> None:
        self.service = Service(world=MemoryWorld(UNLIMITED))
        self.password = PASSWORD
        self.user_id = (await self.service.sign_up()).id
        find = FindUser(self.service.world.directory, parse_email)
        self.disable = DisableUser(find, self.service.world.unit_of_work)
        self.enable = EnableUser(find, self.service.world.unit_of_work)

    async def wait(self, by: timedelta) -> None:
        await self.service.world.advance(by)

    async def ask_at_once(self, operations: Sequence[Operation]) -> Sequence[Answer]:
        return await asyncio.gather(*(self.ask(operation) for operation in operations))

    def forged(self, token: str, place: int) -> str:
        return token[: place % len(token)] + "?" + token[place % len(token) + 1 :]

    async def ask(self, operation: Operation) -> Answer:
        service = self.service
        match operation:
            case SignIn(remember=remember):
                return await _tokens(service.try_to_sign_in(password=self.password, remember=remember))
            case Refresh(token=token):
                return await _tokens(service.refresh_session(token, ADA))
            case ChangePassword(by=by):
                return await self._change_password(by)
            case Disable():
                return await _granted(self.disable(str(self.user_id), OPERATOR))
            case Enable():
                return await _granted(self.enable(str(self.user_id), OPERATOR))
        return await self._ask_as_caller(operation)

    async def _ask_as_caller(self, operation: Operation) -> bool:
        service = self.service
        match operation:
            case Look(session=session_id):
                return await _granted(service.view_session(self._caller(session_id)))
            case LogOut(session=session_id):
                return await _granted(service.log_out(self._caller(session_id), ADA))
            case End(session=session_id, by=by):
                return await _granted(service.end_session(self._caller(by), UUID(session_id), ADA))
            case EndAll(by=by, but_current=but_current):
                return await _granted(service.end_all_sessions(self._caller(by), ADA, but_current=but_current))
            case Delete(by=by):
                return await _granted(service.delete_own_account(self._caller(by), self.password, ADA))
        raise TypeError(operation)

    async def _change_password(self, by: str) -> Tokens | None:
        new = f"another password of ada, the {next(self.passwords)}th"
        change = PasswordChange(current=self.password, new=new)
        tokens = await _tokens(self.service.change_password(self._caller(by), change, ADA))
        self.password = new if tokens else self.password
        return tokens

    def _caller(self, session_id: str) -> Caller:
        return Caller(user_id=self.user_id, session_id=UUID(session_id))


async def _tokens(asked: Awaitable[object]) -> Tokens | None:
    try:
        given = await asked
    except DomainError:
        return None
    assert isinstance(given, SignedIn)
    return Tokens(str(given.session.id), given.refresh_token)


async def _granted(asked: Awaitable[object]) -> bool:
    try:
        await asked
    except DomainError:
        return False
    return True
