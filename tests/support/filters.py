"""Filters of breached passwords, and the lists they are built from."""

import hashlib
from array import array
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from infrastructure.passwords.breached.filter_format import Description
from infrastructure.passwords.breached.filter_writer import write_filter
from infrastructure.passwords.breached.hashes import HashedPassword, HashRange

BUILT_AT = datetime(2026, 11, 3, 12, tzinfo=UTC)
DESCRIBED = Description(source="a test", built_at=BUILT_AT, entries=0, ranges=0, min_count=1)


def hash_lines(passwords: Iterable[str], count: int = 7) -> list[str]:
    """As published: ``SHA1:COUNT``, sorted."""
    return sorted(
        f"{hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest().upper()}:{count}" for text in passwords
    )


def ranges_of(passwords: Iterable[str]) -> list[HashRange]:
    by_range: defaultdict[int, list[int]] = defaultdict(list)
    for text in passwords:
        hashed = HashedPassword.of(text.encode())
        by_range[hashed.range].append(hashed.key)
    return [HashRange(number, array("Q", by_range[number])) for number in sorted(by_range)]


def filter_of(path: Path, passwords: Iterable[str], *, bits: int = 16) -> Path:
    """A filter file of these."""
    write_filter(path, ranges_of(passwords), DESCRIBED, bits=bits)
    return path


def range_folder(folder: Path, passwords: Iterable[str]) -> Path:
    """As the downloaders of Have I Been Pwned leave it."""
    folder.mkdir()
    by_range: defaultdict[str, list[str]] = defaultdict(list)
    for line in hash_lines(passwords):
        by_range[line[:5]].append(line[5:])
    for name, lines in by_range.items():
        (folder / f"{name}.txt").write_bytes("\r\n".join(lines).encode())
    return folder
