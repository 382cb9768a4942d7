"""Password hashes by Argon2id (RFC 9106), kept as PHC strings."""

import logging
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import ARGON2_VERSION, error_to_str

from domain.credentials.password import Password
from domain.errors import Overloaded
from infrastructure.passwords.hashing_pool import HashingPool

_LOG = logging.getLogger(__name__)

_FLOOR = ((47_104, 1), (19_456, 2), (12_288, 3))
"""Memory in KiB and passes; one of them has to be met (OWASP Password Storage sheet, ASVS 5.0 appendix C)."""

_SALT_MIN = 16
_TAG_MIN = 32
"""Bytes (RFC 9106 4)."""

_OUT_OF_MEMORY = error_to_str(-22)


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2Parameters:
    """What a hash costs: ``memory`` in KiB, ``passes`` over it, ``lanes``; ``salt`` and ``tag`` lengths in bytes.

    One lane, so that one sign-in takes the time of one core and no more. Raises ValueError below the OWASP floor.
    """

    memory: int = 19_456
    passes: int = 2
    lanes: int = 1
    salt: int = 16
    tag: int = 32

    def __post_init__(self) -> None:
        if not any(self.memory >= memory and self.passes >= passes for memory, passes in _FLOOR):
            lines = ", ".join(f"{memory} KiB with {passes}" for memory, passes in _FLOOR)
            raise ValueError(f"Argon2id parameters below the floor; memory and passes are at least one of: {lines}.")
        if self.lanes < 1 or self.salt < _SALT_MIN or self.tag < _TAG_MIN:
            raise ValueError(f"Argon2id has at least 1 lane, a salt of {_SALT_MIN} bytes and a tag of {_TAG_MIN}.")


class Argon2PasswordHasher:
    """PasswordHasher whose work is done in a pool, so that the event loop never hashes."""

    def __init__(self, pool: HashingPool, parameters: Argon2Parameters | None = None) -> None:
        self._pool = pool
        cost = parameters or Argon2Parameters()
        self._argon2 = argon2.PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory,
            parallelism=cost.lanes,
            salt_len=cost.salt,
            hash_len=cost.tag,
        )
        self._nobody = _unmatched_hash(cost)
        self._verifiers: Mapping[str, _Verifier] = {"argon2id": self._is_argon2}
        """By the PHC identifier; another scheme is another entry."""

    async def hash(self, password: Password) -> str:
        """A PHC string with a random salt. Raises Overloaded."""
        try:
            return await self._pool.run(partial(self._argon2.hash, password.text.encode()))
        except HashingError as failure:  # The parameters are right, so there is nothing left but memory.
            raise Overloaded(retry_after=1) from failure

    async def verify(self, password: Password, password_hash: str | None) -> bool:
        """Whether the password is the hashed one; ``None`` costs a hash with today's parameters (L02).

        A stored hash that cannot be read matches nothing and is logged. Raises Overloaded.
        """
        stored = self._nobody if password_hash is None else password_hash
        try:
            matches = await self._pool.run(partial(self._matches, password.text.encode(), stored))
        except _UnreadableHash as failure:
            _LOG.error("A stored password hash cannot be read: %s", failure)
            return False
        return matches and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether type, version, cost or lengths differ from today's, so for any other scheme too (L11)."""
        try:
            return self._argon2.check_needs_rehash(password_hash)
        except InvalidHashError:
            return True

    def _matches(self, password: bytes, stored: str) -> bool:
        verify = self._verifiers.get(_scheme(stored))
        if verify is None:
            raise _UnreadableHash("no known scheme")
        return verify(password, stored)

    def _is_argon2(self, password: bytes, stored: str) -> bool:
        try:
            return self._argon2.verify(stored, password)
        except VerifyMismatchError:
            return False
        except VerificationError as failure:
            if str(failure) == _OUT_OF_MEMORY:
                raise Overloaded(retry_after=1) from failure
            raise _UnreadableHash(str(failure)) from None
        except (InvalidHashError, UnicodeEncodeError):
            raise _UnreadableHash("not a PHC string") from None


_Verifier = Callable[[bytes, str], bool]


class _UnreadableHash(Exception):
    """A stored hash is damaged; the message says how without quoting it."""


def _scheme(stored: str) -> str:
    """What a PHC string calls its function: what stands between its first two ``$``."""
    _, _, rest = stored.partition("$")
    return rest.partition("$")[0]


def _unmatched_hash(cost: Argon2Parameters) -> str:
    """A well-formed hash of no password, with a random tag: checking against it costs what any other check does."""

    def field(length: int) -> str:
        return b64encode(secrets.token_bytes(length)).decode().rstrip("=")

    costs = f"m={cost.memory},t={cost.passes},p={cost.lanes}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${field(cost.salt)}${field(cost.tag)}"
