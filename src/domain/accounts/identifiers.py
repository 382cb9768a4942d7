"""The two identifiers an account is found by.

Each has one canonical form, on which it is unique and by which it is compared everywhere (S06, S08), and the
spelling its owner typed, which is what is shown. A username never holds an ``@`` and an address always does, so an
identifier typed at sign-in is never ambiguous (S07).
"""

import re
import unicodedata
from dataclasses import dataclass

from domain.errors import InvalidValue

USERNAME_MIN_LENGTH = 3
USERNAME_MAX_LENGTH = 32
EMAIL_MAX_OCTETS = 254
"""RFC 5321 4.5.3.1.3 less the angle brackets."""

_USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]")


@dataclass(frozen=True, slots=True)
class Username:
    """A username as typed, and its canonical form (ASCII lower case: RFC 8265's UsernameCaseMapped, narrowed)."""

    original: str
    canonical: str

    @classmethod
    def parse(cls, text: str) -> "Username":
        """Raises InvalidValue ``invalid_username``."""
        if not USERNAME_MIN_LENGTH <= len(text) <= USERNAME_MAX_LENGTH or not _USERNAME.fullmatch(text):
            raise InvalidValue(
                "invalid_username",
                f"A username has {USERNAME_MIN_LENGTH} to {USERNAME_MAX_LENGTH} ASCII letters, digits, '.', '_' or '-',"
                " and begins and ends with a letter or digit.",
            )
        return cls(text, text.lower())


@dataclass(frozen=True, slots=True)
class EmailAddress:
    """An address as typed, and its canonical form: local part in lower case, domain as IDNA A-labels."""

    original: str
    canonical: str

    @classmethod
    def from_parts(cls, original: str, local_part: str, ascii_domain: str) -> "EmailAddress":
        """Canonicalise an address whose syntax has been checked.

        Dots and plus signs in the local part mean what its host says they mean, so they are kept. A local part with
        compatibility characters (the Kelvin sign for K, full-width letters) is refused: lower-casing would make two
        different mailboxes one account (S08).

        Raises InvalidValue ``invalid_email``.
        """
        canonical = f"{local_part.lower()}@{ascii_domain.lower()}"
        lookalike = unicodedata.normalize("NFKC", local_part) != local_part
        if lookalike or len(canonical.encode()) > EMAIL_MAX_OCTETS or len(original.encode()) > EMAIL_MAX_OCTETS:
            raise invalid_email()
        return cls(original, canonical)

    @property
    def local_part(self) -> str:
        """What stands before the ``@``, in canonical form."""
        return self.canonical.rpartition("@")[0]

    @property
    def domain(self) -> str:
        """What stands behind the ``@``, as lower-case A-labels."""
        return self.canonical.rpartition("@")[2]


Identifier = EmailAddress | Username
"""What a person types to say who they are."""


def invalid_email() -> InvalidValue:
    """The one refusal of a malformed address."""
    return InvalidValue("invalid_email", "This is not an e-mail address that mail can be sent to.")
