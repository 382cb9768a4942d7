"""Sign-ins that wait for a hash hold nothing that others need (D02)."""

import asyncio
from typing import Any

import pytest

from infrastructure.passwords.hasher import PooledPasswordHasher
from tests.support.application import served, settings_for

WAITING = 12


async def test_d01_d02_a_backlog_of_hashes_holds_no_database_connection(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is one connection, a dozen sign-ins that wait, and everybody else is served."""
    verify, go_on, at_it = PooledPasswordHasher.verify, asyncio.Event(), 0

    async def wait_and_verify(self: PooledPasswordHasher, *arguments: Any, **more: Any) -> bool:
        nonlocal at_it
        at_it += 1
        await go_on.wait()
        return await verify(self, *arguments, **more)

    async with served(settings_for(database_url, rate_limits=False, database_pool_size=1)) as client:
        ada = await client.registered()
        signed_in = (await client.log_in(ada.email, ada.password)).json()
        monkeypatch.setattr(PooledPasswordHasher, "verify", wait_and_verify)
        waiting = [asyncio.create_task(client.log_in(ada.email, ada.password)) for _ in range(WAITING)]
        async with asyncio.timeout(30):
            while at_it < WAITING:  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.01)
        for _ in range(3):
            assert (await client.profile(signed_in["access_token"])).status_code == 200
        signed_in = (await client.refresh(signed_in["refresh_token"])).json()
        assert (await client.profile(signed_in["access_token"])).status_code == 200
        go_on.set()
        assert {answer.status_code for answer in await asyncio.gather(*waiting)} <= {201, 503}
