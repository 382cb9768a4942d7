"""What ``crm-auth audit`` does to look into the log: use cases, on the server's database or on the embedded one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from application.accounts.find_user import ID
from application.audit.documents import Document, head_line
from application.audit.ports import AuditQuery
from application.audit.read_chain import PAGE
from application.audit.search_audit import SearchAudit
from bootstrap.on_the_service import on_the_service
from bootstrap.operator import operator_origin
from domain.accounts.user import User
from interfaces.cli.audit_operations import AuditSearch, Show

if TYPE_CHECKING:
    from bootstrap.container import Container

LOOK_EVERY = 1.0
"""Seconds, while what comes is followed."""


class ServiceAuditReading:
    """Implements :class:`interfaces.cli.audit_operations.AuditReading`."""

    def tail(self, search: AuditSearch, *, count: int, follow: bool, show: Show) -> None:
        """The last entries, and those that come."""

        async def tail(container: "Container") -> None:
            query, search_audit = await _begun(container, "tail", search)
            after = await search_audit.end()
            show(await search_audit.last(query, at_most=count, ip_address=search.ip_address, up_to=after))
            while follow:
                await asyncio.sleep(LOOK_EVERY)
                end = await search_audit.end()
                async for entry in await search_audit(query, after=after, ip_address=search.ip_address, up_to=end):
                    show([entry])
                after = end

        with suppress(KeyboardInterrupt):
            on_the_service(tail)

    def search(self, search: AuditSearch, *, after: int, limit: int | None, show: Show) -> None:
        """Entries in their order."""

        async def run(container: "Container") -> None:
            query, search_audit = await _begun(container, "search", search)
            found = await search_audit(query, after=after, ip_address=search.ip_address)
            left = limit
            page: list[Document] = []
            async for entry in found:
                page.append(entry)
                left = None if left is None else left - 1
                if len(page) == PAGE or left == 0:
                    show(page)
                    page = []
                if left == 0:
                    return
            show(page)

        on_the_service(run)

    def export(self, *, personal: bool, show: Callable[[Document], None]) -> None:
        """All of it."""

        async def export(container: "Container") -> None:
            await container.use_cases.note_reading()("export --personal" if personal else "export", operator_origin())
            lines: AsyncIterator[Document] = await container.use_cases.export_audit()(personal=personal)
            async for line in lines:
                show(line)

        on_the_service(export)

    def heads(self, show: Callable[[Document], None]) -> None:
        """All heads."""

        async def heads(container: "Container") -> None:
            after = 0
            while page := await container.adapters.audit_trail().heads(after=after, at_most=PAGE):
                for number, signed in page:
                    show(head_line(signed))
                    after = number

        on_the_service(heads)


async def _begun(container: "Container", what: str, search: AuditSearch) -> tuple[AuditQuery, SearchAudit]:
    """The query, once it is written down that somebody asks."""
    query = AuditQuery(
        user_id=await _user_id(container, search.user),
        session_id=search.session_id,
        request_id=search.request_id,
        types=search.types,
        since=search.since,
        until=search.until,
    )
    await container.use_cases.note_reading()(what, operator_origin())
    return query, container.use_cases.search_audit()


async def _user_id(container: "Container", user: str | None) -> UUID | None:
    """An id as it is, for the account may be gone; whatever else is that of an account. Raises UserNotFound."""
    if user is None:
        return None
    if ID.fullmatch(user):
        return UUID(user)
    found: User = await container.use_cases.find_user()(user)
    return found.id
