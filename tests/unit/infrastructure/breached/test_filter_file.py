"""Filter files: what they know, and that none which is damaged or another's is taken for sound."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.credentials.password import Password
from domain.errors import ServiceUnavailable
from infrastructure.passwords.breached import filter_writer
from infrastructure.passwords.breached.filter_file import FilterFile
from infrastructure.passwords.breached.filter_format import FilterRefused
from infrastructure.passwords.breached.filter_writer import write_filter
from tests.support.filters import BUILT_AT, DESCRIBED, filter_of, hash_lines, ranges_of

PUBLISHED = [f"a password that got out {number}" for number in range(300)]
KNOWN = Password.given(PUBLISHED[0])


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eleven or so."""
    monkeypatch.setattr(filter_writer, "PART_KEYS", 25)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return filter_of(tmp_path / "breached.filter", PUBLISHED)


def refusal_of(path: Path) -> str:
    with pytest.raises(FilterRefused) as refusal, FilterFile(path).opened() as filter_file:
        filter_file.verify()
    return str(refusal.value)


@pytest.mark.parametrize("bits", [8, 16])
def test_what_is_in_any_part_is_found(tmp_path: Path, bits: int) -> None:
    with FilterFile(filter_of(tmp_path / "filter", PUBLISHED, bits=bits)).opened() as filter_file:
        filter_file.verify()
        assert filter_file._read.parts > 5
        assert all(filter_file.includes(Password.given(text)) for text in PUBLISHED)
        assert sum(filter_file.includes(Password.given(f"a password that is secret {n}")) for n in range(300)) < 12


def test_it_says_what_it_was_built_from_and_when(path: Path) -> None:
    with FilterFile(path).opened() as filter_file:
        described = filter_file.description

    assert (described.source, described.built_at) == ("a test", BUILT_AT)
    assert (described.entries, described.ranges) == (300, len(ranges_of(PUBLISHED)))


def test_several_processes_write_the_same_file(tmp_path: Path, path: Path) -> None:
    write_filter(tmp_path / "other", ranges_of(PUBLISHED), DESCRIBED, bits=16, processes=2)

    assert (tmp_path / "other").read_bytes() == path.read_bytes()


def test_two_processes_read_one_file(path: Path) -> None:
    """At their own places: a shared one would move under each other."""
    with FilterFile(path).opened() as filter_file:
        if (child := os.fork()) == 0:
            os._exit(not all(filter_file.includes(Password.given(text)) for text in PUBLISHED))
        assert all(filter_file.includes(Password.given(text)) for text in PUBLISHED)
        assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("contents", [b"", b"#!/bin/sh\n", b"0018A45C4D1DEF81644B54AB7F969B88D65:21\r\n" * 9])
def test_another_file_is_refused(tmp_path: Path, contents: bytes) -> None:
    (tmp_path / "foreign").write_bytes(contents)

    assert refusal_of(tmp_path / "foreign") == (
        f"{tmp_path / 'foreign'} is not a filter of breached passwords; `crm-auth passwords build-filter` makes one."
    )


def test_one_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refusal_of(tmp_path / "nowhere") == f"{tmp_path / 'nowhere'}: No such file or directory."
    assert refusal_of(tmp_path) == f"{tmp_path}: Is a directory."


def test_one_of_a_later_version_is_refused(path: Path) -> None:
    contents = bytearray(path.read_bytes())
    contents[8] = 2
    path.write_bytes(contents)

    assert "made by a newer crm-auth" in refusal_of(path)


@pytest.mark.parametrize("length", [8, 63, 64, 1000, -1])
def test_one_that_was_cut_short_is_refused(path: Path, length: int) -> None:
    path.write_bytes(path.read_bytes()[:length])

    assert refusal_of(path).startswith(f"{path} is damaged: ")


def test_a_change_of_any_byte_is_noticed(path: Path) -> None:
    """One bit in each of many: of preamble, fingerprints, description and table."""
    sound = path.read_bytes()
    places = [*range(64), *range(64, len(sound), 13), *range(len(sound) - 80, len(sound))]
    for place in places:
        contents = bytearray(sound)
        contents[place] ^= 1 << place % 8
        path.write_bytes(contents)
        assert str(path) in refusal_of(path), place


def test_x07_one_that_is_cut_short_while_it_is_in_use_lets_nobody_in(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """And says nothing of the password: G02."""
    with FilterFile(path).opened() as filter_file, caplog.at_level(logging.DEBUG):
        os.truncate(path, 0)
        with pytest.raises(ServiceUnavailable):
            filter_file.includes(KNOWN)

    assert str(path) in caplog.text
    assert KNOWN.text not in caplog.text
    assert hash_lines([KNOWN.text])[0][:10].lower() not in caplog.text.lower()


def test_the_one_in_use_stays_when_another_takes_its_place(path: Path) -> None:
    with FilterFile(path).opened() as filter_file:
        filter_of(path, ["something else"])
        assert filter_file.includes(KNOWN)

    with FilterFile(path).opened() as filter_file:
        assert not filter_file.includes(KNOWN)


def test_the_one_that_is_there_stays_when_the_next_cannot_be_built(path: Path) -> None:
    def broken() -> "Iterator[object]":
        yield from ranges_of(PUBLISHED)
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        write_filter(path, broken(), DESCRIBED, bits=16)  # type: ignore[arg-type]

    assert list(path.parent.iterdir()) == [path]
    with FilterFile(path).opened() as filter_file:
        assert filter_file.includes(KNOWN)


def test_nothing_makes_no_filter(tmp_path: Path) -> None:
    with pytest.raises(FilterRefused, match="no password"):
        write_filter(tmp_path / "filter", [], DESCRIBED, bits=16)

    assert not list(tmp_path.iterdir())
