"""A database that hangs between the two statements of a sign-in (X05): a refusal in time, and nothing half done."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from infrastructure.passwords.hasher import PooledPasswordHasher
from tests.integration.own_postgres import OwnPostgres, own_postgres
from tests.support.application import served, settings_for
from tests.support.client import problem_of
from tests.support.rows import connected, contents

ANSWER_LIMIT = 3.0
"""Seconds, X05; from the hang on, for a busy machine may take its time with the hash."""

Hang = Callable[[OwnPostgres], AbstractAsyncContextManager[None]]


@pytest.fixture(scope="module")
def postgres() -> Iterator[OwnPostgres]:
    with own_postgres() as postgres:
        yield postgres


@asynccontextmanager
async def frozen(postgres: OwnPostgres) -> AsyncIterator[None]:
    """The server stops answering."""
    await asyncio.to_thread(postgres.freeze)
    try:
        yield
    finally:
        await asyncio.to_thread(postgres.thaw)


@asynccontextmanager
async def locked(postgres: OwnPostgres) -> AsyncIterator[None]:
    """Somebody else holds what the second statement writes to."""
    async with connected(postgres.url) as other, other.transaction():
        await other.execute("LOCK TABLE sessions IN EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("hang", [frozen, locked])
async def test_x05_a_hang_between_the_statements_of_a_sign_in(
    postgres: OwnPostgres, monkeypatch: pytest.MonkeyPatch, hang: Hang
) -> None:
    verify = PooledPasswordHasher.verify
    verified, hangs = asyncio.Event(), asyncio.Event()

    async def verify_and_wait(self: PooledPasswordHasher, *arguments: Any, **more: Any) -> bool:
        matches: bool = await verify(self, *arguments, **more)
        verified.set()
        await hangs.wait()
        return matches

    async with served(settings_for(postgres.url, rate_limits=False)) as client:
        ada = await client.registered()
        before = await contents(postgres.url)
        monkeypatch.setattr(PooledPasswordHasher, "verify", verify_and_wait)
        request = asyncio.create_task(client.log_in(ada.email, ada.password))
        await asyncio.wait_for(verified.wait(), 30)
        async with hang(postgres):
            began = time.perf_counter()
            hangs.set()
            answer = await request
            assert time.perf_counter() - began < ANSWER_LIMIT
        monkeypatch.undo()

        assert (answer.status_code, problem_of(answer)["code"]) == (503, "service_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert await contents(postgres.url) == before, "no session, no event, in the hang or after it"
        async with asyncio.timeout(10):
            while (await client.log_in(ada.email, ada.password)).status_code == 503:  # noqa: ASYNC110 - as a client does
                await asyncio.sleep(0.05)
        assert (await client.log_in(ada.email, ada.password)).status_code == 201
