"""The deployment's signing keys in PostgreSQL: one set, however many start at once."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from bootstrap.container import make_container
from bootstrap.lifespan import StartRefused, running
from domain.errors import ServiceUnavailable
from infrastructure.clock import DatabaseClock
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.postgres.signing_keys import PostgresSigningKeyStore
from infrastructure.tokens.key_ring import KeyRing
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import KeyState, StoredSigningKey
from tests.support.application import settings_for
from tests.support.rows import connected, contents
from tests.support.server import SECRET_KEY

NODES = 8
OTHER_SECRET_KEY = "p3RcE7uYw1KzBn5Mh9QtXs2Vd6Lg0Jf4Aa8oGiTxNqU"


class AllSeeNothing(PostgresSigningKeyStore):
    """Nobody goes on before all have looked and found no keys."""

    gate: asyncio.Barrier

    async def load(self) -> list[StoredSigningKey]:
        found = await PostgresSigningKeyStore.load(self)
        await type(self).gate.wait()
        return found


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """A pool for each node."""
    async with AsyncExitStack() as stack:
        options = DatabaseOptions(url=database_url, pool_size=2)
        yield [await stack.enter_async_context(Database(options).opened()) for _ in range(NODES)]


def _ring(database: Database, store: type[PostgresSigningKeyStore] = PostgresSigningKeyStore) -> KeyRing:
    return KeyRing(store(database), SecretKeys([SECRET_KEY]), DatabaseClock())


async def test_the_first_start_of_many_at_once_makes_one_pair(databases: list[Database], database_url: str) -> None:
    AllSeeNothing.gate = asyncio.Barrier(NODES)
    rings = [_ring(database, AllSeeNothing) for database in databases]
    await asyncio.gather(*(ring.reload() for ring in rings))
    stored = await PostgresSigningKeyStore(databases[0]).load()
    assert Counter(key.state for key in stored) == {KeyState.ACTIVE: 1, KeyState.NEXT: 1}
    assert len({ring.signing.kid for ring in rings}) == 1
    assert len({ring.jwks() for ring in rings}) == 1
    assert {key["kid"] for key in json.loads(rings[0].jwks())["keys"]} == {key.kid for key in stored}
    kept = json.dumps(await contents(database_url))
    assert "PRIVATE" not in kept
    assert '\\"d\\"' not in kept, "K09: no private part in clear"


async def test_k07_k08_a_ring_follows_the_table(databases: list[Database], database_url: str) -> None:
    """K07, K08: rotation, and a revocation that reaches every node."""
    one, other = _ring(databases[0]), _ring(databases[1])
    await one.reload()
    await other.reload()
    first, (second,) = one.signing.kid, [kid for kid in _kids(one) if kid != one.signing.kid]
    async with connected(database_url) as connection, connection.transaction():
        retire = "UPDATE signing_keys SET state = 'retired', retired_at = now() WHERE state = 'active'"
        await connection.execute(retire)
        await connection.execute("UPDATE signing_keys SET state = 'active', activated_at = now() WHERE state = 'next'")
    for ring in (one, other):
        await ring.reload()
        assert ring.signing.kid == second
        assert set(_kids(ring)) == {first, second}, "what it signed is still good"
    async with connected(database_url) as connection:
        await connection.execute("UPDATE signing_keys SET state = 'revoked' WHERE kid = $1", first)
    await other.reload()
    assert _kids(other) == [second]
    assert other.verifying(first) is None


async def test_never_two_active_keys(databases: list[Database], database_url: str) -> None:
    await _ring(databases[0]).reload()
    async with connected(database_url) as connection:
        with pytest.raises(Exception, match="signing_keys_one_active_key"):
            await connection.execute("UPDATE signing_keys SET state = 'active'")


async def test_with_no_active_key_nothing_is_signed(databases: list[Database], database_url: str) -> None:
    ring = _ring(databases[0])
    await ring.reload()
    async with connected(database_url) as connection:
        await connection.execute("UPDATE signing_keys SET state = 'revoked'")
    await ring.reload()
    with pytest.raises(ServiceUnavailable):
        _ = ring.signing
    assert _kids(ring) == []


def _kids(ring: KeyRing) -> list[str]:
    return [key["kid"] for key in json.loads(ring.jwks())["keys"]]


async def _start(database_url: str, *secret_keys: str) -> None:
    async with running(make_container(settings_for(database_url, secret_key=secret_keys))):
        pass


async def test_a_changed_secret_refuses_the_start_and_says_what_to_do(database_url: str) -> None:
    await _start(database_url, SECRET_KEY)
    before = await contents(database_url)
    with pytest.raises(StartRefused, match="CRM_AUTH_SECRET_KEY was changed, give the value it had as well"):
        await _start(database_url, OTHER_SECRET_KEY)
    assert await contents(database_url) == before, "and makes no keys in their place"
    await _start(database_url, OTHER_SECRET_KEY, SECRET_KEY)


async def test_a_database_without_a_schema_refuses_the_start(database_url: str) -> None:
    async with connected(database_url) as connection:
        await connection.execute(
            "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT USAGE ON SCHEMA public TO PUBLIC"
        )
    with pytest.raises(StartRefused, match="crm-auth db upgrade"):
        await _start(database_url, SECRET_KEY)
