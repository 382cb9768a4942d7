"""Passwords as NIST 800-63B-4 3.1.1 wants them: long, whole, without composition rules."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from domain.errors import InvalidValue

PASSWORD_MAX_BYTES = 1024
"""UTF-8 bytes after NFC; the bound that keeps hashing cheap (L13)."""


_DECOMPOSED = 4
"""Code points that one character of NFC may be typed as: text longer than that is too long without normalising it."""


@dataclass(frozen=True, slots=True, repr=False)
class Password:
    """A password in NFC, never trimmed, cut or case-folded (S04).

    NFC, not NFKC: the two spellings one keyboard may give for one character are made one, while characters that
    people see as different stay different.
    """

    text: str

    @classmethod
    def given(cls, text: str) -> "Password":
        """A password somebody signs in with: only the upper bound is judged (the minimum may have been lower once).

        Raises InvalidValue ``password_too_long`` and ``invalid_password``.
        """
        if len(text) > _DECOMPOSED * PASSWORD_MAX_BYTES:
            raise _too_long()
        try:
            encoded = (normal := unicodedata.normalize("NFC", text)).encode()
        except UnicodeEncodeError:
            raise InvalidValue("invalid_password", "A password is Unicode text without lone surrogates.") from None
        if len(encoded) > PASSWORD_MAX_BYTES:
            raise _too_long()
        return cls(normal)

    def __repr__(self) -> str:
        return "Password(...)"


class Weakness(StrEnum):
    """Why a password is soon found by who guesses; the value is the violation's code."""

    COMMON = "password_common"
    REPEATED = "password_repeated"
    SEQUENCE = "password_sequence"
    KEYBOARD_WALK = "password_keyboard_walk"
    DERIVED = "password_derived"
    GUESSABLE = "password_guessable"
    BREACHED = "password_breached"


_REASONS = {
    Weakness.COMMON: "This password is among those that are tried first.",
    Weakness.REPEATED: "This password repeats itself.",
    Weakness.SEQUENCE: "This password follows a sequence.",
    Weakness.KEYBOARD_WALK: "This password follows the keys of the keyboard.",
    Weakness.DERIVED: "This password is built from your own names or the name of this service.",
    Weakness.GUESSABLE: "This password is easy to guess.",
    Weakness.BREACHED: "This password has been published in a breach of another service.",
}


@dataclass(frozen=True, slots=True)
class PasswordPolicy:
    """What a new password must be; ``minimum_length`` in code points (S01: 15 as the only factor)."""

    minimum_length: int = 15

    def parse(self, text: str) -> Password:
        """A new password. Raises InvalidValue with the reason.

        Control characters are refused rather than kept: a terminal, a form and an API client disagree on how they
        are sent, and none must cut the password at one (S05).
        """
        password = Password.given(text)
        if len(password.text) < self.minimum_length:
            raise InvalidValue(
                "password_too_short", f"A password has at least {self.minimum_length} characters; a sentence is fine."
            )
        if any(unicodedata.category(character) == "Cc" for character in password.text):
            raise InvalidValue("invalid_password", "A password has no control characters.")
        return password


def refuse_weak(weakness: Weakness | None) -> None:
    """Raises InvalidValue that names the weakness, when there is one (S03: the reason is said)."""
    if weakness is not None:
        raise InvalidValue(weakness.value, _REASONS[weakness])


class CredentialKind(StrEnum):
    """The kinds of credential an account may hold."""

    PASSWORD = "password"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class PasswordCredential:
    """The stored form of a password: a PHC string, and a version that grows with every change of the password."""

    id: UUID
    user_id: UUID
    password_hash: str
    version: int
    created_at: datetime

    def __repr__(self) -> str:
        return f"PasswordCredential(user_id={self.user_id}, version={self.version})"


def _too_long() -> InvalidValue:
    return InvalidValue("password_too_long", f"A password has at most {PASSWORD_MAX_BYTES} bytes in UTF-8.")
