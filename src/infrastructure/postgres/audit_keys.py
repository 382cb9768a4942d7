"""The keys of the audit log in PostgreSQL."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from application.audit.ports import UnsealedEvent
from domain.accounts.pending_sign_up import SIGN_UP_ID, SIGN_UP_REQUESTED
from domain.audit.entry import month_of
from domain.events import RecordedEvent
from infrastructure.audit.keys import AuditKeyUnreadable, AuditKeyWrap, Ed25519HeadSigner, SealedSigningKey
from infrastructure.postgres.connection_pool import Connection

log = logging.getLogger("crm_auth.audit")

SIGNING_KEYS = "SELECT key_id, public_key, sealed_private_key, retired_at FROM audit_signing_keys ORDER BY created_at"
_ADD_SIGNING = "INSERT INTO audit_signing_keys (key_id, public_key, sealed_private_key) VALUES ($1, $2, $3)"
_RETIRE = "UPDATE audit_signing_keys SET retired_at = now() WHERE retired_at IS NULL"

_KEYS = "SELECT owner, sealed FROM audit_keys WHERE owner = ANY ($1::text[])"
_ADD = "INSERT INTO audit_keys (owner, sealed) SELECT * FROM unnest($1::text[], $2::bytea[])"

# Whoever is deleted is so behind a lock on their row. Either it waits for this one, and then finds the key that is
# made here and destroys it, or there is no row to be had here any more, and no key is made.
_HOLD_USERS = "SELECT id FROM users WHERE id = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE"
# Whoever confirms a sign-up waits likewise, and the account that it becomes then has the key from the beginning.
_HOLD_SIGN_UPS = "SELECT id FROM pending_registrations WHERE id = ANY ($1::uuid[]) ORDER BY id FOR KEY SHARE"
_ERASED = "SELECT user_id FROM audit_erasures WHERE user_id = ANY ($1::uuid[])"


@dataclass(frozen=True, slots=True)
class AuditKeys:
    """Reads keys, and makes those that are missing, within a transaction of whoever holds the log's lock."""

    wrap: AuditKeyWrap

    async def signer(self, connection: Connection) -> Ed25519HeadSigner:
        """The key that signs, made where there is none. Raises AuditKeyUnreadable."""
        rows = await connection.fetch(SIGNING_KEYS)
        if not rows:
            await self._add(connection, self.wrap.new_signing_key())
            rows = await connection.fetch(SIGNING_KEYS)
        keys: dict[str, Ed25519PrivateKey] = {}
        for row in rows:
            kept = SealedSigningKey(
                key_id=row["key_id"], public_key=row["public_key"], sealed_private_key=row["sealed_private_key"]
            )
            keys[kept.key_id] = self.wrap.signing_key(kept)
        return Ed25519HeadSigner(next(row["key_id"] for row in rows if row["retired_at"] is None), keys)

    async def rotate(self, connection: Connection) -> SealedSigningKey:
        """Another key, which signs from now on."""
        key = self.wrap.new_signing_key()
        await connection.execute(_RETIRE)
        await self._add(connection, key)
        return key

    async def with_keys(self, connection: Connection, events: Sequence[RecordedEvent]) -> Sequence[UnsealedEvent]:
        """Each event with the key of its user or, where none is named, of its month.

        Without one, as those of the erased, where the key that is kept cannot be opened: sealing goes on.
        """
        owners = {event.id: _owner_of(event) for event in events}
        keys = await self._known(connection, set(owners.values()))
        held, erased = await self._without_key(connection, {each for each in owners.values() if each not in keys})
        for event in events:
            if owners[event.id] not in keys and owners[event.id] not in held | erased:
                # A user that there is not and never was one erased: the account of a sign-up that was given up.
                owners[event.id] = month_of(event.occurred_at)
        keys |= await self._known(connection, {each for each in owners.values() if each not in keys})
        keys |= await self._make(
            connection, {each for each in owners.values() if each not in keys and each not in erased}
        )
        opened = ((event, owners[event.id], keys.get(owners[event.id])) for event in events)
        return [
            UnsealedEvent(event=event, owner=owner, key=key) if key is not None else UnsealedEvent(event=event)
            for event, owner, key in opened
        ]

    async def _known(self, connection: Connection, owners: set[str]) -> dict[str, bytes | None]:
        """Those that are kept; ``None`` for one that cannot be opened."""
        rows = await connection.fetch(_KEYS, list(owners)) if owners else []
        return {row["owner"]: self._opened(row["owner"], row["sealed"]) for row in rows}

    def _opened(self, owner: str, sealed: bytes) -> bytes | None:
        try:
            return self.wrap.owner_key(owner, sealed)
        except AuditKeyUnreadable as failure:
            log.critical("%s: what is personal is left out of its entries", failure)
            return None

    async def _without_key(self, connection: Connection, owners: set[str]) -> tuple[set[str], set[str]]:
        """Of users that have no key those that are there, held until the end of the transaction, and the erased.

        With the users to be: sign-ups that wait.
        """
        users = [UUID(owner) for owner in owners if _is_user(owner)]
        if not users:
            return {each for each in owners if not _is_user(each)}, set()
        # In this order: what is a sign-up no more may be a user by now.
        held = {str(row["id"]) for row in await connection.fetch(_HOLD_SIGN_UPS, users)}
        held |= {str(row["id"]) for row in await connection.fetch(_HOLD_USERS, users)}
        erased = {str(row["user_id"]) for row in await connection.fetch(_ERASED, users)}
        return held | {each for each in owners if not _is_user(each)}, erased - held

    async def _make(self, connection: Connection, owners: set[str]) -> Mapping[str, bytes]:
        if not owners:
            return {}
        made: Mapping[str, tuple[bytes, bytes]] = {owner: self.wrap.new_owner_key(owner) for owner in owners}
        await connection.execute(_ADD, list(made), [sealed for _, sealed in made.values()])
        return {owner: key for owner, (key, _) in made.items()}

    async def _add(self, connection: Connection, key: SealedSigningKey) -> None:
        await connection.execute(_ADD_SIGNING, key.key_id, key.public_key, key.sealed_private_key)


def _owner_of(event: RecordedEvent) -> str:
    if event.type == SIGN_UP_REQUESTED:
        # It names no user, for there may never be one.
        return str(event.data[SIGN_UP_ID])
    return str(event.user_id) if event.user_id else month_of(event.occurred_at)


def _is_user(owner: str) -> bool:
    return len(owner) == len("00000000-0000-0000-0000-000000000000")
