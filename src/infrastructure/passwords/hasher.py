"""The PasswordHasher: makes hashes by one scheme, and checks passwords against those of every scheme it knows."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial

from domain.credentials.password import Password
from infrastructure.passwords.hashing_pool import HashingPool
from infrastructure.passwords.scheme import PasswordScheme, UnreadableHash
from infrastructure.passwords.stand_ins import StandIns

_LOG = logging.getLogger(__name__)


class PooledPasswordHasher:
    """PasswordHasher whose work is done in a pool, so that the event loop never hashes."""

    def __init__(self, pool: HashingPool, scheme: PasswordScheme, also_read: Sequence[PasswordScheme] = ()) -> None:
        self._pool = pool
        self._scheme = scheme
        self._schemes = (scheme, *also_read)
        self._stand_ins = StandIns(self._schemes)

    def learn(self, population: Mapping[str, int]) -> None:
        """Take over how many hashes of each kind there are, a kind being what hashes of one cost begin with."""
        self._stand_ins.learn(population)

    def place(self) -> AbstractContextManager[None]:
        """Raises Overloaded when there is none."""
        return self._pool.place()

    async def hash(self, password: Password) -> str:
        """A PHC string with a random salt. Raises Overloaded."""
        return await self._pool.run(partial(self._scheme.hash, password.text.encode()))

    async def verify(self, password: Password, password_hash: str | None, stand_in_for: str = "") -> bool:
        """Whether the password is the hashed one; ``None`` costs what the hash of somebody known would (L02).

        A stored hash that cannot be read matches nothing, costs as much, and is logged. Raises Overloaded.
        """
        return await self._pool.run(partial(self._verify, password.text.encode(), password_hash, stand_in_for))

    def is_outdated(self, password_hash: str) -> bool:
        """Whether it is of another scheme than today's, or of other parameters (L11)."""
        return not self._scheme.is_its_own(password_hash) or self._scheme.is_outdated(password_hash)

    def _verify(self, password: bytes, stored: str | None, stand_in_for: str) -> bool:
        if stored is not None:
            try:
                return self._matches(password, stored)
            except UnreadableHash as failure:
                _LOG.error("A stored password hash cannot be read: %s", failure)
        stand_in = self._stand_ins.pick(stand_in_for)
        # Before anything was learnt there is none: then one is made, which costs the same.
        if stand_in is None:
            self._scheme.hash(password)
        else:
            self._matches(password, stand_in)
        return False

    def _matches(self, password: bytes, stored: str) -> bool:
        for scheme in self._schemes:
            if scheme.is_its_own(stored):
                return scheme.matches(password, stored)
        raise UnreadableHash("no known scheme")
