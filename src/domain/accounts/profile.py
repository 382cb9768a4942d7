"""What a user tells about themselves; field names are those of OpenID Connect Core 5.1."""

import re
import unicodedata
from collections.abc import Container
from dataclasses import dataclass

from domain.errors import InvalidValue

NAME_MAX_LENGTH = 100
"""Code points."""

_PHONE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_LOCALE = re.compile(r"(?P<language>[A-Za-z]{2,3})(-(?P<script>[A-Za-z]{4}))?(-(?P<region>[A-Za-z]{2}|[0-9]{3}))?")
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


def parse_phone_number(text: str) -> str:
    """A number in E.164. Raises InvalidValue ``invalid_phone_number``."""
    if not _PHONE_NUMBER.fullmatch(text):
        raise InvalidValue("invalid_phone_number", "A phone number is written in E.164, like +442079460123.")
    return text


def parse_locale(text: str) -> str:
    """A BCP 47 tag of language, script and region in its usual case. Raises InvalidValue ``invalid_locale``."""
    match = _LOCALE.fullmatch(text)
    if match is None:
        raise InvalidValue("invalid_locale", "A locale is a BCP 47 tag, like en or pt-BR.")
    script, region = match["script"], match["region"]
    parts = (match["language"].lower(), script and script.title(), region and region.upper())
    return "-".join(part for part in parts if part)


def parse_zoneinfo(text: str, known: Container[str]) -> str:
    """A name of the IANA time zone database. Raises InvalidValue ``invalid_zoneinfo``."""
    if text not in known:
        raise InvalidValue("invalid_zoneinfo", "A time zone is a name of the IANA database, like Europe/Paris.")
    return text


def _unprintable(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
