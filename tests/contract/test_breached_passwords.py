"""What everything that knows breached passwords does."""

import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from application.credentials.ports import BreachedPasswords
from domain.credentials.password import Password
from infrastructure.passwords.breached.filter_file import FilterFile
from tests.support.fakes import FakeBreachedPasswords
from tests.support.filters import filter_of

COMPOSED = unicodedata.normalize("NFC", "crème brûlée d'été")
DECOMPOSED = unicodedata.normalize("NFD", "piñata ñandú añejo")
PUBLISHED = ("correct horse battery staple", COMPOSED, DECOMPOSED, "дождь за окном 1987", " blanks on both ends ")


@pytest.fixture(params=["fake", "filter file", "filter file of 8 bits"])
def breached(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[BreachedPasswords]:
    if request.param == "fake":
        yield FakeBreachedPasswords(set(PUBLISHED))
        return
    bits = 8 if "8" in request.param else 16
    with FilterFile(filter_of(tmp_path / "filter", PUBLISHED, bits=bits)).opened() as filter_file:
        yield filter_file


@pytest.mark.parametrize("text", PUBLISHED)
def test_s03_what_was_published_is_known(breached: BreachedPasswords, text: str) -> None:
    assert breached.includes(Password.given(text))


@pytest.mark.parametrize("text", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_s03_s04_it_is_known_however_its_accents_are_typed(breached: BreachedPasswords, text: str, form: str) -> None:
    typed = unicodedata.normalize(form, text)  # type: ignore[arg-type]  # two of the four there are

    assert breached.includes(Password.given(typed))


@pytest.mark.parametrize(
    "text",
    ["Correct horse battery staple", "correct horse battery staple ", "correct horse battery stapl", "", "x" * 1024],
)
def test_s03_what_is_only_like_it_is_not(breached: BreachedPasswords, text: str) -> None:
    assert not breached.includes(Password.given(text))
