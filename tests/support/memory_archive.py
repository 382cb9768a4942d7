"""All that is held on a user of the store in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from application.accounts.export_account import ArchiveContents, HeldCredential, HeldEvent, HeldToken
from application.origin import NOWHERE, Origin
from application.sessions.ports import Caller
from domain.credentials.password import CredentialKind
from domain.events import RecordedEvent
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import Session
from tests.support.memory_store import MemoryStore
from tests.support.rate_limits import Journey
from tests.support.world import EXPORT_ACCOUNT
from tests.support.world import RecordedEvent as KeptEvent


@dataclass(frozen=True)
class MemoryArchive:
    """Its snapshot is the length of the record, which only grows."""

    store: MemoryStore

    async def open(self, caller: Caller, origin: Origin = NOWHERE) -> ArchiveContents:
        now = await self.store.round_trip()
        rows = self.store.rows
        if rows.live(caller, now) is None:
            raise InvalidAccessToken
        key = (EXPORT_ACCOUNT, caller.user_id.bytes)
        self.store.count(Journey("export", [key], told=EXPORT_ACCOUNT), origin, now)
        user, credential = rows.users[caller.user_id], rows.credentials[caller.user_id]
        at = credential.created_at
        return ArchiveContents(
            now=now,
            snapshot=str(len(rows.events)),
            user=user,
            username_changed_at=(),
            reserved_usernames=sum(owner == user.id for owner in rows.reserved_usernames.values()),
            credentials=[HeldCredential(kind=CredentialKind.PASSWORD, created_at=at, updated_at=at)],
            one_time_tokens=[
                HeldToken(purpose=each.purpose.value, created_at=now, expires_at=each.expires_at)
                for each in rows.one_time_tokens.values()
                if each.user_id == user.id
            ],
            pending_email=change.email.original if (change := rows.email_changes.get(user.id)) else None,
            former_emails=tuple(each.email.original for each in rows.former_emails if each.user_id == user.id),
        )

    async def sessions(self, contents: ArchiveContents, *, after: UUID | None, at_most: int) -> Sequence[Session]:
        await self.store.round_trip()
        held = [stored.session for stored in self.store.rows.sessions.values()]
        mine = [each for each in held if each.user_id == contents.user.id and each.created_at <= contents.now]
        behind = [each for each in mine if after is None or each.id > after]
        return sorted(behind, key=lambda session: session.id)[:at_most]

    async def events(self, contents: ArchiveContents, *, after: int, at_most: int) -> Sequence[HeldEvent]:
        now = await self.store.round_trip()
        seen = enumerate(self.store.rows.events[: int(contents.snapshot)], start=1)
        mine = [(position, event) for position, event in seen if _is_of(contents.user.id, event)]
        return [
            HeldEvent(position=position, event=recorded_event(position, event, now))
            for position, event in mine
            if position > after
        ][:at_most]


def _is_of(user_id: UUID, event: KeptEvent) -> bool:
    return user_id == event.user_id or event.data.get("sign_up_id") == str(user_id)


def recorded_event(position: int, event: KeptEvent, occurred_at: datetime) -> RecordedEvent:
    return RecordedEvent(
        id=UUID(int=position),
        type=event.type,
        occurred_at=occurred_at,
        user_id=event.user_id,
        session_id=event.session_id,
        ip_address=event.origin.ip_address,
        user_agent=event.origin.user_agent,
        request_id=event.origin.request_id,
        data=event.data,
    )
