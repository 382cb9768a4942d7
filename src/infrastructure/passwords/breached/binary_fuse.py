"""Binary fuse filters: which keys are surely not in a set, in 9 or 19 bits for each that is.

By Graf and Lemire, "Binary Fuse Filters: Fast and Smaller Than Xor Filters", ACM Journal of Experimental Algorithmics
27 (2022).

A key has one place in each of three neighbouring segments, and a fingerprint: what those three places hold, combined
by exclusive or. A key that was not put in has that fingerprint by chance alone: 1 in 256 or 65,536.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

_WORD = (1 << 64) - 1
_GOLDEN = 0x9E3779B97F4A7C15
"""Odd, and without a pattern in its bits: 2^64 by the golden ratio."""
_MOST_TRIES = 100
_LARGEST_SEGMENT = 1 << 18


class NotPlaced(RuntimeError):
    """The keys have no places under any multiplier that was tried; it happens to no keys that are distinct."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many places there are: ``segments`` + 2 segments of ``segment_length``, a power of two."""

    segment_length: int
    segments: int

    @classmethod
    def for_keys(cls, count: int) -> "Shape":
        """The smallest that keys are likely to find their places in (the paper's section 4, arity 3)."""
        keys = max(2, count)
        length = min(_LARGEST_SEGMENT, 1 << math.floor(math.log(keys) / math.log(3.33) + 2.25))
        room = max(1.125, 0.875 + 0.25 * math.log(1_000_000) / math.log(keys))
        return cls(length, max(1, math.ceil(keys * room / length) - 2))

    @property
    def places(self) -> int:
        """How many fingerprints are stored."""
        return (self.segments + 2) * self.segment_length

    def places_of(self, mixed: int) -> tuple[int, int, int]:
        """Where a key is, once :func:`mixed` with a multiplier."""
        length, last_bits = self.segment_length, self.segment_length - 1
        first = mixed * (self.segments * length) >> 64
        return first, first + length ^ mixed >> 18 & last_bits, first + 2 * length ^ mixed & last_bits


@dataclass(frozen=True, slots=True)
class BinaryFuse:
    """A filter that was made: what a reader needs to find a key's three places, and what they hold."""

    shape: Shape
    multiplier: int
    fingerprints: Sequence[int]


def mixed(key: int, multiplier: int) -> int:
    """A key of 64 random bits, another way for each odd multiplier. Keys are cut from a hash: no more is needed."""
    return key * multiplier & _WORD


def fingerprint(mixed_key: int, bits: int) -> int:
    """What the three places of a key have in common."""
    return (mixed_key ^ mixed_key >> 32) & ((1 << bits) - 1)


def build(keys: Collection[int], bits: int) -> BinaryFuse:
    """A filter of distinct keys of 64 random bits each. The same keys make the same filter.

    It takes about 4 microseconds and 150 bytes a key. Raises NotPlaced.
    """
    shape = Shape.for_keys(len(keys))
    for number in range(_MOST_TRIES):
        multiplier = (_GOLDEN + 2 * number * _GOLDEN) & _WORD
        # In order, so that neighbours in memory are asked for one after the other.
        order, places = _settled(shape, sorted([mixed(key, multiplier) for key in keys]))
        if len(order) == len(keys):
            return BinaryFuse(shape, multiplier, _filled(shape, order, places, bits))
    raise NotPlaced(f"{len(keys)} keys have no places")


def _settled(shape: Shape, mixed_keys: Iterable[int]) -> tuple[list[int], list[int]]:
    """Keys, and for each a place that none of those before it has; some are missing where that cannot be done.

    A place that one key alone has is that key's. Without the key its other places may have one key left, and so on.
    ``Shape.places_of`` is written out here and below: calling it would take most of the time.
    """
    length, last_bits, span = shape.segment_length, shape.segment_length - 1, shape.segments * shape.segment_length
    counts = [0] * shape.places
    combined = [0] * shape.places
    for key in mixed_keys:
        first = key * span >> 64
        for place in (first, first + length ^ key >> 18 & last_bits, first + 2 * length ^ key & last_bits):
            counts[place] += 1
            combined[place] ^= key
    alone = [place for place, count in enumerate(counts) if count == 1]
    order, places = [], []
    while alone:
        place = alone.pop()
        if counts[place] != 1:
            continue
        key = combined[place]
        order.append(key)
        places.append(place)
        first = key * span >> 64
        for each in (first, first + length ^ key >> 18 & last_bits, first + 2 * length ^ key & last_bits):
            counts[each] = left = counts[each] - 1
            combined[each] ^= key
            if left == 1:
                alone.append(each)
    return order, places


def _filled(shape: Shape, order: list[int], places: list[int], bits: int) -> list[int]:
    """From the last to the first: when a key is written its own place is still free, the other two are settled."""
    length, last_bits, span = shape.segment_length, shape.segment_length - 1, shape.segments * shape.segment_length
    stored = [0] * shape.places
    for key, place in zip(reversed(order), reversed(places), strict=True):
        first = key * span >> 64
        second, third = first + length ^ key >> 18 & last_bits, first + 2 * length ^ key & last_bits
        stored[place] = fingerprint(key, bits) ^ stored[first] ^ stored[second] ^ stored[third]
    return stored
