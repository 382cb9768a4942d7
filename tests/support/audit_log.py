"""The audit log behind its ports: sealing, reading and verifying it, and what somebody with its tables could do."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Protocol
from uuid import UUID

from application.accounts.erase_account import EraseAccount, without_a_trace
from application.accounts.ports import Registrations
from application.audit.drop_expired_entries import DropExpiredEntries
from application.audit.export_audit import ExportAudit
from application.audit.ports import AuditLedger, AuditQuery, AuditTrail, Extension, PersonalCipher
from application.audit.read_chain import ReadChain
from application.audit.replay_erasures import Erasures, ReplayErasures
from application.audit.rotate_audit_key import RotateAuditKey
from application.audit.seal_events import BATCH, SealEvents
from application.audit.search_audit import SearchAudit
from application.photos.discard_photo import DiscardPhoto
from application.ports import Clock
from domain.accounts.user import User
from domain.audit.chain import Link
from domain.audit.head import Head, SignedHead
from domain.sessions.events import log_in_failed
from infrastructure.audit.personal import AesGcmPersonalCipher
from infrastructure.audit.verifier import Report, TrustedKeys, Verification
from tests.support.builders import ADA, MALLORY, registered
from tests.support.world import World

Line = Mapping[str, Any]

KEPT = timedelta(days=400)
LONG_AGO = timedelta(days=500)

ANYTHING = AuditQuery()

UNREADABLE = {
    "no hash": '{"hash": "of nothing"}',
    "a number for a hash": '{"hash": 5}',
    "no time": '{"at": "once upon a time"}',
    "nobody erased": '{"erased": [1]}',
    "too deep": f'{{"erased": {"[" * 2000}{"]" * 2000}}}',
}
"""What makes a head one that cannot be read."""


class AuditTables(Protocol):
    """A hand on the tables."""

    async def age_waiting(self, by: timedelta) -> None:
        """Have what is not sealed have happened earlier."""
        ...

    async def append(self, link: Link) -> None:
        """Put an entry there."""
        ...

    async def change_personal(self, sequence: int, personal: bytes) -> None:
        """Put something else in the place of what is sealed in an entry."""
        ...

    async def change_head(self, number: int, signed: SignedHead) -> None:
        """Put something else in a head's place."""
        ...

    async def cut(self, *, entries_after: int = ..., heads_after: int = ...) -> None:
        """Take away the last entries, the last heads, or both."""
        ...

    async def owners(self) -> set[str]:
        """Who has a key for what is personal."""
        ...

    async def damage_keys(self) -> None:
        """Make all of them something that cannot be opened."""
        ...

    def held(self) -> AbstractAsyncContextManager[None]:
        """Be the worker that is at the log."""
        ...


@dataclass(kw_only=True)
class AuditLog:
    """The use cases around one log."""

    world: World
    ledger: AuditLedger
    trail: AuditTrail
    erasures: Erasures
    tables: AuditTables
    clock: Clock
    cipher: PersonalCipher = field(default_factory=AesGcmPersonalCipher)

    @property
    def seal(self) -> SealEvents:
        return SealEvents(self.ledger, self.cipher)

    @property
    def drop(self) -> DropExpiredEntries:
        return DropExpiredEntries(self.ledger, self.clock, KEPT)

    @property
    def rotate(self) -> RotateAuditKey:
        return RotateAuditKey(self.ledger)

    @property
    def search(self) -> SearchAudit:
        return SearchAudit(trail=self.trail, cipher=self.cipher)

    async def export(self, *, personal: bool = False) -> list[Line]:
        return [line async for line in await ExportAudit(ReadChain(self.trail), self.cipher)(personal=personal)]

    async def heads(self) -> list[Head]:
        return [signed.head for _, signed in await self.trail.heads(after=0, at_most=1000)]

    async def verified(self, held: Sequence[Line] = (), *, keys: Sequence[bytes] | None = None) -> Report:
        trusted = await self.trail.public_keys() if keys is None else keys
        return Verification(TrustedKeys(trusted), held).run(await self.export())

    async def found(self, query: AuditQuery = ANYTHING) -> list[Line]:
        return [each async for each in await self.search(query)]

    async def entries_of(self, user_id: UUID) -> list[Line]:
        return await self.found(AuditQuery(user_id=user_id))

    async def fail_to_log_in(self, user: User | None, times: int = 1) -> None:
        for number in range(times):
            work = self.world.unit_of_work(MALLORY)
            work.record(log_in_failed(user.id if user else None, f"digest {number}"))
            await work.commit()

    async def seal_long_ago(self, times: int) -> None:
        """As if they had failed to log in then."""
        await self.fail_to_log_in(None, times)
        await self.tables.age_waiting(LONG_AGO)
        assert await self.seal_later(-LONG_AGO)

    async def seal_later(self, by: timedelta) -> Extension | None:
        seal = self.seal
        return await self.ledger.extend(
            lambda batch: seal._extension(replace(batch, now=batch.now + by)), at_most=BATCH
        )

    async def user(self, name: str) -> User:
        return (await registered(self.world, name)).user

    async def erase(self, user: User) -> None:
        await erase_account()(user, self.world.unit_of_work(without_a_trace(ADA)))

    def replay(self, users: Registrations | None = None) -> ReplayErasures:
        return ReplayErasures(
            users=users or self.world.registrations,
            erasures=self.erasures,
            erase_account=erase_account(),
            unit_of_work=self.world.unit_of_work,
        )


def erase_account() -> EraseAccount:
    """For users without a photo."""
    return EraseAccount(DiscardPhoto(ledger=None, store=None))  # type: ignore[arg-type]  # never asked


def changed(body: str, said: str) -> str:
    """The body of a head that says something else; both are JSON, and may be deeper than it can be read."""
    return f"{body[:-1]},{said[1:]}"
