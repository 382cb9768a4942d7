"""Reading the lists of breached passwords that Have I Been Pwned publishes, as they are on a disk or come by a pipe."""

import os
import re
from array import array
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from infrastructure.passwords.breached.filter_format import FilterRefused
from infrastructure.passwords.breached.hashes import HashRange

_RANGE_FILE = re.compile(r"[0-9A-Fa-f]{5}\.txt")
_SUFFIX = re.compile(rb"^([0-9A-Fa-f]{16})[0-9A-Fa-f]{19}:([0-9]{1,12})\r?$", re.MULTILINE)
_HASH = re.compile(rb"^([0-9A-Fa-f]{5})([0-9A-Fa-f]{16})[0-9A-Fa-f]{19}:([0-9]{1,12})\r?$", re.MULTILINE)
_CHUNK = 1 << 22


def ranges_of_folder(folder: Path, min_count: int) -> Iterator[HashRange]:
    """Of files such as ``0018A.txt``, lines ``suffix:count``; of passwords seen ``min_count`` times at least.

    Raises FilterRefused, OSError.
    """
    with os.scandir(folder) as entries:
        names = sorted((entry.name for entry in entries if _RANGE_FILE.fullmatch(entry.name)), key=_number_of)
    if not names:
        raise FilterRefused(f"{folder} has no range files, such as 0018A.txt.")
    for name in names:
        text = (folder / name).read_bytes()
        found = _SUFFIX.findall(text)
        if len(found) != _lines(text):
            raise FilterRefused(f"{folder / name} has lines that are not 35 hexadecimal digits, a colon and a count.")
        keys = array("Q", [int(key, 16) for key, count in found if int(count) >= min_count])
        yield HashRange(_number_of(name), keys)


def ranges_of_stream(file: BinaryIO, name: str, min_count: int) -> Iterator[HashRange]:
    """Of lines ``hash:count`` in the order of the hashes; a range may come in pieces, one right after the other.

    Raises FilterRefused, OSError.
    """
    for text in _whole_lines(file):
        found = _HASH.findall(text)
        if len(found) != _lines(text):
            raise FilterRefused(f"{name} has lines that are not a SHA-1 of 40 hexadecimal digits, a colon and a count.")
        for number, hashes in groupby(found, key=lambda each: each[0]):
            keys = array("Q", [int(key, 16) for _, key, count in hashes if int(count) >= min_count])
            yield HashRange(int(number, 16), keys)


def _number_of(name: str) -> int:
    return int(name[:5], 16)


def _lines(text: bytes) -> int:
    return text.count(b"\n") + (not text.endswith(b"\n") and text != b"")


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    rest = b""
    while chunk := file.read(_CHUNK):
        lines, newline, rest = (rest + chunk).rpartition(b"\n")
        if lines:
            yield lines + newline
        if len(rest) > _CHUNK:
            break
    if rest:
        yield rest
