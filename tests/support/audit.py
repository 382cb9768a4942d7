"""The audit log on PostgreSQL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from application.audit.ports import END
from domain.audit.chain import Link
from domain.audit.head import SignedHead
from infrastructure.audit.keys import AuditKeyWrap
from infrastructure.clock import DatabaseClock
from infrastructure.postgres.audit_erasures import PostgresErasures
from infrastructure.postgres.audit_keys import AuditKeys
from infrastructure.postgres.audit_ledger import LOCK, PostgresAuditLedger
from infrastructure.postgres.audit_trail import PostgresAuditTrail
from infrastructure.postgres.data_keys import PostgresDataKeyStore
from infrastructure.postgres.database import Database, DatabaseOptions
from infrastructure.tokens.data_keys import DataKey
from infrastructure.tokens.secret_keys import SecretKeys
from tests.support.audit_log import AuditLog
from tests.support.database import owner_url_of
from tests.support.postgres import PostgresWorld
from tests.support.rows import let_the_audit_log_be_changed
from tests.support.server import SECRET_KEY
from tests.support.world import LIMITS


@dataclass(frozen=True)
class PostgresAuditTables:
    """Implements :class:`tests.support.audit_log.AuditTables`, on the one connection of their owner."""

    owner: Database

    async def age_waiting(self, by: timedelta) -> None:
        await self.owner.fetch(
            "UPDATE events SET occurred_at = occurred_at - $1::interval"
            " WHERE position IN (SELECT position FROM audit_queue)",
            by,
        )

    async def append(self, link: Link) -> None:
        await self.owner.fetch(
            "INSERT INTO audit_entries (sequence, entry, personal, hash) VALUES ($1, $2, $3, $4)",
            link.sequence,
            link.entry,
            link.personal,
            link.hash,
        )

    async def change_personal(self, sequence: int, personal: bytes) -> None:
        await self.owner.fetch("UPDATE audit_entries SET personal = $2 WHERE sequence = $1", sequence, personal)

    async def change_head(self, number: int, signed: SignedHead) -> None:
        await self.owner.fetch(
            "UPDATE audit_heads SET body = $2, signature = $3 WHERE number = $1", number, signed.body, signed.signature
        )

    async def cut(self, *, entries_after: int = END, heads_after: int = END) -> None:
        await self.owner.fetch("DELETE FROM audit_entries WHERE sequence > $1", entries_after)
        await self.owner.fetch("DELETE FROM audit_heads WHERE number > $1", heads_after)

    async def owners(self) -> set[str]:
        return {row["owner"] for row in await self.owner.fetch("SELECT owner FROM audit_keys")}

    async def damage_keys(self) -> None:
        await self.owner.fetch("UPDATE audit_keys SET sealed = 'damaged'")

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        await self.owner.fetch("SELECT pg_advisory_lock($1)", LOCK)
        yield
        await self.owner.fetch("SELECT pg_advisory_unlock($1)", LOCK)


async def postgres_audit_log(world: PostgresWorld) -> AuditLog:
    database = world.database
    data_key = DataKey("audit/v1", PostgresDataKeyStore(database), SecretKeys([SECRET_KEY]))
    await data_key.load()
    wrap = AuditKeyWrap(data_key)
    return AuditLog(
        world=world,
        ledger=PostgresAuditLedger(database, AuditKeys(wrap)),
        trail=PostgresAuditTrail(database, wrap),
        erasures=PostgresErasures(database),
        tables=PostgresAuditTables(world.owner),
        clock=DatabaseClock(),
    )


@dataclass(kw_only=True)
class AuditedWorld(AuditLog):
    """Everything around the log, on one database; ``owner`` may do what the service's role may not."""

    url: str
    world: PostgresWorld

    @property
    def database(self) -> Database:
        return self.world.database

    @property
    def owner(self) -> Database:
        return self.world.owner


@asynccontextmanager
async def audited(database_url: str) -> AsyncIterator[AuditedWorld]:
    """On a database with our schema."""
    await let_the_audit_log_be_changed(database_url)
    async with (
        Database(DatabaseOptions(url=database_url, pool_size=5)).opened() as database,
        Database(DatabaseOptions(url=owner_url_of(database_url), pool_size=1)).opened() as owner,
    ):
        log = await postgres_audit_log(PostgresWorld(database, LIMITS, owner))
        yield AuditedWorld(url=database_url, **vars(log))
