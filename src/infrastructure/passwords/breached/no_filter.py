"""For operators who do without a filter."""

from collections.abc import Iterator
from contextlib import contextmanager

from domain.credentials.password import Password


class NoFilter:
    """BreachedPasswords that knows none."""

    @contextmanager
    def opened(self) -> Iterator["NoFilter"]:
        """There is nothing to open."""
        yield self

    def includes(self, password: Password) -> bool:
        """Never."""
        return False
