"""Hashes of no password, which the passwords of unknown users are checked against (L02).

Where hashes are of several costs, as after users were brought along from elsewhere, one cost for all unknown names
would tell who is known: whoever takes another time. So each unknown name has a cost that somebody known might have,
always the same one, and all of them together are spread as those of the known are.
"""

import hashlib
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate

from infrastructure.passwords.scheme import PasswordScheme


class StandIns:
    """Made anew as the population changes; a name changes its cost no more often than that makes it."""

    def __init__(self, schemes: Sequence[PasswordScheme]) -> None:
        self._schemes = schemes
        self._hashes: Mapping[str, str] = {}
        self._spread: tuple[Sequence[int], Sequence[str]] = (), ()
        """The hashes, and up to which share each is picked; set at once, for hashing threads read it meanwhile."""

    def learn(self, population: Mapping[str, int]) -> None:
        """How many hashes of each kind there are. Kinds that nothing is checked against count for nothing."""
        kept = {kind: self._hashes.get(kind) or self._made(kind) for kind in sorted(population)}
        self._hashes = {kind: stored for kind, stored in kept.items() if stored and population[kind] > 0}
        bounds = list(accumulate(population[kind] for kind in self._hashes))
        self._spread = bounds, list(self._hashes.values())

    def pick(self, name: str) -> str | None:
        """The hash for a name; ``None`` while nothing is known of the population."""
        bounds, hashes = self._spread
        if not hashes:
            return None
        # Uniform, and nobody outside knows how: a name comes here as its keyed digest.
        share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) / 2**64
        return hashes[bisect(bounds, share * bounds[-1])]

    def _made(self, kind: str) -> str | None:
        return next((stored for scheme in self._schemes if (stored := scheme.stand_in(kind))), None)
