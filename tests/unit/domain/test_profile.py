"""The optional fields of a user."""

import unicodedata
from collections.abc import Callable

import pytest

from domain.accounts.profile import parse_name, parse_zoneinfo
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
def test_f02_names_that_are_refused(text: str) -> None:
    """F02."""
    assert refusal_of(parse_name, text) == "invalid_name"


def test_time_zones_are_those_that_are_known() -> None:
    known = {"Europe/Paris", "UTC"}

    assert parse_zoneinfo("Europe/Paris", known) == "Europe/Paris"
    for text in ("europe/paris", "Mars/Olympus", "", "../etc/passwd"):
        assert refusal_of(lambda text: parse_zoneinfo(text, known), text) == "invalid_zoneinfo"
