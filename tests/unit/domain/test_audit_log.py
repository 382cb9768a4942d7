"""What is sealed and what the verifier, written apart, makes of it: whatever is changed is found."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.chain import GENESIS, Link, link_hash
from domain.audit.entry import PLAIN_DATA, canonical, entry_of, month_of, timestamp
from domain.audit.head import Head, SignedHead, signed_bytes
from domain.events import RecordedEvent
from infrastructure.audit.verifier import Report, TrustedKeys, Verification
from tests.support.clock import machine_in

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ENTRIES = st.lists(st.tuples(st.dictionaries(st.sampled_from("abc"), TEXT), st.binary(max_size=8)), max_size=4)
BATCHES = st.lists(ENTRIES, min_size=1, max_size=4)
Line = dict[str, Any]


def chain(batches: Sequence[Sequence[tuple[Mapping[str, str], bytes]]]) -> list[Line]:
    """As it is exported: each batch, and the head over it."""
    lines: list[Line] = []
    sequence, previous, last = 0, GENESIS, None
    for number, batch in enumerate(batches, start=1):
        for fields, personal in batch:
            sequence += 1
            link = Link.after(previous, sequence, canonical(fields), personal)
            previous = link.hash
            lines.append(
                {
                    "kind": "entry",
                    "sequence": sequence,
                    "entry": link.entry,
                    "personal": b64encode(personal).decode(),
                    "hash": link.hash.hex(),
                }
            )
        head = Head(
            number=number, sequence=sequence, hash=previous, at=NOON, previous=last.digest if last else "",
            begins_after=0, begins_hash=GENESIS, erasures=0, erased=(), key=sha256(PUBLIC).hexdigest()[:16],
        )  # fmt: skip
        last = SignedHead(body=head.body, signature=KEY.sign(signed_bytes(head.body)))
        lines.append(json.loads(last.line))
    return lines


def verified(lines: Sequence[Line], held: Sequence[Line] = ()) -> Report:
    return Verification(TrustedKeys([PUBLIC]), held).run(lines)


@given(BATCHES)
def test_g04_what_is_sealed_is_intact(batches: list[Any]) -> None:
    lines = chain(batches)
    report = verified(lines, [line for line in lines if line["kind"] == "head"])
    assert report.is_intact, report.findings
    assert report.entries == sum(map(len, batches))


def _changed(value: Any, where: int) -> Any:
    """Another value of the same kind."""
    if isinstance(value, int):
        return value + 1
    if not value:
        return "AA=="
    place = where % len(value)
    other = "b" if value[place] == "a" else "a"
    return value[:place] + other + value[place + 1 :]


@settings(max_examples=100)
@given(BATCHES, st.integers(min_value=0), st.integers(min_value=0), st.integers(min_value=0))
def test_g04_any_change_of_any_field_is_found(batches: list[Any], which: int, field: int, where: int) -> None:
    lines = chain(batches)
    held = [line for line in lines if line["kind"] == "head"][-1:]
    line = lines[which % len(lines)]
    name = sorted(set(line) - {"kind"})[field % (len(line) - 1)]
    line = {**line, name: _changed(line[name], where)}
    lines[which % len(lines)] = line
    assert not verified(lines, held).is_intact, name


@settings(max_examples=60)
@given(BATCHES, st.sets(st.integers(min_value=0, max_value=30), min_size=1))
def test_g04_whatever_is_left_out_is_found(batches: list[Any], left_out: set[int]) -> None:
    lines = chain(batches)
    held = [line for line in lines if line["kind"] == "head"][-1:]
    kept = [line for place, line in enumerate(lines) if place not in left_out]
    lost = [line for place, line in enumerate(lines) if place in left_out]
    if not any(line["kind"] == "entry" for line in lost):
        # Heads alone say nothing that others do not, but those within are missed, too.
        return
    assert not verified(kept, held).is_intact


@settings(max_examples=60)
@given(BATCHES, st.integers(min_value=0), st.integers(min_value=0))
def test_g04_whatever_changes_places_is_found(batches: list[Any], one: int, other: int) -> None:
    lines = chain(batches)
    entries = [place for place, line in enumerate(lines) if line["kind"] == "entry"]
    if len(entries) < 2:
        return
    first, second = entries[one % len(entries)], entries[other % len(entries)]
    if first == second:
        return
    moved = list(lines)
    moved[first], moved[second] = lines[second], lines[first]
    assert not verified(moved).is_intact
    renumbered = list(lines)
    renumbered[first] = {**lines[second], "sequence": lines[first]["sequence"]}
    renumbered[second] = {**lines[first], "sequence": lines[second]["sequence"]}
    assert not verified(renumbered).is_intact


@given(st.binary(max_size=8), st.binary(max_size=8), st.integers(min_value=1, max_value=8))
def test_g04_no_byte_can_move_from_one_part_to_another(entry: bytes, personal: bytes, moved: int) -> None:
    whole = entry + personal
    place = (len(entry) + moved) % (len(whole) + 1)
    if place == len(entry):
        return
    assert link_hash(GENESIS, 1, entry, personal) != link_hash(GENESIS, 1, whole[:place], whole[place:])


EVENT = RecordedEvent(
    id=UUID(int=1),
    type="log_in.failed",
    occurred_at=NOON,
    user_id=UUID(int=2),
    session_id=None,
    ip_address="192.0.2.1",
    user_agent="a browser",
    request_id="r-1",
    data={"identifier_digest": "0123", "reason": "a reason", "email": "ada@example.com"},
)


def test_g03_an_entry_is_spelt_in_one_way() -> None:
    entry = entry_of(EVENT, str(EVENT.user_id))
    assert entry.text == (
        '{"at":"2030-01-01T12:00:00.000000Z","data":{"reason":"a reason"}'
        ',"event":"00000000-0000-0000-0000-000000000001","key":"00000000-0000-0000-0000-000000000002","request":"r-1","type":"log_in.failed"'
        ',"user":"00000000-0000-0000-0000-000000000002","v":1}'
    )
    assert json.loads(entry.personal) == {
        "ip": "192.0.2.1",
        "user_agent": "a browser",
        "data": {"email": "ada@example.com", "identifier_digest": "0123"},
    }


@given(st.dictionaries(TEXT, TEXT))
def test_g05_what_is_not_known_to_be_harmless_is_never_in_clear(data: dict[str, str]) -> None:
    entry = entry_of(replace(EVENT, data=data), str(EVENT.user_id))
    assert set(json.loads(entry.text).get("data", {})) <= PLAIN_DATA


def test_a03_of_somebody_erased_nothing_personal_is_taken_over() -> None:
    entry = entry_of(EVENT, None)
    assert entry.personal == b""
    assert "192.0.2.1" not in entry.text
    assert "key" not in json.loads(entry.text)


@given(st.dictionaries(st.sampled_from("abc"), TEXT))
def test_g03_what_is_spelt_can_be_read_again_and_forges_no_line(fields: dict[str, str]) -> None:
    text = canonical(fields)
    assert json.loads(text) == fields
    assert canonical(json.loads(text)) == text
    assert not {"\n", "\r", "\x1b", "\0"} & set(text)


def test_times_sort_as_texts_do() -> None:
    assert timestamp(NOON) == "2030-01-01T12:00:00.000000Z"


def test_a_head_can_be_read_again() -> None:
    head = Head(
        number=3, sequence=9, hash=b"h" * 32, at=NOON, previous="ab", begins_after=2, begins_hash=b"b" * 32,
        erasures=4, erased=(UUID(int=7),), key="k", successor="cd",
    )  # fmt: skip
    assert Head.of(head.body) == head


def test_a_session_is_named_and_no_key_where_nothing_is_personal() -> None:
    told = replace(EVENT, session_id=UUID(int=3), ip_address=None, user_agent=None, data={})
    entry = entry_of(told, str(EVENT.user_id))
    assert entry.personal == b""
    said = json.loads(entry.text)
    assert said["session"] == "00000000-0000-0000-0000-000000000003"
    assert "key" not in said


def test_what_is_not_ascii_is_spelt_as_it_is() -> None:
    assert canonical({"b": "é", "a": 1}) == '{"a":1,"b":"é"}'


def test_a_link_keeps_what_it_hashes() -> None:
    link = Link.after(GENESIS, 7, "{}", b"sealed")
    assert (link.sequence, link.entry, link.personal) == (7, "{}", b"sealed")
    assert link.hash == link_hash(GENESIS, 7, b"{}", b"sealed")


def test_times_are_utc_whatever_the_machine_is_set_to() -> None:
    midnight = datetime(2030, 1, 31, 23, 30, tzinfo=UTC)
    with machine_in("Asia/Tokyo"):
        assert timestamp(midnight) == "2030-01-31T23:30:00.000000Z"
        assert month_of(midnight) == "2030-01"
