"""Canonical forms of the identifiers (S06 to S08)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.accounts.identifiers import EmailAddress, Username
from domain.errors import InvalidValue


@pytest.mark.parametrize("text", ["ada", "Ada", "a1b", "007", "ada.lovelace", "a_b-c.d", "x" * 32])
def test_s06_a_username_keeps_its_spelling_and_has_one_canonical_form(text: str) -> None:
    username = Username.parse(text)

    assert username.original == text
    assert username.canonical == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "x" * 33,
        ".ada",
        "ada.",
        "_ada",
        "ada_",
        "-ada",
        "ada-",
        "a da",
        " ada",
        "ada ",
        "ada\n",
        "\nada",
        "a\0b",
    ],
)
def test_a_malformed_username_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        Username.parse(text)

    assert refusal.value.reason == "invalid_username"


@pytest.mark.parametrize(
    "text",
    [
        "\u0430da",  # Cyrillic a
        "ad\u0430",
        "\uff41\uff44\uff41",  # full width
        "ad\u200ba",  # zero-width space
        "ad\u00ada",  # soft hyphen
        "\u202eada",  # right-to-left override
        "adä",
        "a\u0131a",  # dotless i
        "\u212aelvin",  # Kelvin sign, which lower-cases to k
        "a\u0663a",  # Arabic digit, which \d would match
    ],
    ids=ascii,
)
def test_s06_a_username_has_no_lookalike(text: str) -> None:
    """S06."""
    with pytest.raises(InvalidValue):
        Username.parse(text)


@pytest.mark.parametrize("text", ["ada@example.com", "ada@", "@ada", "a@b"])
def test_s07_a_username_never_looks_like_an_address(text: str) -> None:
    """S07."""
    with pytest.raises(InvalidValue):
        Username.parse(text)


@given(st.text(max_size=40))
def test_whatever_is_typed_as_a_username_is_parsed_or_refused(text: str) -> None:
    try:
        username = Username.parse(text)
    except InvalidValue:
        return
    assert username.canonical.isascii()
    assert 3 <= len(username.canonical) <= 32
    assert "@" not in username.canonical
    assert Username.parse(username.canonical).canonical == username.canonical


def test_an_address_is_compared_in_lower_case_and_shown_as_typed() -> None:
    address = EmailAddress.from_parts("Ada.Lovelace+CRM@Example.COM", "Ada.Lovelace+CRM", "Example.COM")

    assert address.original == "Ada.Lovelace+CRM@Example.COM"
    assert address.canonical == "ada.lovelace+crm@example.com"
    assert (address.local_part, address.domain) == ("ada.lovelace+crm", "example.com")


@pytest.mark.parametrize(("one", "other"), [("a.da", "ada"), ("ada+x", "ada"), ("ada", "adä")])
def test_dots_and_plus_signs_and_accents_tell_addresses_apart(one: str, other: str) -> None:
    first = EmailAddress.from_parts(f"{one}@example.com", one, "example.com")
    second = EmailAddress.from_parts(f"{other}@example.com", other, "example.com")

    assert first.canonical != second.canonical


@pytest.mark.parametrize(
    "local_part",
    [
        "\u212aelvin",  # Kelvin sign: lower-cases to k
        "\u017fam",  # long s: upper-cases to S
        "\uff41\uff44\uff41",  # full width
        "\ufb01ona",  # ligature fi
        "a\u0308da",  # NFD
        "\u2100",
    ],
    ids=ascii,
)
def test_s08_a_local_part_that_reads_as_another_is_refused(local_part: str) -> None:
    """S08."""
    with pytest.raises(InvalidValue) as refusal:
        EmailAddress.from_parts(f"{local_part}@example.com", local_part, "example.com")

    assert refusal.value.reason == "invalid_email"


@pytest.mark.parametrize(
    ("local_part", "is_accepted"),
    [("a" * 242, True), ("a" * 243, False), ("ä" * 121, True), ("ä" * 122, False)],
    ids=["254 octets", "255 octets", "254 octets in fewer characters", "256 octets in fewer characters"],
)
def test_an_address_has_at_most_254_octets(local_part: str, *, is_accepted: bool) -> None:
    original = f"{local_part}@example.com"
    if is_accepted:
        assert EmailAddress.from_parts(original, local_part, "example.com").original == original
    else:
        with pytest.raises(InvalidValue):
            EmailAddress.from_parts(original, local_part, "example.com")


def test_the_spelling_counts_as_well_as_the_canonical_form() -> None:
    with pytest.raises(InvalidValue):
        EmailAddress.from_parts("ü" * 130 + ".example", "ada", "xn--a.example")
