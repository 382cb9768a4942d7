"""Heads in the service's log, which is mostly carried off the host anyway."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from errno import ENOTSUP

from domain.audit.head import SignedHead

log = logging.getLogger("crm_auth.audit.heads")


@dataclass(frozen=True, slots=True)
class LogHeadPublisher:
    """A line at warning level for each; the message is its JSON."""

    async def publish(self, heads: Sequence[SignedHead]) -> None:
        """See the port."""
        if not log.isEnabledFor(logging.WARNING):
            raise OSError(ENOTSUP, "the logger crm_auth.audit.heads leaves out what is at level warning")
        for head in heads:
            log.warning("%s", head.line)
