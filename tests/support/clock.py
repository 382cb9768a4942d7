"""A clock that stands still until it is moved, and the time zone of the machine."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from unittest import mock


class MovableClock:
    """Implements ``application.ports.Clock``."""

    def __init__(self, start: datetime = datetime(2030, 1, 1, 12, tzinfo=UTC)) -> None:
        self.time = start

    def now(self) -> datetime:
        return self.time

    def advance(self, by: timedelta) -> None:
        self.time += by


@contextmanager
def machine_in(zone: str) -> Iterator[None]:
    """The time zone of the process, which nothing that is written down may depend on."""
    try:
        with mock.patch.dict(os.environ, TZ=zone):
            time.tzset()
            yield
    finally:
        time.tzset()
