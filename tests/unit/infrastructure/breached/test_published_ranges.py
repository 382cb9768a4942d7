"""Reading what is published, in every way in which operators may have it."""

import io
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from infrastructure.passwords.breached import published_ranges
from infrastructure.passwords.breached.filter_format import FilterRefused
from infrastructure.passwords.breached.filter_writer import write_filter
from infrastructure.passwords.breached.hashes import HashRange
from infrastructure.passwords.breached.published_ranges import ranges_of_folder, ranges_of_stream
from tests.support.filters import DESCRIBED, hash_lines, range_folder, ranges_of

PASSWORDS = [f"a password that got out {number}" for number in range(200)]


def keys_of(ranges: Iterable[HashRange]) -> dict[int, list[int]]:
    keys: dict[int, list[int]] = {}
    for each in ranges:
        keys.setdefault(each.number, []).extend(each.keys)
    return {number: sorted(found) for number, found in keys.items()}


def stream(text: str, min_count: int = 1) -> Iterable[HashRange]:
    return ranges_of_stream(io.BytesIO(text.encode()), "the list", min_count)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
@pytest.mark.parametrize("change", [str.upper, str.lower])
def test_a_file_of_hashes(end: str, last: str, change: Callable[[str], str]) -> None:
    text = change(end.join(hash_lines(PASSWORDS))) + last

    assert keys_of(stream(text)) == keys_of(ranges_of(PASSWORDS))


@pytest.mark.parametrize("chunk", [60, 997])
def test_a_file_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(published_ranges, "_CHUNK", chunk)

    assert keys_of(stream("\n".join(hash_lines(PASSWORDS)))) == keys_of(ranges_of(PASSWORDS))


def test_a_folder_of_ranges(tmp_path: Path) -> None:
    folder = range_folder(tmp_path / "ranges", PASSWORDS)
    (folder / "README.txt").write_text("not a range")
    (folder / "fffff.txt").write_text("")

    found = keys_of(ranges_of_folder(folder, 1))

    assert found.pop(0xFFFFF) == []
    assert found == keys_of(ranges_of(PASSWORDS))


def test_what_was_seen_seldom_is_left_out() -> None:
    """And what was never seen: with padding, ranges have entries with a count of 0."""
    lines = sorted(hash_lines(["often seen"], 10) + hash_lines(["seen twice"], 2) + hash_lines(["padding"], 0))

    for min_count, left in ((1, ["often seen", "seen twice"]), (3, ["often seen"]), (11, [])):
        keys = sorted(key for each in stream("\n".join(lines), min_count) for key in each.keys)
        assert keys == sorted(key for each in ranges_of(left) for key in each.keys)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "letmein",
        "8846F7EAEE8FB117AD06BDD830B7586C:7",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:-1",
        "x5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:7",
        "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FDG:7",
        "5BAA6 E4C9B93F3F0682250B6CF8331B7EE68FD8:7",
    ],
)
def test_a_line_of_something_else_is_refused(tmp_path: Path, line: str) -> None:
    lines = hash_lines(PASSWORDS[:2])

    with pytest.raises(FilterRefused, match="the list has lines that are not"):
        list(stream("\n".join([lines[0], line, lines[1]])))
    (tmp_path / "5BAA6.txt").write_text(f"{line[5:]}\n{lines[0][5:]}\n")
    with pytest.raises(FilterRefused, match=r"5BAA6\.txt has lines that are not"):
        list(ranges_of_folder(tmp_path, 1))


def test_a_file_without_lines_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_ranges, "_CHUNK", 100)
    endless = io.BytesIO(b"0" * 10_000)

    with pytest.raises(FilterRefused):
        list(ranges_of_stream(endless, "zeros", 1))
    assert endless.tell() < 1000


def test_hashes_in_another_order_are_refused(tmp_path: Path) -> None:
    lines = reversed(hash_lines(PASSWORDS))

    with pytest.raises(FilterRefused, match="not in order"):
        write_filter(tmp_path / "filter", stream("\n".join(lines)), DESCRIBED, bits=16)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FilterRefused, match="has no range files"):
        list(ranges_of_folder(tmp_path, 1))
