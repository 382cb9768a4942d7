"""The PhotoRenderer of the service: header first, then a place in the queue, then the darkroom."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from application.photos.ports import Renditions
from domain.errors import DomainError, Overloaded
from domain.photos.errors import invalid_photo
from domain.photos.photo import PhotoSize
from infrastructure.photos.darkroom import Darkroom, unavailable
from infrastructure.photos.frames import Outcome, Verdict
from infrastructure.photos.picture_header import is_rendition, read_header
from infrastructure.work_pool import WorkPool

QUEUE_LENGTH = 32
"""Pictures that may wait. How many bytes they may have together is up to who reads them in."""
MAX_WAIT = 2.5
"""Seconds for which one may wait. An ordinary one takes a twentieth of one."""
LONGEST = 4.0
"""Seconds from question to answer, the wait included (F04: below 5). One that waited long has less time to be read."""

_UNREADABLE = {
    Verdict.UNREADABLE: None,
    Verdict.TOO_LARGE: "Reading this picture takes more memory than it may have.",
    Verdict.TOO_SLOW: "Reading this picture takes more time than it may have.",
}


class PillowPhotoRenderer:
    """Decodes with Pillow, in processes apart from this one (docs/decisions/0014).

    For any number of event loops, one after the other or at once. One picture is decoded at a time: so much memory and
    so much of the processor are what photos can cost each server process (D03). No process is started before the first
    picture.
    """

    def __init__(self, *, queue_length: int = QUEUE_LENGTH, max_wait: float = MAX_WAIT) -> None:
        self._darkroom = Darkroom()
        self._pool = WorkPool(workers=1, queue_length=queue_length, max_wait=max_wait, name="photos")

    @contextmanager
    def opened(self) -> Iterator["PillowPhotoRenderer"]:
        """The renderer, its process ended at the end of the context; it may be opened again."""
        self._darkroom.open()
        try:
            with self._pool.opened():
                try:
                    yield self
                finally:
                    self._darkroom.close()  # or the pool would wait for its picture
        finally:
            self._darkroom.discard()

    async def render(self, data: bytes) -> Renditions:
        """Orientation applied, cut square, nothing kept but pixels; small originals are enlarged (F03 to F05).

        Transparent parts stay transparent, for the page behind them is not ours to guess. Raises InvalidValue
        ``invalid_photo``, Overloaded when the queue or the machine is full, and ServiceUnavailable when something ends
        the process that was at it.
        """
        read_header(data)
        deadline = time.monotonic() + LONGEST
        try:
            outcome = await self._pool.run(lambda: self._darkroom.develop(data, deadline=deadline))
        except TimeoutError:
            raise Overloaded(retry_after=2) from None
        return _renditions(outcome)


def _renditions(outcome: Outcome) -> Renditions:
    if outcome.verdict is not Verdict.RENDERED:
        raise _refusal(outcome.verdict)
    renditions = dict(zip(sorted(PhotoSize), outcome.renditions, strict=True))
    if not all(is_rendition(data, size) for size, data in renditions.items()):
        raise invalid_photo()
    return renditions


def _refusal(verdict: Verdict) -> DomainError:
    if verdict in _UNREADABLE:
        detail = _UNREADABLE[verdict]
        return invalid_photo(detail) if detail else invalid_photo()
    return Overloaded(retry_after=2) if verdict is Verdict.STARVED else unavailable()
