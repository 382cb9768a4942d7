"""The optional fields of a user."""

import unicodedata
from collections.abc import Callable

import pytest

from domain.accounts.profile import parse_locale, parse_name, parse_phone_number, parse_zoneinfo
from domain.errors import InvalidValue


def refusal_of(parse: Callable[[str], object], text: str) -> str:
    with pytest.raises(InvalidValue) as refusal:
        parse(text)
    return refusal.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "Ada",
        "X",
        "O'Neil",
        "Jean-Luc",
        "Mary Jane",
        "Łukasz",
        "सीता",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "👩\u200d🚀",
        "李",
        "x" * 100,
    ],
)
def test_names(text: str) -> None:
    assert parse_name(text) == unicodedata.normalize("NFC", text)


def test_a_name_is_kept_in_nfc() -> None:
    assert parse_name("Zoe\u0308") == "Zoë"


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        " Ada",
        "Ada ",
        "Ada\n",
        "A\0da",
        "A\x1b[31mda",
        "\u202eadA",
        "A\u2066da",
        "Ada\ud800",
        "A\u2028da",
        "\ue000",
        "x" * 101,
        "A\u200bda",
        "\ufeffAda",
    ],
    ids=ascii,
)
def test_names_that_are_refused(text: str) -> None:
    """F02."""
    assert refusal_of(parse_name, text) == "invalid_name"


@pytest.mark.parametrize("text", ["+442079460123", "+15550100", "+123456789012345"])
def test_phone_numbers(text: str) -> None:
    assert parse_phone_number(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "442079460123",
        "+0442079460123",
        "+44 20 7946 0123",
        "+4420794x",
        "+123456",
        "+1234567890123456",
        "+1٢34567",
        "+15550100\n",
    ],
    ids=ascii,
)
def test_phone_numbers_that_are_refused(text: str) -> None:
    assert refusal_of(parse_phone_number, text) == "invalid_phone_number"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("pt-br", "pt-BR"),
        ("zh-hANT-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("fil", "fil"),
    ],
)
def test_locales(text: str, expected: str) -> None:
    assert parse_locale(text) == expected


@pytest.mark.parametrize("text", ["", "e", "english", "en_GB", "en-", "en-GB-x-private", "en-GB\n", "ен"], ids=ascii)
def test_locales_that_are_refused(text: str) -> None:
    assert refusal_of(parse_locale, text) == "invalid_locale"


def test_time_zones_are_those_that_are_known() -> None:
    known = {"Europe/Paris", "UTC"}

    assert parse_zoneinfo("Europe/Paris", known) == "Europe/Paris"
    for text in ("europe/paris", "Mars/Olympus", "", "../etc/passwd"):
        assert refusal_of(lambda text: parse_zoneinfo(text, known), text) == "invalid_zoneinfo"
