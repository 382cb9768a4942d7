"""Who is erased is so in the audit log as well: before their events are sealed, after, and again after a restore."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import UUID

import pytest
from asyncpg import Connection, Record

from application.origin import Origin
from application.recovery.ports import OneTimeToken
from domain.accounts.pending_sign_up import PendingSignUp, sign_up_requested
from domain.accounts.user import User
from domain.recovery.one_time_token import TokenPurpose
from infrastructure.audit.verifier import TrustedKeys, head_of
from tests.support.audit import AuditedWorld, audited
from tests.support.audit_log import Line
from tests.support.builders import ADA, MALLORY, credential_of, user_named
from tests.support.database import DatabaseServer
from tests.support.rows import connected, dump

OPERATOR = Origin(operator="root")


@pytest.fixture(scope="module")
async def opened(database_server: DatabaseServer) -> AsyncIterator[AuditedWorld]:
    """One database for all tests."""
    url = await database_server.create()
    async with audited(url) as log:
        yield log
    await database_server.drop(url)


@pytest.fixture
async def log(opened: AuditedWorld) -> AuditedWorld:
    await opened.world.empty()
    return opened


def addresses(entries: list[Line]) -> set[str | None]:
    return {entry["ip_address"] for entry in entries}


async def test_a03_erasing_waits_for_a_batch_that_makes_the_users_key_and_destroys_it(log: AuditedWorld) -> None:
    """The race the other way round: the batch holds the user's row when the deletion begins."""
    ada = await log.user("Ada")
    async with connected(log.url) as connection:
        sealing = connection.transaction()
        await sealing.start()
        await connection.fetch("SELECT id FROM users WHERE id = $1 FOR KEY SHARE", ada.id)
        await connection.execute("INSERT INTO audit_keys (owner, sealed) VALUES ($1, '')", str(ada.id))
        erasing = asyncio.create_task(log.erase(ada))
        async with connected(log.url) as observer:
            await _until_somebody_waits(observer)
        assert not erasing.done()
        await sealing.commit()
        await erasing
    assert not await log.database.fetch("SELECT FROM audit_keys WHERE owner = $1", str(ada.id))


async def _signed_up(log: AuditedWorld, name: str) -> tuple[User, OneTimeToken]:
    """A sign-up that waits, as neutral answers have it, and the account that it may become."""
    user = user_named(name)
    token = OneTimeToken(purpose=TokenPurpose.SIGN_UP, digest=name.encode())
    sign_up = PendingSignUp(
        id=user.id, email=user.email, username=user.username, profile=user.profile, password_hash="", photo_id=None
    )
    work = log.world.unit_of_work(MALLORY)
    work.sign_ups.add(sign_up)
    work.record(sign_up_requested(user.id))
    await work.commit()
    work = log.world.unit_of_work(MALLORY)
    work.sign_ups.issue(token, user.id, timedelta(hours=1))
    await work.commit()
    return user, token


async def _confirm(log: AuditedWorld, user: User, token: OneTimeToken) -> None:
    work = log.world.unit_of_work(ADA)
    work.sign_ups.complete(token, user, credential_of(user))
    await work.commit()


@pytest.mark.parametrize("is_sealed", [True, False])
async def test_a03_of_whoever_signed_up_and_is_erased_the_sign_up_says_nothing(
    log: AuditedWorld, *, is_sealed: bool
) -> None:
    """The event of a sign-up names no user; it is theirs by the id that their account has."""
    user, token = await _signed_up(log, "Eve")
    if is_sealed:
        await log.seal()
    await _confirm(log, user, token)
    await log.erase(user)
    await log.seal()

    assert MALLORY.ip_address not in await dump(log.url)
    assert (await log.verified()).is_intact


async def test_a03_the_sign_up_of_whoever_a_backup_brought_back_says_nothing(log: AuditedWorld) -> None:
    user, _ = await _signed_up(log, "Eve")
    await log.seal()
    assert await log.replay()([user.id], OPERATOR) == 1
    assert MALLORY.ip_address not in await dump(log.url)


async def test_a03_x11_whoever_deletes_a_user_erases_them(log: AuditedWorld) -> None:
    """As a node of the version before does it, which knows nothing of the log."""
    ada = await log.user("Ada")
    await log.fail_to_log_in(ada)
    await log.seal()
    await log.database.fetch("DELETE FROM users WHERE id = $1 RETURNING id", ada.id)
    assert not await log.database.fetch("SELECT FROM audit_keys WHERE owner = $1", str(ada.id))
    assert await log.database.fetch("SELECT FROM audit_erasures WHERE user_id = $1 AND head IS NULL", ada.id)


async def _until_somebody_waits(observer: "Connection[Record]") -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    async with asyncio.timeout(20):
        while await observer.fetchval(waiting) == 0:  # noqa: ASYNC110 - another process's lock tells nobody
            await asyncio.sleep(0.01)


async def restore(connection: "Connection[Record]") -> None:
    """Put back what the backup has, computed columns computed anew."""
    await connection.execute("ALTER TABLE events DISABLE TRIGGER events_queued")
    await connection.execute(f"TRUNCATE {', '.join(TABLES)} CASCADE")
    for table in TABLES:
        rows = await connection.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = ''",
            table,
        )
        columns = ", ".join(row["attname"] for row in rows)
        await connection.execute(
            f"INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM backup_{table}"
        )
    await connection.execute("ALTER TABLE events ENABLE TRIGGER events_queued")


TABLES = (
    "users", "credentials", "sessions", "reserved_usernames", "events", "audit_queue", "audit_entries", "audit_heads",
    "audit_keys", "audit_erasures", "audit_signing_keys", "data_keys",
)  # fmt: skip


async def test_a03_erasures_are_replayed_after_a_restore(log: AuditedWorld) -> None:
    ada, bob, cyd = [await log.user(name) for name in ("Ada", "Bob", "Cyd")]
    for user in (ada, bob, cyd):
        await log.fail_to_log_in(user, 2)
    await log.erase(cyd)
    await log.seal()
    async with connected(log.url) as connection:
        for table in TABLES:
            await connection.execute(f"CREATE TEMPORARY TABLE backup_{table} AS SELECT * FROM {table}")
        await log.erase(ada)
        await log.seal()
        await log.rotate(OPERATOR)
        await log.erase(bob)
        await log.seal()
        held = [line for line in await log.export() if line["kind"] == "head"]

        await restore(connection)
    assert MALLORY.ip_address in addresses(await log.entries_of(ada.id)), "the backup has it all"

    keys = TrustedKeys(await log.trail.public_keys())
    heads = [head_of(line, keys) for line in held]
    erased = [UUID(user_id) for head in heads if head for user_id in head.erased]
    assert erased == [cyd.id, ada.id, bob.id], "by the key of the backup, which names the next one"
    assert await log.replay()(erased, OPERATOR) == 2

    await log.seal()
    for user in (ada, bob, cyd):
        assert addresses(await log.entries_of(user.id)) == {None}
        assert await log.world.registrations.by_id(user.id) is None
    assert MALLORY.ip_address not in await dump(log.url)
    assert (await log.verified()).is_intact
    assert await log.replay()(erased, OPERATOR) == 0
