"""The audit log in memory. Its keys and its cipher are those of the service, for they need no database."""

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.audit.ports import END, AuditQuery, Batch, Build, Extension, KeptEntry, UnsealedEvent
from application.audit.seal_events import trusted_head
from application.origin import Origin
from domain.accounts.pending_sign_up import SIGN_UP_ID, SIGN_UP_REQUESTED
from domain.audit.chain import Link
from domain.audit.entry import month_of, timestamp
from domain.audit.head import SignedHead
from domain.events import DomainEvent, RecordedEvent
from infrastructure.audit.keys import Ed25519HeadSigner, key_id_of
from infrastructure.audit.personal import KEY_SIZE
from tests.support.audit_log import AuditLog
from tests.support.memory import MemoryWorld
from tests.support.memory_archive import recorded_event
from tests.support.memory_audit_rows import AuditRows, said_by
from tests.support.memory_rows import Rows
from tests.support.memory_store import MemoryStore


@dataclass(frozen=True)
class MemoryAuditLedger:
    """Works on a copy, which takes the place of the tables once all has been written."""

    store: MemoryStore

    async def extend(self, build: Build, *, at_most: int) -> Extension | None:
        now = await self.store.round_trip()
        rows = self.store.rows
        audit = rows.audit.copy()
        if audit.is_held:
            return None
        events = [_unsealed(rows, audit, each.position, each.occurred_at) for each in audit.queue[:at_most]]
        untold = sorted(user_id for user_id, is_told in audit.erasures.items() if not is_told)
        extension = build(replace(_batch(audit, now), events=events, erased=untold[:at_most]))
        if extension is not None:
            _write(audit, extension)
            del audit.queue[:at_most]
            rows.audit = audit
        return extension

    async def drop(self, build: Build, *, before: datetime, at_most: int) -> int:
        now = await self.store.round_trip()
        rows = self.store.rows
        audit = rows.audit.copy()
        if audit.is_held:
            return 0
        batch = _batch(audit, now)
        head = trusted_head(batch)
        begins_after = head.begins_after if head else 0
        said = [each for each in map(said_by, audit.heads.values()) if each]
        expired = [
            (each["sequence"], bytes.fromhex(each["hash"]))
            for each in said
            if begins_after < each["sequence"] <= begins_after + at_most and each["at"] < timestamp(before)
        ]
        if not expired:
            return 0
        extension = build(replace(batch, expired=max(expired)))
        if extension is None:
            return 0
        _write(audit, extension)
        dropped = audit.drop(max(expired)[0], before, rows.users)
        rows.audit = audit
        return dropped

    async def rotate(self, build: Build, origin: Origin) -> str | None:
        now = await self.store.round_trip()
        rows = self.store.rows.copy()
        if rows.audit.is_held:
            return None
        batch = _batch(rows.audit, now)
        key = Ed25519PrivateKey.generate()
        rows.audit.signing_keys.append(key)
        if extension := build(replace(batch, successor=_public(key).hex())):
            _write(rows.audit, extension)
        data = {"key": key_id_of(_public(key)), "successor_of": batch.signer.key_id}
        rows.record(DomainEvent(type="audit_key.rotated", data=data), origin, now)
        self.store.rows = rows
        return data["key"]

    async def unwritten_heads(self, *, at_most: int) -> Sequence[SignedHead]:
        await self.store.round_trip()
        audit = self.store.rows.audit
        return [audit.heads[number] for number in sorted(audit.heads) if number not in audit.written][:at_most]

    async def heads_written(self, heads: Sequence[SignedHead]) -> None:
        await self.store.round_trip()
        self.store.rows.audit.written |= {each.head.number for each in heads}


