"""A real server with two workers on a real PostgreSQL, over HTTP; its operator's commands run beside it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

import asyncpg
import httpx
from asyncpg import Connection, Record

from application.origin import Origin
from bootstrap.container import Container, make_container
from bootstrap.lifespan import running
from bootstrap.settings import Settings
from domain.errors import DomainError
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
from tests.support.client import Person, ServiceClient, SignedIn, bearer, client_of
from tests.support.rows import SESSION_TIMES
from tests.support.server import Server

OPERATOR = Origin(operator="grace")
_LESS_WHAT_PASSED = "$1::interval - (clock_timestamp() - $2::timestamptz)"
_MOVED = ", ".join(f"{column} = {column} - ({_LESS_WHAT_PASSED})" for column in SESSION_TIMES)
_MOVE = f"UPDATE sessions SET {_MOVED} WHERE user_id = $3"


class ServerTarget:
    """Implements ``Target``. Time is moved by ageing the rows, less what has really passed: it passes by that alone."""

    def __init__(self, client: ServiceClient, connection: "Connection[Record]", operator: Container) -> None:
        self.client = client
        self.connection = connection
        self.operator = operator.use_cases

    @classmethod
    @asynccontextmanager
    async def on(cls, server: Server) -> AsyncIterator[Self]:
        """A target on that server, and whoever is its operator."""
        settings = Settings.from_environment(server.settings | {"CRM_AUTH_DATABASE_POOL_SIZE": "1"})
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(client_of(server.url))
            operator = await stack.enter_async_context(running(make_container(settings)))
            connection = await asyncpg.connect(server.settings["CRM_AUTH_DATABASE_URL"])
            stack.push_async_callback(connection.close)
            yield cls(client, connection, operator)

    async def begin(self) -> None:
        self.person = await self.client.registered()
        self.password = self.person.password
        self.access_tokens: dict[str, str] = {}
        self.user_id: UUID = await self.connection.fetchval("SELECT id FROM users WHERE email = $1", self.person.email)
        self.moved_at = await self._now()

    async def wait(self, by: timedelta) -> None:
        now = await self._now()
        await self.connection.execute(_MOVE, by, self.moved_at, self.user_id)
        self.moved_at = now

    async def _now(self) -> datetime:
        now: datetime = await self.connection.fetchval("SELECT clock_timestamp()")
        return now

    async def ask_at_once(self, operations: Sequence[Operation]) -> Sequence[Answer]:
        return await asyncio.gather(*(self.ask(operation) for operation in operations))

    def forged(self, token: str, place: int) -> str:
        """One character is another, which the checksum or the authenticator sees."""
        place %= len(token)
        return token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :]

    async def ask(self, operation: Operation) -> Answer:
        match operation:
            case SignIn(remember=remember):
                body = {"identifier": self.person.email, "password": self.password, "remember": remember}
                return self._tokens(await self.client.http.post("/v1/sessions", json=body))
            case Refresh(token=token):
                return self._tokens(await self.client.refresh(token))
            case ChangePassword(by=by):
                return await self._change_password(by)
            case Disable():
                return await _granted(self.operator.disable_user()(str(self.user_id), OPERATOR))
            case Enable():
                return await _granted(self.operator.enable_user()(str(self.user_id), OPERATOR))
        return await self._ask_as_caller(operation)

    async def _ask_as_caller(self, operation: Operation) -> bool:
        match operation:
            case Look(session=by):
                answer = await self.client.session(self.access_tokens[by])
            case LogOut(session=by):
                answer = await self.client.log_out(self.access_tokens[by])
            case End(session=session_id, by=by):
                answer = await self._call("DELETE", f"/v1/sessions/{session_id}", by)
            case EndAll(by=by, but_current=but_current):
                answer = await self._call("DELETE", f"/v1/sessions{'?except=current' if but_current else ''}", by)
            case Delete(by=by):
                answer = await self._call("POST", "/v1/users/me/deletion", by, {"password": self.password})
            case _:
                raise TypeError(operation)
        assert answer.status_code in {200, 204, 401, 404}, answer.text
        return answer.is_success

    async def _change_password(self, by: str) -> Tokens | None:
        new = Person.new().password
        body = {"current_password": self.password, "new_password": new}
        tokens = self._tokens(await self._call("PUT", "/v1/users/me/password", by, body))
        self.password = new if tokens else self.password
        return tokens

    async def _call(self, method: str, path: str, by: str, body: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.http.request(method, path, headers=bearer(self.access_tokens[by]), json=body)

    def _tokens(self, answer: httpx.Response) -> Tokens | None:
        if answer.status_code == 401:
            return None
        given = SignedIn.of(answer)
        self.access_tokens[str(given.session_id)] = given.access_token
        return Tokens(str(given.session_id), given.refresh_token)


async def _granted(asked: Awaitable[object]) -> bool:
    try:
        await asked
    except DomainError:
        return False
    return True
