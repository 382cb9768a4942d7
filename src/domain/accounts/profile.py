"""What a user tells about themselves; field names are those of OpenID Connect Core 5.1."""

import unicodedata
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from functools import partial

from domain.errors import FieldCheck, InvalidValue

NAME_MAX_LENGTH = 100
"""Code points."""

_JOINERS = "\u200c\u200d"
"""Zero-width joiners: invisible, but Persian names and emoji are misspelt without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """The optional fields of a user; ``None`` where nothing was said."""

    given_name: str | None = None
    family_name: str | None = None
    display_name: str | None = None
    phone_number: str | None = None
    locale: str | None = None
    zoneinfo: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileRules:
    """How each field is judged and written down, at sign-up and afterwards alike."""

    parse_phone_number: Callable[[str], str]
    parse_locale: Callable[[str], str]
    time_zones: Container[str]

    def judge(self, given: Mapping[str, str | None], check: FieldCheck) -> dict[str, str | None]:
        """The given fields as they are kept, by name; what is refused goes to ``check``."""
        parsers: Mapping[str, Callable[[str], str]] = {
            "given_name": parse_name,
            "family_name": parse_name,
            "display_name": parse_name,
            "phone_number": self.parse_phone_number,
            "locale": self.parse_locale,
            "zoneinfo": partial(parse_zoneinfo, known=self.time_zones),
        }
        return {field: check.optional(field, parsers[field], text) for field, text in given.items()}


def parse_name(text: str) -> str:
    """A person's name in NFC. Raises InvalidValue ``invalid_name``.

    Control and format characters are refused: bidi overrides make one name read as another (F02).
    """
    name = unicodedata.normalize("NFC", text)
    is_blank = not name.strip(f" {_JOINERS}")
    if is_blank or name != name.strip() or len(name) > NAME_MAX_LENGTH or any(map(_unprintable, name)):
        raise InvalidValue(
            "invalid_name",
            f"A name has 1 to {NAME_MAX_LENGTH} printable characters and no white space at its ends.",
        )
    return name


def invalid_phone_number() -> InvalidValue:
    """The one refusal of what is no telephone number."""
    return InvalidValue(
        "invalid_phone_number", "A phone number is written with + and its country code, like +442079460123."
    )


def invalid_locale() -> InvalidValue:
    """The one refusal of what is no language tag."""
    return InvalidValue("invalid_locale", "A locale is a BCP 47 tag of registered subtags, like en, pt-BR or zh-Hant.")


def parse_zoneinfo(text: str, known: Container[str]) -> str:
    """A name of the IANA time zone database. Raises InvalidValue ``invalid_zoneinfo``."""
    if text not in known:
        raise InvalidValue("invalid_zoneinfo", "A time zone is a name of the IANA database, like Europe/Paris.")
    return text


def _unprintable(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
