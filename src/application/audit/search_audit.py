"""Look into the audit log."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from application.audit.documents import Document, read_entry
from application.audit.ports import END, AuditQuery, AuditTrail, PersonalCipher
from application.audit.read_chain import EVERYTHING

PAGE = 1000
LATEST = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchAudit:
    """What is asked for, with what is personal in it, as far as its keys have not been destroyed."""

    trail: AuditTrail
    cipher: PersonalCipher

    async def __call__(
        self, query: AuditQuery, *, after: int = 0, up_to: int = END, ip_address: str | None = None
    ) -> AsyncIterator[Document]:
        """Those with a higher sequence than ``after``, and none beyond ``up_to``, in their order.

        An address is sealed, so that looking for one means opening every entry that the rest of the query admits.
        Raises ServiceUnavailable, as the iterator does.
        """
        return self._documents(query, after, up_to, ip_address)

    async def _documents(
        self, query: AuditQuery, after: int, up_to: int, ip_address: str | None
    ) -> AsyncIterator[Document]:
        while page := await self.trail.entries(query, after=after, up_to=up_to, at_most=PAGE):
            for kept in page:
                document = read_entry(kept, self.cipher)
                if ip_address is None or document["ip_address"] == ip_address:
                    yield document
            after = page[-1].link.sequence

    async def last(
        self, query: AuditQuery, *, at_most: int, up_to: int = END, ip_address: str | None = None
    ) -> list[Document]:
        """The last of them, in their order; those with the address are looked for among the last 10,000 alone."""
        kept = await self.trail.latest(query, up_to=up_to, at_most=at_most if ip_address is None else LATEST)
        documents = [read_entry(each, self.cipher) for each in kept]
        wanted = [each for each in documents if ip_address is None or each["ip_address"] == ip_address]
        return wanted[-at_most:]

    async def end(self) -> int:
        """The sequence of the last entry that there is; 0 without any."""
        last = await self.trail.latest(EVERYTHING, at_most=1)
        return last[-1].link.sequence if last else 0
