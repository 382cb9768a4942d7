"""Hostile pictures end as a refusal or as harmless pixels, within 5 s and bounded memory (F03 to F06, I12)."""

import asyncio
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.photos.ports import Renditions
from domain.errors import DomainError, InvalidValue, Overloaded
from domain.photos.photo import PhotoSize
from infrastructure.photos.darkroom import Darkroom
from infrastructure.photos.darkroom_process import MEMORY_LIMIT
from infrastructure.photos.frames import Verdict
from infrastructure.photos.picture_header import is_rendition
from infrastructure.photos.renderer import PillowPhotoRenderer
from tests.support.hostile_pictures import HOSTILE_PICTURES, HarmlessAs, Hostile, jpeg, webp
from tests.support.photos import picture

MIB = 1024**2
ACTIVE = (b"<script", b"alert", b"evil.txt", b"PK\x03\x04")
PAGE = resource.getpagesize()
TOO_SLOW = "more time than it may have"


@pytest.fixture(scope="module")
def renderer() -> Iterator[PillowPhotoRenderer]:
    with PillowPhotoRenderer().opened() as renderer:
        yield renderer


def resident() -> int:
    """Bytes of this process in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


async def outcome(renderer: PillowPhotoRenderer, data: bytes) -> Renditions | DomainError:
    try:
        return await renderer.render(data)
    except DomainError as refusal:
        return refusal


def test_there_are_enough_kinds() -> None:
    assert len({hostile.name for hostile in HOSTILE_PICTURES}) == len(HOSTILE_PICTURES) >= 29


@pytest.mark.parametrize("hostile", HOSTILE_PICTURES, ids=str)
async def test_f03_f04_f06_it_is_refused_or_rendered_harmlessly(
    renderer: PillowPhotoRenderer, hostile: Hostile
) -> None:
    data = hostile.make()
    before, began = resident(), time.monotonic()

    answer = await outcome(renderer, data)

    assert time.monotonic() - began < 5
    assert resident() - before < len(data) + 8 * MIB
    if hostile.dear and (
        isinstance(answer, Overloaded) or (isinstance(answer, InvalidValue) and TOO_SLOW in str(answer))
    ):
        return
    if hostile.harmless_as is HarmlessAs.REFUSED:
        assert isinstance(answer, InvalidValue)
        assert answer.reason == "invalid_photo"
    else:
        assert not isinstance(answer, DomainError), answer
        for size, rendition in answer.items():
            assert is_rendition(rendition, size)
            assert not any(active in rendition for active in ACTIVE)


async def test_what_follows_is_rendered(renderer: PillowPhotoRenderer) -> None:
    assert set(await renderer.render(picture())) == set(PhotoSize)


def test_f04_the_dearest_picture_stays_within_the_memory_that_it_gets() -> None:
    darkroom = Darkroom()
    try:
        outcome = darkroom.develop(webp.most_pixels_allowed(), deadline=time.monotonic() + 30)
    finally:
        darkroom.close()
        darkroom.discard()

    assert outcome.verdict in {Verdict.RENDERED, Verdict.STARVED}
    assert outcome.peak_kib * 1024 < MEMORY_LIMIT


async def test_f04_twenty_bombs_at_once_hold_up_nobody(renderer: PillowPhotoRenderer) -> None:
    """I12."""
    bomb, lags = jpeg.scans_without_end(), []

    async def others() -> None:
        while True:
            began = time.monotonic()
            await asyncio.sleep(0.01)
            lags.append(time.monotonic() - began)

    await renderer.render(picture())
    before, began = resident(), time.monotonic()
    watching = asyncio.create_task(others())
    answers = await asyncio.gather(*(outcome(renderer, bomb) for _ in range(20)))
    watching.cancel()

    assert time.monotonic() - began < 5
    assert all(isinstance(answer, InvalidValue | Overloaded) for answer in answers)
    assert sorted(lags)[int(len(lags) * 0.99)] < 0.5
    assert resident() - before < 32 * MIB
    assert set(await renderer.render(picture())) == set(PhotoSize)
