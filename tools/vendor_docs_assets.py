"""Fetch or verify the Swagger UI files that the documentation page serves.

    python tools/vendor_docs_assets.py           fetch the pinned release with npm and write the files
    python tools/vendor_docs_assets.py --check   verify the files in the tree against the pins; no network

The files are kept in the repository because the page must work with no internet access and must not run a
script that somebody else can change. An upgrade is: new VERSION, run, copy the digests it reports, read the diff.

The licence texts travel with the files. The one alteration is that references to source maps are removed: the maps
are not shipped, and a browser's developer tools would ask for them.
"""

import argparse
import hashlib
import re
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "swagger-ui-dist"
VERSION = "5.35.0"
TARGET = Path(__file__).resolve().parent.parent / "src" / "interfaces" / "http" / "docs" / "assets"
SOURCE_MAP = re.compile(rb"\s*(?:/\*[#@] sourceMappingURL=[^*]*\*/|//[#@] sourceMappingURL=\S*)\s*\Z")


@dataclass(frozen=True, slots=True)
class Vendored:
    """One file: its name in the package, its name here, and the SHA-256 of what is written here (hex)."""

    source: str
    name: str
    sha256: str


FILES = (
    Vendored(
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.min.js",
        "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    ),
    Vendored(
        "swagger-ui.css", "swagger-ui.min.css", "3e86072be98d5b8b6090f51cd0a7bb8dafe8f165f201b865fa917d4014fc48e5"
    ),
    Vendored(
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui-bundle.js.LICENSE.txt",
        "37eb6e7e59aed57b2c1acf076574b818ea07b74265717e0bd67b59e0baf9abbb",
    ),
    Vendored("LICENSE", "swagger-ui.LICENSE.txt", "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"),
    Vendored("NOTICE", "swagger-ui.NOTICE.txt", "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2"),
)


def fetch() -> dict[str, bytes]:
    """The pinned files as they are to be written, by their name here. Raises CalledProcessError when npm fails."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, stdout=subprocess.DEVNULL
        )
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as package:
            return {file.name: SOURCE_MAP.sub(b"\n", _member(package, file.source)) for file in FILES}


def _member(package: tarfile.TarFile, name: str) -> bytes:
    stream = package.extractfile(f"package/{name}")
    if stream is None:
        raise FileNotFoundError(name)
    return stream.read()


def mismatches(contents: dict[str, bytes]) -> list[str]:
    """A line for every file whose digest is not the pinned one."""
    found = {file.name: hashlib.sha256(contents.get(file.name, b"")).hexdigest() for file in FILES}
    return [f"{file.name}: sha256 is {found[file.name]}" for file in FILES if found[file.name] != file.sha256]


def vendored() -> dict[str, bytes]:
    """The files in the tree, by name; one that is missing is left out."""
    return {path.name: path.read_bytes() for file in FILES if (path := TARGET / file.name).is_file()}


def main() -> int:
    """Exit status: 0 when every file has its pinned digest, 1 otherwise (then nothing is written)."""
    parser = argparse.ArgumentParser(description="Fetch or verify the vendored Swagger UI files.")
    parser.add_argument("--check", action="store_true", help="verify the files in the tree, without network")
    check = parser.parse_args().check
    contents = vendored() if check else fetch()
    if problems := mismatches(contents):
        print(f"not the pinned {PACKAGE} {VERSION}:", *problems, sep="\n  ", file=sys.stderr)
        return 1
    if not check:
        TARGET.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            (TARGET / name).write_bytes(content)
    print(f"{PACKAGE} {VERSION}: {len(contents)} files as pinned")
    return 0


if __name__ == "__main__":
    sys.exit(main())
