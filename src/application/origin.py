"""Where a request comes from."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asked, as far as the transport tells; all ``None`` for the command line and scripts."""

    ip_address: str | None = None
    """Of the client itself, proxies taken off."""
    user_agent: str | None = None
    request_id: str | None = None


NOWHERE = Origin()
