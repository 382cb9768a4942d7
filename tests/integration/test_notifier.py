"""Whoever delivers hears of a commit soon after it, once of however many there were."""

import asyncio
from dataclasses import replace

import pytest

from application.origin import NOWHERE
from domain.events import DomainEvent
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.events import CHANNEL
from infrastructure.postgres.notifier import Notifier
from tests.support.builders import new_id
from tests.support.postgres import PostgresWorld
from tests.support.rows import connected
from tests.support.world import LIMITS, SUBSCRIPTIONS

TOLD = next(iter(SUBSCRIPTIONS))


@pytest.mark.parametrize(("topic", "heard"), [(TOLD, 1), ("nobody.asked", 0)])
async def test_commits_at_once_are_heard_of_once_when_somebody_is_to_be_told(
    database_url: str, topic: str, heard: int
) -> None:
    notifications: asyncio.Queue[str] = asyncio.Queue()
    async with Database(DatabaseOptions(url=database_url)).opened() as database, connected(database_url) as listener:
        await listener.add_listener(CHANNEL, lambda *given: notifications.put_nowait(given[3]))
        asked = 0
        notifier = Notifier(database, CHANNEL)

        def wake() -> None:
            nonlocal asked
            asked += 1
            if asked == 3:
                for _ in range(asked):
                    notifier.soon()

        begin = replace(PostgresWorld(database, LIMITS).unit_of_work, wake_workers=wake)
        for _ in range(3):
            work = begin(NOWHERE)
            work.record(DomainEvent(type=topic, user_id=new_id()))
            await work.commit()
        assert asked == 3 * heard
        await listener.execute("SELECT pg_notify($1, 'the end')", CHANNEL) if not heard else None
        assert await asyncio.wait_for(notifications.get(), 10) == ("" if heard else "the end")
        await listener.execute("SELECT pg_notify($1, 'the end')", CHANNEL)
        assert await asyncio.wait_for(notifications.get(), 10) == "the end", "one notification for three"


async def test_what_is_asked_for_while_one_is_sent_is_sent_after_it(database_url: str) -> None:
    notifications: asyncio.Queue[object] = asyncio.Queue()
    async with Database(DatabaseOptions(url=database_url)).opened() as database, connected(database_url) as listener:
        notifier = Notifier(database, CHANNEL)

        def hear(*_: object) -> None:
            notifications.put_nowait(None)
            if notifications.qsize() == 1:
                notifier.soon()

        await listener.add_listener(CHANNEL, hear)
        notifier.soon()
        async with asyncio.timeout(10):
            while notifications.qsize() < 2:  # noqa: ASYNC110 - both are to be there
                await asyncio.sleep(0.01)


async def test_a_notification_that_cannot_be_sent_is_told_by_its_kind_and_not_raised(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    raised: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: raised.append(context))
    async with Database(DatabaseOptions(url=database_url)).opened() as database:
        notifier = Notifier(database, "longer than PostgreSQL lets a channel be " * 2)
        notifier.soon()
        async with asyncio.timeout(10):
            while "notification not sent: " not in caplog.text:
                assert not raised
                await asyncio.sleep(0.01)
