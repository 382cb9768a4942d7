"""The file of a filter, version 1. All numbers are little-endian.

    preamble      64 bytes: magic, version, bits of a fingerprint, parts, bytes of the description, bytes of the file,
                  and the SHA-256 of all this, the description and the table
    fingerprints  of one part after the other; a part is one binary fuse filter of neighbouring ranges of hashes
    description   JSON: what it was built from and when
    table         36 bytes for each part, see ``_ROW``

The description comes last because it is known last: a filter is written as its source is read.
"""

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from infrastructure.passwords.breached.binary_fuse import Shape

PREAMBLE_BYTES = 64

_MAGIC = b"crmauthF"
_VERSION = 1
_SIZES = (8, 16)
_PREAMBLE = struct.Struct("<8sHHIIxxxxQ")
_ROW = struct.Struct("<IIQQIII")


class FilterRefused(Exception):
    """A filter cannot be used, or cannot be made of what was given; the message tells the operator why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a filter was built from and when: ``entries`` passwords in ``ranges`` of the 1,048,576 there are."""

    source: str
    built_at: datetime
    entries: int
    ranges: int
    min_count: int

    def encoded(self) -> bytes:
        """As JSON."""
        document = asdict(self) | {"built_at": self.built_at.astimezone(UTC).isoformat(timespec="seconds")}
        return json.dumps(document, ensure_ascii=False, sort_keys=True).encode()

    @classmethod
    def decoded(cls, text: bytes) -> "Description":
        """Of what :meth:`encoded` made."""
        document = json.loads(text)
        return cls(**document | {"built_at": datetime.fromisoformat(document["built_at"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The filter of the ranges from ``first_range`` to the next part's: where it lies, and how it is read."""

    first_range: int
    entries: int
    offset: int
    multiplier: int
    shape: Shape
    checksum: int
    """CRC-32 of its fingerprints."""

    def encoded(self) -> bytes:
        """A row of the table."""
        shape = (self.shape.segment_length, self.shape.segments)
        return _ROW.pack(self.first_range, self.entries, self.offset, self.multiplier, *shape, self.checksum)


@dataclass(frozen=True, slots=True)
class Contents:
    """All of a filter but its fingerprints, of ``bits`` each. The table stays bytes: there may be 14,000 rows."""

    bits: int
    description: Description
    table: bytes

    @property
    def parts(self) -> int:
        """How many there are."""
        return len(self.table) // _ROW.size

    def first_range(self, number: int) -> int:
        """The first range of that part."""
        row = number * _ROW.size
        return int.from_bytes(self.table[row : row + 4], "little")

    def part(self, number: int) -> Part:
        """One row of the table."""
        first_range, entries, offset, multiplier, length, segments, checksum = _ROW.unpack_from(
            self.table, number * _ROW.size
        )
        return Part(
            first_range=first_range,
            entries=entries,
            offset=offset,
            multiplier=multiplier,
            shape=Shape(length, segments),
            checksum=checksum,
        )

    def encoded(self, fingerprint_bytes: int) -> tuple[bytes, bytes]:
        """What stands before and behind that many bytes of fingerprints."""
        description = self.description.encoded()
        length = PREAMBLE_BYTES + fingerprint_bytes + len(description) + len(self.table)
        fields = _PREAMBLE.pack(_MAGIC, _VERSION, self.bits, self.parts, len(description), length)
        return fields + _digest(fields, description, self.table), description + self.table

    @classmethod
    def read(cls, file: BinaryIO, path: Path) -> "Contents":
        """From a file of which nothing is believed. Raises FilterRefused."""
        preamble = file.read(PREAMBLE_BYTES)
        if not preamble.startswith(_MAGIC):
            raise FilterRefused(
                f"{path} is not a filter of breached passwords; `crm-auth passwords build-filter` makes one."
            )
        if len(preamble) < PREAMBLE_BYTES:
            raise damaged(path, "it ends in its first line")
        fields, digest = preamble[: _PREAMBLE.size], preamble[_PREAMBLE.size :]
        _, version, bits, parts, description_bytes, length = _PREAMBLE.unpack(fields)
        if version != _VERSION or bits not in _SIZES:
            raise FilterRefused(f"{path} was made by a newer crm-auth; build it with the one that reads it.")
        if (there := os.fstat(file.fileno()).st_size) != length:
            raise damaged(path, f"it has {there:,} bytes of {length:,}")
        file.seek(-min(length - PREAMBLE_BYTES, description_bytes + parts * _ROW.size), os.SEEK_END)
        description, table = file.read(description_bytes), file.read()
        if _digest(fields, description, table) != digest:
            raise damaged(path, "its checksum is another")
        return cls(bits, Description.decoded(description), table)


def damaged(path: Path, how: str) -> FilterRefused:
    """What to tell of a file that was ours once."""
    return FilterRefused(f"{path} is damaged: {how}. Build it again, or copy it again.")


def _digest(fields: bytes, description: bytes, table: bytes) -> bytes:
    return hashlib.sha256(b"".join((fields, len(table).to_bytes(8), description, table))).digest()