@dataclass(frozen=True)
class MemoryAuditTrail:
    store: MemoryStore

    async def entries(self, query: AuditQuery, *, after: int, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        return (await self._wanted(query, after, up_to))[:at_most]

    async def latest(self, query: AuditQuery, *, up_to: int = END, at_most: int) -> Sequence[KeptEntry]:
        return (await self._wanted(query, 0, up_to))[-at_most:]

    async def heads(self, *, after: int, at_most: int) -> Sequence[tuple[int, SignedHead]]:
        await self.store.round_trip()
        heads = self.store.rows.audit.heads
        return [(number, heads[number]) for number in sorted(heads) if number > after][:at_most]

    async def public_keys(self) -> Sequence[bytes]:
        await self.store.round_trip()
        return [_public(key) for key in reversed(self.store.rows.audit.signing_keys)]

    async def _wanted(self, query: AuditQuery, after: int, up_to: int) -> list[KeptEntry]:
        await self.store.round_trip()
        audit = self.store.rows.audit
        links = [audit.entries[sequence] for sequence in sorted(audit.entries) if after < sequence <= up_to]
        return [_kept(audit, link, query) for link in links if _is_wanted(query, link)]


@dataclass(frozen=True)
class MemoryErasures:
    store: MemoryStore

    async def repeat(self, user_id: UUID) -> bool:
        await self.store.round_trip()
        rows = self.store.rows
        was_noted = rows.audit.erasures.get(user_id)
        had_key = str(user_id) in rows.audit.keys
        had_traces = rows.strip_events_of(user_id)
        rows.audit.erase(user_id)
        rows.audit.erasures[user_id] = bool(was_noted)
        return had_key or had_traces or was_noted is None


@dataclass(frozen=True)
class MemoryAuditTables:
    """Implements :class:`tests.support.audit_log.AuditTables`."""

    store: MemoryStore

    @property
    def audit(self) -> AuditRows:
        return self.store.rows.audit

    async def age_waiting(self, by: timedelta) -> None:
        self.audit.queue = [replace(each, occurred_at=each.occurred_at - by) for each in self.audit.queue]

    async def append(self, link: Link) -> None:
        self.audit.entries[link.sequence] = link

    async def change_personal(self, sequence: int, personal: bytes) -> None:
        self.audit.entries[sequence] = replace(self.audit.entries[sequence], personal=personal)

    async def change_head(self, number: int, signed: SignedHead) -> None:
        self.audit.heads[number] = signed

    async def cut(self, *, entries_after: int = END, heads_after: int = END) -> None:
        self.audit.entries = {key: each for key, each in self.audit.entries.items() if key <= entries_after}
        self.audit.heads = {key: each for key, each in self.audit.heads.items() if key <= heads_after}

    async def owners(self) -> set[str]:
        return set(self.audit.keys)

    async def damage_keys(self) -> None:
        self.audit.keys = dict.fromkeys(self.audit.keys)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        self.audit.is_held = True
        yield
        self.audit.is_held = False


def memory_audit_log(world: MemoryWorld) -> AuditLog:
    store = world.store
    return AuditLog(
        world=world,
        ledger=MemoryAuditLedger(store),
        trail=MemoryAuditTrail(store),
        erasures=MemoryErasures(store),
        tables=MemoryAuditTables(store),
        clock=store.clock,
    )


def _batch(audit: AuditRows, now: datetime) -> Batch:
    if not audit.signing_keys:
        audit.signing_keys.append(Ed25519PrivateKey.generate())
    signing = {key_id_of(_public(key)): key for key in audit.signing_keys}
    last = audit.heads[max(audit.heads)] if audit.heads else None
    begins_after = said_by(last).get("begins_after", 0) if last else 0
    return Batch(
        now=now,
        events=(),
        erased=(),
        last=last,
        last_sequence=max(audit.entries, default=begins_after),
        signer=Ed25519HeadSigner(list(signing)[-1], signing),
    )


def _write(audit: AuditRows, extension: Extension) -> None:
    audit.entries |= {link.sequence: link for link in extension.links}
    audit.add(extension.head)


def _unsealed(rows: Rows, audit: AuditRows, position: int, occurred_at: datetime) -> UnsealedEvent:
    event = recorded_event(position + 1, rows.events[position], occurred_at)
    owner = _owner_of(event, rows, audit)
    if owner is None:
        return UnsealedEvent(event=event)
    key = audit.keys.setdefault(owner, os.urandom(KEY_SIZE))
    return UnsealedEvent(event=event) if key is None else UnsealedEvent(event=event, owner=owner, key=key)


def _owner_of(event: RecordedEvent, rows: Rows, audit: AuditRows) -> str | None:
    """Whose key seals it: a user's, one's to be or, where there is none, that of the month; nobody's of the erased."""
    user_id = UUID(event.data[SIGN_UP_ID]) if event.type == SIGN_UP_REQUESTED else event.user_id
    if user_id is None:
        return month_of(event.occurred_at)
    if str(user_id) in audit.keys or user_id in rows.users or user_id in rows.sign_ups:
        return str(user_id)
    return None if user_id in audit.erasures else month_of(event.occurred_at)


def _kept(audit: AuditRows, link: Link, query: AuditQuery) -> KeptEntry:
    owner = json.loads(link.entry).get("key")
    if owner not in audit.keys or not query.with_keys:
        return KeptEntry(link=link)
    return KeptEntry(link=link, key=audit.keys[owner], is_key_damaged=audit.keys[owner] is None)


def _is_wanted(query: AuditQuery, link: Link) -> bool:
    said = json.loads(link.entry)
    return (
        (query.user_id is None or said.get("user") == str(query.user_id))
        and (query.session_id is None or said.get("session") == str(query.session_id))
        and (query.request_id is None or said.get("request") == query.request_id)
        and (not query.types or any(_is_of_type(said["type"], each) for each in query.types))
        and (query.since is None or said["at"] >= timestamp(query.since))
        and (query.until is None or said["at"] < timestamp(query.until))
    )


def _is_of_type(event_type: str, wanted: str) -> bool:
    return event_type.startswith(wanted) if wanted.endswith(".") else event_type == wanted


def _public(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()
