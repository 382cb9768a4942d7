"""Where a request comes from."""

from collections.abc import Callable
from dataclasses import dataclass, field

from domain.limits import Quota


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who asked, as far as it is known; all ``None`` for scripts, and all but ``operator`` for the command line."""

    ip_address: str | None = None
    """Of the client itself, proxies taken off."""
    user_agent: str | None = None
    request_id: str | None = None
    operator: str | None = None
    """Who acts on the accounts of others, by the name they have on the machine."""
    device_token: str | None = field(default=None, compare=False, repr=False)
    """As sent: by it a device that signed in before is known again. It opens nothing, and is written nowhere (L06)."""
    report: Callable[[Quota], None] | None = field(default=None, compare=False, repr=False)
    """Told what is left of a limit whenever one is asked, for whoever answers may say so."""

    @property
    def attribution(self) -> dict[str, str]:
        """What every event of an action by an operator says beside its own data: who did it (G01)."""
        return {} if self.operator is None else {"actor": f"operator:{self.operator}"}


NOWHERE = Origin()
