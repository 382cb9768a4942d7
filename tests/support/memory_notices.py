"""What mail and notices ask, in memory."""

import ipaddress
from dataclasses import dataclass
from uuid import UUID

from application.notices.ports import Sighting
from domain.accounts.identifiers import EmailAddress
from domain.errors import ServiceUnavailable
from domain.limits import Allowance
from domain.mail.kinds import MailKind
from domain.sessions.session import Session
from tests.support import rate_limits
from tests.support.memory_store import MemoryStore
from tests.support.rate_limits import Key
from tests.support.world import MAIL_RECIPIENT, MAIL_TOTAL

_ALL: Allowance = (MAIL_TOTAL, b"all")


@dataclass(frozen=True)
class MemoryDeviceHistory:
    store: MemoryStore

    async def sighting(self, session_id: UUID) -> Sighting | None:
        await self.store.round_trip()
        rows = self.store.rows
        if session_id not in rows.sessions:
            return None
        session = rows.sessions[session_id].session
        before = [
            each for each in rows.events
            if each.type == "session.started" and each.user_id == session.user_id
            and each.session_id and each.session_id < session_id
        ]  # fmt: skip
        kept = [stored.session for stored in rows.sessions.values()]
        earlier = [each for each in kept if each.user_id == session.user_id and each.id < session_id]
        is_known = any(_place(each) == _place(session) for each in earlier)
        is_news = bool(before) and not is_known
        return Sighting(device=session.device, ip_address=session.ip_address, is_news=is_news)


def _place(session: Session) -> tuple[str | None, str | None]:
    if session.ip_address is None:
        return session.device or session.user_agent, None
    address = ipaddress.ip_address(session.ip_address)
    length = 16 if address.version == 4 else 32
    return session.device or session.user_agent, str(ipaddress.ip_network((address, length), strict=False))


@dataclass(frozen=True)
class MemoryMailAllowance:
    store: MemoryStore

    async def take(self, to: EmailAddress, kind: MailKind) -> bool:
        now = await self.store.round_trip()
        counters, limits = self.store.rows.counters, self.store.limits
        if not rate_limits.count_one(counters, limits, _recipient(to, kind), now):
            return False
        if not rate_limits.count_one(counters, limits, _ALL, now):
            self._give_back(_recipient(to, kind))
            raise ServiceUnavailable
        return True

    async def give_back(self, to: EmailAddress, kind: MailKind) -> None:
        await self.store.round_trip()
        self._give_back(_recipient(to, kind), _ALL)

    def _give_back(self, *keys: Key) -> None:
        allowances = [Allowance(*key, self.store.limits[key[0]].interval) for key in keys]
        rate_limits.give_back(self.store.rows.counters, allowances)


def _recipient(to: EmailAddress, kind: MailKind) -> Key:
    return MAIL_RECIPIENT, f"{kind.value} {to.canonical}".encode()
