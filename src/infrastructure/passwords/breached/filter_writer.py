"""Writing a filter file from ranges of hashes, in memory that does not grow with them."""

import os
import zlib
from array import array
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from infrastructure.passwords.breached import binary_fuse
from infrastructure.passwords.breached.binary_fuse import Shape
from infrastructure.passwords.breached.filter_format import PREAMBLE_BYTES, Contents, Description, FilterRefused, Part
from infrastructure.passwords.breached.hashes import HashRange

PART_KEYS = 1 << 16
"""So that a part is made in the caches of a processor: with four times as many, each key takes half as long again."""
_LARGEST_PART = 1 << 22


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Neighbouring ranges that make one part."""

    first_range: int
    keys: "array[int]"


@dataclass(frozen=True, slots=True)
class _Made:
    """A part, made."""

    first_range: int
    entries: int
    shape: Shape
    multiplier: int
    fingerprints: bytes


def write_filter(
    path: Path, ranges: Iterable[HashRange], description: Description, *, bits: int, processes: int = 1
) -> Description:
    """Write the file, whole or not at all; the description with what was counted.

    A file that is there stays until the new one takes its place, and longer for those that have it open. Raises
    FilterRefused when the ranges are not in order or hold nothing, and what reading them raises.
    """
    in_order = _InOrder(ranges)
    workers = nullcontext() if processes == 1 else ProcessPoolExecutor(processes)
    with _replaced(path) as file, workers as pool:
        file.seek(PREAMBLE_BYTES)
        rows = _write_parts(file, _made(pool, 2 * processes, _gathered(in_order), bits))
        entries = sum(row.entries for row in rows)
        if not entries:
            raise FilterRefused("There is no password to build a filter from.")
        contents = Contents(
            bits=bits,
            description=replace(description, entries=entries, ranges=in_order.count),
            table=b"".join(row.encoded() for row in rows),
        )
        before, behind = contents.encoded(file.tell() - PREAMBLE_BYTES)
        file.write(behind)
        file.seek(0)
        file.write(before)
    return contents.description


class _InOrder:
    """The ranges, counted, each in one piece or in several that follow each other. Raises FilterRefused if not."""

    def __init__(self, ranges: Iterable[HashRange]) -> None:
        self._ranges = ranges
        self.count = 0

    def __iter__(self) -> Iterator[HashRange]:
        last = -1
        for each in self._ranges:
            if each.number < last:
                raise FilterRefused(f"The hashes are not in order: {each.number:05X}... comes after {last:05X}...")
            self.count += each.number > last
            last = each.number
            yield each


def _write_parts(file: BinaryIO, parts: Iterable[_Made]) -> list[Part]:
    rows = []
    for made in parts:
        rows.append(_row(made, file.tell()))
        file.write(made.fingerprints)
    return rows


def _row(made: _Made, offset: int) -> Part:
    return Part(
        first_range=made.first_range,
        entries=made.entries,
        offset=offset,
        multiplier=made.multiplier,
        shape=made.shape,
        checksum=zlib.crc32(made.fingerprints),
    )


def _gathered(ranges: Iterable[HashRange]) -> Iterator[_Gathered]:
    """No range is in two parts: a hash is looked for in one."""
    first = last = 0
    keys = array("Q")
    for each in ranges:
        if each.number != last and len(keys) >= PART_KEYS:
            yield _Gathered(first, keys)
            keys = array("Q")
        if not keys:
            first = each.number
        last = each.number
        keys.extend(each.keys)
        if len(keys) > _LARGEST_PART:
            raise FilterRefused(f"The hashes of {last:05X}... are too many to be those of passwords.")
    if keys:
        yield _Gathered(first, keys)


def _make(part: _Gathered, bits: int) -> _Made:
    keys = set(part.keys)
    made = binary_fuse.build(keys, bits)
    fingerprints = b"".join(each.to_bytes(bits // 8, "little") for each in made.fingerprints)
    return _Made(part.first_range, len(keys), made.shape, made.multiplier, fingerprints)


def _made(pool: ProcessPoolExecutor | None, ahead: int, parts: Iterable[_Gathered], bits: int) -> Iterator[_Made]:
    """Made by this process, or by those of the pool, which have no more than ``ahead`` waiting for them."""
    if pool is None:
        yield from (_make(part, bits) for part in parts)
        return
    begun: deque[Future[_Made]] = deque()
    for part in parts:
        begun.append(pool.submit(_make, part, bits))
        if len(begun) > ahead:
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """The file's next version; it takes the place of the present one when all of it is on the disk."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
