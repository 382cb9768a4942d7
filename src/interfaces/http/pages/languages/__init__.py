"""The languages of the pages, and which of them a browser likes best."""

from collections.abc import Mapping

from interfaces.http.pages.languages.english import ENGLISH
from interfaces.http.pages.languages.french import FRENCH
from interfaces.http.pages.languages.german import GERMAN
from interfaces.http.pages.texts import Texts

LANGUAGES: Mapping[str, Texts] = {texts.language: texts for texts in (ENGLISH, GERMAN, FRENCH)}
"""By primary language (BCP 47)."""


def texts_for(accept_language: str, languages: Mapping[str, Texts] = LANGUAGES) -> Texts:
    """The texts in the language that is liked best of those there are (RFC 9110 12.5.4); English is always there."""
    liked = sorted(map(_preference, accept_language.split(",")), key=lambda preference: -preference[1])
    return next((languages[language] for language, weight in liked if weight > 0 and language in languages), ENGLISH)


def _preference(item: str) -> tuple[str, float]:
    tag, _, weight = item.partition(";")
    try:
        return tag.strip().partition("-")[0].lower(), float(weight.strip().removeprefix("q=") or 1)
    except ValueError:
        return "", 0
