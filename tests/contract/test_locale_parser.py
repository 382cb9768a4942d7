"""What every LocaleParser does; where the registry has to be known, what the real one does."""

import gc
import time
from contextlib import suppress

import langcodes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.accounts.ports import LocaleParser
from domain.errors import InvalidValue
from infrastructure.locales import parse_locale
from tests.support import fakes


@pytest.fixture(scope="session", params=[fakes.parse_locale, parse_locale], ids=["fake", "langcodes"])
def parse(request: pytest.FixtureRequest) -> LocaleParser:
    parser: LocaleParser = request.param
    return parser


def assert_refused(parse: LocaleParser, text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        parse(text)
    assert refusal.value.reason == "invalid_locale"


@pytest.mark.parametrize(("text", "expected"), [("en", "en"), ("EN", "en"), ("pt-br", "pt-BR"), ("EN-gb", "en-GB")])
def test_a_tag_is_kept_in_its_usual_case(parse: LocaleParser, text: str, expected: str) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "e",
        "english",
        "en_GB",
        "en-",
        "-en",
        "en--GB",
        "en-GB\n",
        " en",
        "ен",
        "en-\u202eGB",
        "en\x00",
        "\ud800",
        "*",
        "en,de",
        "en;q=0.5",
        "en-GB-GB",
        "a" * 1_000_000,
    ],
    ids=lambda text: ascii(text)[:40],
)
def test_what_is_no_tag_is_refused(parse: LocaleParser, text: str) -> None:
    assert_refused(parse, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("zh-hANT-tw", "zh-Hant-TW", id="script"),
        pytest.param("es-419", "es-419", id="region by number"),
        pytest.param("fil", "fil", id="three letters"),
        pytest.param("de-ch-1996", "de-CH-1996", id="variant"),
        pytest.param("sl-rozaj-1994", "sl-1994-rozaj", id="variants in order"),
        pytest.param("de-DE-u-co-phonebk", "de-DE-u-co-phonebk", id="extension"),
        pytest.param("en-GB-x-private", "en-GB-x-private", id="private use"),
        pytest.param("zh-yue-hk", "yue-HK", id="extended language"),
        pytest.param("zh-yue-840", "yue-US", id="extended language and region by number"),
        pytest.param("iw", "he", id="replaced language"),
        pytest.param("sr-YU", "sr-RS", id="replaced region"),
        pytest.param("en-Latn-US", "en-US", id="script that goes without saying"),
        pytest.param("i-klingon", "tlh", id="grandfathered"),
        pytest.param("en-GB-oed", "en-GB-oxendict", id="grandfathered, irregular"),
    ],
)
def test_tags_of_the_registry(text: str, expected: str) -> None:
    assert parse_locale(text) == parse_locale(expected) == expected


@pytest.mark.parametrize(
    "text", ["xx", "zz-ZZ", "en-Aaaa", "en-AA-aaaaa", "de-1901-1901", "en-a-bbb-a-ccc", "root", "sgn-ase-bfi", "i-nope"]
)
def test_tags_that_are_well_formed_and_not_valid(text: str) -> None:
    assert_refused(parse_locale, text)


SUBTAGS = st.sampled_from(
    ["en", "de", "zh", "sr", "iw", "sgn", "cmn", "yue", "Latn", "Hant", "Cyrl", "GB", "CS", "YU", "419", "1996", "1901",
     "rozaj", "arevela", "u", "co", "t", "x", "i", "a", "oed", "min", "no", "bok", "aaaaa", "zzzzzzzz"]
)  # fmt: skip


@given(st.text(max_size=120) | st.lists(SUBTAGS, min_size=1, max_size=8).map("-".join))
def test_any_text_is_a_tag_or_refused(text: str) -> None:
    try:
        tag = parse_locale(text)
    except InvalidValue:
        return

    assert parse_locale(tag) == tag


@pytest.mark.parametrize(
    "text",
    ["en" + "-a" * 49, "en-x" + "-a" * 48, "en" + "-aaaaaaaa" * 10, "a-" * 50, "en" + "-a" * 500_000],
    ids=lambda text: text[:20],
)
def test_d05_no_text_takes_long_to_judge(parse: LocaleParser, text: str) -> None:
    """D05."""
    parse("en")
    began = time.process_time()
    with suppress(InvalidValue):
        parse(text)

    assert time.process_time() - began < 0.05


def test_no_tag_stays_in_memory() -> None:
    """The library keeps whatever it was asked; made-up tags would fill the memory."""
    parse_locale("en")
    before = _tags_in_memory()
    for number in range(500):
        parse_locale(f"en-x-{number}")
        assert_refused(parse_locale, f"en-a{number:04}")

    assert _tags_in_memory() <= before + 2


def _tags_in_memory() -> int:
    gc.collect()
    return sum(isinstance(thing, langcodes.Language) for thing in gc.get_objects())
