"""``python -m benchmarks.breached [COUNT]``: what a filter of breached passwords costs, of random hashes.

A filter does not care of which passwords its hashes are. Times are of one process; building takes as many as there
are cores, and takes as long in proportion to the count, for it is done in parts of one size.
"""

import os
import random
import resource
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from domain.credentials.password import Password
from infrastructure.passwords.breached.filter_file import FilterFile
from infrastructure.passwords.breached.filter_format import Description
from infrastructure.passwords.breached.filter_writer import write_filter
from infrastructure.passwords.breached.published_ranges import ranges_of_stream

COUNT = 1_000_000
PUBLISHED = 900_000_000
"""About as many as Have I Been Pwned has."""
LOOKUPS = 1_000_000


def main(count: int) -> None:
    with TemporaryDirectory() as folder:
        hashes = Path(folder, "hashes.txt")
        _write_hashes(hashes, count)
        for bits in (16, 8):
            _measure(hashes, Path(folder, "filter"), count, bits)
    print(f"memory at its peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _write_hashes(path: Path, count: int) -> None:
    source = random.Random(1)  # noqa: S311 - the same hashes each time
    with path.open("w") as file:
        for line in sorted(f"{source.getrandbits(160):040X}:1\r\n" for _ in range(count)):
            file.write(line)


def _measure(hashes: Path, output: Path, count: int, bits: int) -> None:
    described = Description(source="a benchmark", built_at=datetime.now(UTC), entries=0, ranges=0, min_count=1)
    with hashes.open("rb") as file:
        ranges = ranges_of_stream(file, hashes.name, 1)
        seconds = _processor_seconds(lambda: write_filter(output, ranges, described, bits=bits))
    size = output.stat().st_size
    each, bytes_each = seconds / count, size / count
    print(f"{bits} bits: {count:,} in {seconds:.1f} s, {each * 1e6:.1f} us and {bytes_each:.2f} bytes each")
    print(f"  {PUBLISHED:,}: {each * PUBLISHED / 60:.0f} min of one core, {bytes_each * PUBLISHED / 1e9:.1f} GB")
    with FilterFile(output).opened() as filter_file:
        seconds = _processor_seconds(filter_file.verify)
        print(f"  read to its end at {size / seconds / 1e9:.1f} GB/s")
        strangers = [Password(f"password that nobody has {number}") for number in range(LOOKUPS)]
        found: list[bool] = []
        seconds = _processor_seconds(lambda: found.extend(map(filter_file.includes, strangers)))
        print(f"  a lookup: {seconds / LOOKUPS * 1e6:.1f} us")
        print(f"  taken for published: {sum(found)} of {LOOKUPS:,} that are not; 1 in {1 << bits} is to be expected")


def _processor_seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


if __name__ == "__main__":
    os.nice(5)
    main(int(sys.argv[1]) if len(sys.argv) > 1 else COUNT)
