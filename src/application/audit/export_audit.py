"""Write out the audit log, so that it can be verified elsewhere."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from application.audit.documents import Document, entry_line, head_line
from application.audit.ports import KeptEntry, PersonalCipher
from application.audit.read_chain import ReadChain


@dataclass(frozen=True, slots=True)
class ExportAudit:
    """All entries and heads, in the order in which they are verified."""

    read_chain: ReadChain
    cipher: PersonalCipher

    async def __call__(self, *, personal: bool) -> AsyncIterator[Document]:
        """A line each. With ``personal`` what is sealed is also there in clear, as far as it can be opened.

        Raises ServiceUnavailable, as the iterator does.
        """
        return self._lines(self.cipher if personal else None)

    async def _lines(self, cipher: PersonalCipher | None) -> AsyncIterator[Document]:
        async for each in await self.read_chain(with_keys=cipher is not None):
            yield entry_line(each, cipher) if isinstance(each, KeptEntry) else head_line(each)
