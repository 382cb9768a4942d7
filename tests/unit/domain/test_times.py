"""Times as people read them: their zone, their language."""

from datetime import UTC, datetime

import pytest

from domain.mail.kinds import LANGUAGES
from domain.mail.times import time_in_words
from tests.support.clock import machine_in

EVENING = datetime(2026, 11, 30, 23, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "1 December 2026 at 00:05 (Europe/Berlin)"),
        ("de", "1. Dezember 2026 um 00:05 Uhr (Europe/Berlin)"),
        ("fr", "1er décembre 2026 à 00:05 (Europe/Berlin)"),
    ],
)
def test_a_time_is_that_of_the_reader(language: str, words: str) -> None:
    assert time_in_words(EVENING, "Europe/Berlin", language) == words


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../../etc/passwd"])
def test_without_a_zone_that_is_known_it_is_utc(zone: str | None) -> None:
    assert time_in_words(EVENING, zone, "fr") == "30 novembre 2026 à 23:05 (UTC)"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_month_has_a_name(language: str) -> None:
    months = {time_in_words(EVENING.replace(month=month, day=2), None, language) for month in range(1, 13)}

    assert len(months) == 12


@pytest.mark.parametrize("zone", [None, "Mars/Olympus"])
def test_it_is_utc_whatever_the_machine_is_set_to(zone: str | None) -> None:
    with machine_in("Asia/Tokyo"):
        assert time_in_words(EVENING, zone, "en") == "30 November 2026 at 23:05 (UTC)"
