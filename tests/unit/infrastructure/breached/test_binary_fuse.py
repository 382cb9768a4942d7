"""Binary fuse filters: nothing that was put in is ever missing, and little else is found."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infrastructure.passwords.breached import binary_fuse
from infrastructure.passwords.breached.binary_fuse import BinaryFuse, NotPlaced, Shape, build, fingerprint, mixed
from infrastructure.passwords.breached.hashes import HashedPassword

KEYS = st.sets(st.integers(0, 10**6).map(lambda number: HashedPassword.of(b"%d" % number).key), max_size=300)
STRANGERS = 20_000


def has(made: BinaryFuse, key: int, bits: int) -> bool:
    found = mixed(key, made.multiplier)
    first, second, third = (made.fingerprints[place] for place in made.shape.places_of(found))
    return first ^ second ^ third == fingerprint(found, bits)


@given(KEYS, st.sampled_from([8, 16]))
@settings(max_examples=50, deadline=None)
def test_every_key_is_found(keys: set[int], bits: int) -> None:
    made = build(keys, bits)

    assert all(has(made, key, bits) for key in keys)
    assert len(made.fingerprints) == made.shape.places
    assert all(0 <= each < 1 << bits for each in made.fingerprints)


@pytest.mark.parametrize(("bits", "most"), [(8, 130), (16, 4)])
def test_others_are_found_as_seldom_as_said(bits: int, most: int) -> None:
    """Of 20,000 others 78 and 0.3 are to be expected; so many more come once in a million."""
    source = random.Random(1)
    made = build({source.getrandbits(64) for _ in range(10_000)}, bits)

    assert sum(has(made, source.getrandbits(64), bits) for _ in range(STRANGERS)) <= most


def test_the_same_keys_make_the_same_filter() -> None:
    source = random.Random(2)
    keys = [source.getrandbits(64) for _ in range(1000)]

    assert build(keys, 16) == build(list(reversed(keys)), 16)


@pytest.mark.parametrize(("count", "most"), [(1_000, 1.5), (65_536, 1.2), (1_000_000, 1.14)])
def test_it_takes_little_more_room_than_its_keys(count: int, most: float) -> None:
    assert 1.12 <= Shape.for_keys(count).places / count <= most


@given(st.integers(0, 2**64 - 1), st.integers(0, 10**7))
def test_places_are_in_three_neighbouring_segments(key: int, count: int) -> None:
    shape = Shape.for_keys(count)

    first, second, third = (place // shape.segment_length for place in shape.places_of(key))
    assert (second, third) == (first + 1, first + 2)
    assert 0 <= first < shape.segments


def test_keys_that_find_no_places_are_tried_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """As they are once in many thousands of parts: here, by too little room for the first multiplier."""
    tried: list[int] = []
    settled = binary_fuse._settled

    def at_the_third(shape: Shape, keys: list[int]) -> tuple[list[int], list[int]]:
        tried.append(keys[0])
        return ([], []) if len(tried) < 3 else settled(shape, keys)

    monkeypatch.setattr(binary_fuse, "_settled", at_the_third)
    made = build({1, 2, 3}, 16)

    assert len(set(tried)) == 3
    assert all(has(made, key, 16) for key in (1, 2, 3))


def test_a_key_that_is_there_twice_is_refused_in_the_end() -> None:
    with pytest.raises(NotPlaced):
        build([7, 7], 16)
