"""What we are built of, and what must not be in what we hand on."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.support.documents import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[0-9][^ ;]*)", re.MULTILINE)

AT_LEAST = {
    "litestar": (2, 20),  # CVE-2026-25479, CVE-2026-25480
    "pyjwt": (2, 13),  # CVE-2026-48523
    "pillow": (12, 2),  # CVE-2026-40192
    "multipart": (1, 3, 1),  # CVE-2026-28356
    "h11": (0, 16),  # CVE-2025-43859
    "asyncpg": (0, 21),
    "bcrypt": (5,),  # raises for more than 72 bytes, and does not cut them off
}
PRIVATE = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_c04_what_is_installed_is_pinned_by_version_and_hash(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert entries
    for entry in entries:
        assert PINNED.match(entry), entry
        assert "--hash=sha256:" in entry, entry
        assert "://" not in entry, "only what the index has"


def test_c04_nothing_is_older_than_its_last_known_weakness() -> None:
    pins = PINNED.findall((ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8"))
    versions = {name.lower(): tuple(int(part) for part in re.findall(r"\d+", version)) for name, version in pins}
    assert versions.keys() >= AT_LEAST.keys()
    assert {name: version for name, version in versions.items() if version < AT_LEAST.get(name, ())} == {}


def test_k09_no_private_key_is_in_the_repository() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout of git")
    files = [ROOT / name for name in listed.stdout.decode().split("\0") if name]
    assert len(files) > 100, "it is the right folder"
    found = [path for path in files if path.is_file() and PRIVATE.search(path.read_bytes())]
    assert found == []
