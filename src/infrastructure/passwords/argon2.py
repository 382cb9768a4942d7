"""Password hashes by Argon2id (RFC 9106), kept as PHC strings."""

import secrets
from base64 import b64encode
from dataclasses import dataclass

import argon2
from argon2.exceptions import HashingError, InvalidHashError, VerificationError, VerifyMismatchError
from argon2.low_level import error_to_str

from domain.errors import Overloaded
from infrastructure.passwords.scheme import UnreadableHash

_FLOOR = ((47_104, 1), (19_456, 2), (12_288, 3))
"""Memory in KiB and passes; one of them has to be met (OWASP Password Storage sheet, ASVS 5.0 appendix C)."""

_SALT_MIN = 16
_TAG_MIN = 32
"""Bytes (RFC 9106 4)."""

_DEAREST_STAND_IN = 8
"""Times today's memory, and today's passes: one strange hash must not have strangers cost more."""

_MOST_MEMORY = 1_048_576
_MOST_WORK = 4 * 1_048_576
_MOST_LANES = 16
"""KiB, KiB times passes (about three seconds of a core), and threads. More is never computed for a hash that was
brought along (D01): one that asks for 2^32 passes would keep a core for days."""

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


class Argon2Scheme:
    """Argon2id; its older variants are no scheme of ours."""

    def __init__(self, parameters: Argon2Parameters | None = None) -> None:
        cost = self._cost = parameters or Argon2Parameters()
        self._argon2 = argon2.PasswordHasher(
            time_cost=cost.passes,
            memory_cost=cost.memory,
            parallelism=cost.lanes,
            salt_len=cost.salt,
            hash_len=cost.tag,
        )

    def is_its_own(self, stored: str) -> bool:
        """See the protocol."""
        return stored.startswith("$argon2id$")

    def hash(self, password: bytes) -> str:
        """See the protocol."""
        try:
            return self._argon2.hash(password)
        except HashingError as failure:  # The parameters are right, so there is nothing left but memory.
            raise Overloaded(retry_after=1) from failure

    def matches(self, password: bytes, stored: str) -> bool:
        """See the protocol."""
        try:
            self._refuse_absurd(argon2.extract_parameters(stored))
            return self._argon2.verify(stored, password)
        except VerifyMismatchError:
            return False
        except VerificationError as failure:
            if str(failure) == _OUT_OF_MEMORY:
                raise Overloaded(retry_after=1) from failure
            raise UnreadableHash(str(failure)) from None
        except (InvalidHashError, UnicodeEncodeError):
            raise UnreadableHash("not a PHC string") from None

    def _refuse_absurd(self, asked: argon2.Parameters) -> None:
        """What the operator has chosen for new hashes is not absurd."""
        ours = self._cost
        if (
            asked.memory_cost > max(_MOST_MEMORY, ours.memory)
            or asked.memory_cost * asked.time_cost > max(_MOST_WORK, ours.memory * ours.passes)
            or asked.parallelism > max(_MOST_LANES, ours.lanes)
        ):
            raise UnreadableHash("a cost of Argon2id beyond what is computed")

    def is_outdated(self, stored: str) -> bool:
        """Whether version, cost or lengths differ from today's (L11)."""
        try:
            return self._argon2.check_needs_rehash(stored)
        except InvalidHashError:
            return True

    def stand_in(self, kind: str) -> str | None:
        """See the protocol; a kind is ``$argon2id$v=19$m=19456,t=2,p=1``."""
        stored = f"{kind}${_random(self._cost.salt)}${_random(self._cost.tag)}"
        try:
            cost = argon2.extract_parameters(stored)
        except InvalidHashError:
            return None
        is_dear = (
            cost.memory_cost > _DEAREST_STAND_IN * self._cost.memory
            or cost.time_cost > _DEAREST_STAND_IN * self._cost.passes
        )
        return stored if self.is_its_own(stored) and not is_dear else None


def _random(length: int) -> str:
    return b64encode(secrets.token_bytes(length)).decode().rstrip("=")
