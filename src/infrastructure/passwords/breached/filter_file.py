"""Looking passwords up in a filter file, two bytes at a time, where it lies."""

import logging
import os
import unicodedata
import zlib
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domain.credentials.password import Password
from domain.errors import ServiceUnavailable
from infrastructure.passwords.breached.binary_fuse import fingerprint, mixed
from infrastructure.passwords.breached.filter_format import Contents, Description, FilterRefused, Part, damaged
from infrastructure.passwords.breached.hashes import HashedPassword

log = logging.getLogger("crm_auth.breached_passwords")

_CHUNK = 1 << 20


class FilterFile:
    """BreachedPasswords: those that a filter was built from, and by chance 1 in 65,536 others (256 with 8 bits).

    It is read at the places of a key and nowhere else, so no process holds it: the operating system keeps what is
    asked for, once for all of them. Not mapped into memory, where a file that is cut short under us kills the process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1
        self._contents: Contents | None = None

    @contextmanager
    def opened(self) -> Iterator["FilterFile"]:
        """Open it for as long as the context lasts; without reading the fingerprints. Raises FilterRefused."""
        try:
            file = self.path.open("rb", buffering=0)
        except OSError as error:
            raise FilterRefused(f"{self.path}: {error.strerror}.") from None
        with file:
            self._contents = Contents.read(file, self.path)
            self._descriptor = file.fileno()
            try:
                yield self
            finally:
                self._descriptor = -1

    @property
    def description(self) -> Description:
        """What it was built from and when."""
        return self._read.description

    @property
    def bits(self) -> int:
        """Of a fingerprint: a password that is in no list is taken for one that is by a chance of 1 in 2^bits."""
        return self._read.bits

    def includes(self, password: Password) -> bool:
        """Whether it is in the lists, spelt composed or decomposed: people typed it either way (S03, S04).

        Raises ServiceUnavailable when the file can no longer be read: an unknown password is none that is good.
        """
        composed = password.text
        spellings = {composed} if composed.isascii() else {composed, unicodedata.normalize("NFD", composed)}
        try:
            return any(self._has(HashedPassword.of(spelling.encode())) for spelling in spellings)
        except OSError as error:
            log.error("%s cannot be read: %s", self.path, error)  # noqa: TRY400 - a traceback would show the password
            raise ServiceUnavailable(retry_after=60) from None

    def verify(self) -> None:
        """Read all of it, once. Raises FilterRefused."""
        for number in range(self._read.parts):
            part = self._read.part(number)
            if self._checksum(part) != part.checksum:
                raise damaged(self.path, f"part {number + 1} of {self._read.parts} has another checksum")

    @property
    def _read(self) -> Contents:
        if self._contents is None:
            raise RuntimeError("the filter was not opened")
        return self._contents

    def _has(self, hashed: HashedPassword) -> bool:
        contents = self._read
        number = bisect_right(range(contents.parts), hashed.range, key=contents.first_range) - 1
        if number < 0:
            return False
        part = contents.part(number)
        key = mixed(hashed.key, part.multiplier)
        width = contents.bits // 8
        combined = 0
        for place in part.shape.places_of(key):
            stored = os.pread(self._descriptor, width, part.offset + place * width)
            if len(stored) != width:
                raise OSError(f"it ends before byte {part.offset + place * width}")
            combined ^= int.from_bytes(stored, "little")
        return combined == fingerprint(key, contents.bits)

    def _checksum(self, part: Part) -> int:
        checksum = 0
        end = part.offset + part.shape.places * self._read.bits // 8
        for offset in range(part.offset, end, _CHUNK):
            checksum = zlib.crc32(os.pread(self._descriptor, min(_CHUNK, end - offset), offset), checksum)
        return checksum
