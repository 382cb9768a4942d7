"""Whose photo is whose in the store in memory, and stand-ins for what renders and keeps pictures."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from application.photos.ports import Renditions
from application.sessions.ports import Caller
from domain.errors import Overloaded, ServiceUnavailable
from domain.photos.photo import CLAIM_WINDOW, PhotoSize
from domain.sessions.errors import InvalidAccessToken
from infrastructure.photos.picture_header import read_header
from tests.support.memory_rows import Rows
from tests.support.photos import WEBP, picture

Write = Callable[[Rows, datetime], None]


@dataclass(frozen=True)
class StagedPhotoWrites:
    """The writer of photos in a unit of work."""

    stage: Callable[[Write], None]

    def claim(self, photo_id: str) -> None:
        def write(rows: Rows, now: datetime) -> None:
            since = rows.unowned_photos.pop(photo_id, None)
            if since is None or since <= now - CLAIM_WINDOW:
                raise ServiceUnavailable

        self.stage(write)

    def replace(self, caller: Caller, photo_id: str | None) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if rows.live(caller, now) is None:
                raise InvalidAccessToken
            _release(rows, caller.user_id, now)
            user = rows.users[caller.user_id]
            rows.users[caller.user_id] = replace(user, photo_id=photo_id, updated_at=now)

        self.stage(write)

    def release_of(self, user_id: UUID) -> None:
        self.stage(lambda rows, now: _release(rows, user_id, now))


def _release(rows: Rows, user_id: UUID, now: datetime) -> None:
    user = rows.users.get(user_id)
    if user is not None and user.photo_id is not None:
        rows.unowned_photos[user.photo_id] = now


NO_PICTURE = b"no picture"


def renditions_of(data: bytes) -> Renditions:
    """What the fake makes of a picture: one colour, which is of the content."""
    colour = "#" + hashlib.sha256(data).hexdigest()[:6]
    return {size: picture(WEBP, width=size, height=size, colour=colour) for size in PhotoSize}


@dataclass
class FakePhotoRenderer:
    """Believes whatever a header says."""

    rendered: list[bytes] = field(default_factory=list)
    overloaded: bool = False

    async def render(self, data: bytes) -> Renditions:
        self.rendered.append(data)
        if self.overloaded:
            raise Overloaded
        read_header(data)
        return renditions_of(data)


@dataclass
class MemoryPhotoStore:
    """``meanwhile`` happens after the next write, which is how a test forces a race."""

    files: dict[tuple[str, PhotoSize], bytes] = field(default_factory=dict)
    is_away: bool = False
    meanwhile: Callable[[], Awaitable[object]] | None = None

    @property
    def photo_ids(self) -> set[str]:
        """Of which there is at least one file."""
        return {photo_id for photo_id, _ in self.files}

    async def put(self, photo_id: str, renditions: Renditions) -> None:
        self._answer()
        self.files |= {(photo_id, size): picture for size, picture in renditions.items()}
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            await meanwhile()

    async def get(self, photo_id: str, size: PhotoSize) -> bytes | None:
        self._answer()
        return self.files.get((photo_id, size))

    async def delete(self, photo_id: str) -> None:
        self._answer()
        for size in PhotoSize:
            self.files.pop((photo_id, size), None)

    def _answer(self) -> None:
        if self.is_away:
            raise ServiceUnavailable
