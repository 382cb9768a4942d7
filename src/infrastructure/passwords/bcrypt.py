"""Password hashes by bcrypt (Provos and Mazieres, 1999): those that were brought along, and new ones for who must.

bcrypt reads 72 bytes at most (T11). What the service before did with more than that differs, and is kept with each hash
as its rule, in the manner of a PHC string: ``$bcrypt$rule=reject$2b$12$`` and so on. A bare ``$2b$12$...`` is of the
rule that most implementations had, ``truncate``.
"""

import hashlib
import re
import secrets
from enum import StrEnum

import bcrypt

from infrastructure.passwords.scheme import UnreadableHash

_MOST_BYTES = 72
_CHEAPEST, _DEAREST = 4, 14
"""Exponents of two. More is never computed (D01): 2^31 rounds would keep a core for days."""
DEFAULT_COST = 12
_DIGITS = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SALT_LENGTH, _DIGEST_LENGTH = 22, 31

# 2a, 2b and 2y are one algorithm for all that has no more than 72 bytes; 2x repeats a fault of PHP's (CVE-2011-2483).
_KIND = re.compile(r"(?:\$bcrypt\$rule=(truncate|reject|prehash))?(\$2[aby]\$(\d\d))", re.ASCII)
_STORED = re.compile(_KIND.pattern + r"\$[./A-Za-z0-9]{53}", re.ASCII)


class LongPasswords(StrEnum):
    """What is hashed of a password, when bcrypt does not read it whole."""

    TRUNCATE = "truncate"
    """Its first 72 bytes, though that be half a character."""
    REJECT = "reject"
    """Longer ones never were anybody's password."""
    PREHASH = "prehash"
    """The 64 hexadecimal digits of its SHA-256, whatever its length."""


class BcryptScheme:
    """bcrypt; new hashes are of the rule ``prehash``, so that passwords are used whole (S04)."""

    def __init__(self, cost: int = DEFAULT_COST) -> None:
        self._cost = cost
        self._kind = f"$bcrypt$rule={LongPasswords.PREHASH}$2b${cost:02}"

    def is_its_own(self, stored: str) -> bool:
        """See the protocol."""
        return stored.startswith(("$2", "$bcrypt$"))

    def hash(self, password: bytes) -> str:
        """See the protocol."""
        hashed = bcrypt.hashpw(_digest(password), bcrypt.gensalt(self._cost)).decode("ascii")
        return f"$bcrypt$rule={LongPasswords.PREHASH}{hashed}"

    def matches(self, password: bytes, stored: str) -> bool:
        """See the protocol. Every password costs a whole check, also one that the rule rejects (L02)."""
        rule, hashed = _read(stored)
        known = _digest(password) if rule is LongPasswords.PREHASH else password[:_MOST_BYTES]
        matches = bcrypt.checkpw(known, hashed)
        return matches and not (rule is LongPasswords.REJECT and len(password) > _MOST_BYTES)

    def is_outdated(self, stored: str) -> bool:
        """Whether rule, variant or cost differ from today's (L11)."""
        return not (_STORED.fullmatch(stored) and stored.startswith(self._kind))

    def stand_in(self, kind: str) -> str | None:
        """See the protocol; a kind is ``$2b$12`` or ``$bcrypt$rule=prehash$2b$12``."""
        match = _KIND.fullmatch(kind)
        if match is None or not _CHEAPEST <= int(match[3]) <= _DEAREST:
            return None
        salt = bcrypt.gensalt(int(match[3])).decode("ascii")
        return salt + "".join(secrets.choice(_DIGITS) for _ in range(_DIGEST_LENGTH))


def _read(stored: str) -> tuple[LongPasswords, bytes]:
    match = _STORED.fullmatch(stored)
    if match is None:
        raise UnreadableHash("not a hash of bcrypt 2a, 2b or 2y")
    if not _CHEAPEST <= int(match[3]) <= _DEAREST:
        raise UnreadableHash(f"a cost of bcrypt outside {_CHEAPEST} to {_DEAREST}")
    salt_end = match.end(2) + _SALT_LENGTH
    # Of the salt's last digit two bits count. Some have set the others, which the library will not have.
    digit = _DIGITS[_DIGITS.index(stored[salt_end]) & 0b110000]
    hashed = stored[match.start(2) : salt_end] + digit + stored[salt_end + 1 :]
    return LongPasswords(match[1] or LongPasswords.TRUNCATE), hashed.encode("ascii")


def _digest(password: bytes) -> bytes:
    return hashlib.sha256(password).hexdigest().encode("ascii")
