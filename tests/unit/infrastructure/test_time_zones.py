"""Which time zones there are."""

from zoneinfo import ZoneInfo

import pytest

from infrastructure.time_zones import time_zones


def test_they_are_those_of_iana_with_their_older_names() -> None:
    assert {
        "Europe/Paris",
        "America/Argentina/Ushuaia",
        "UTC",
        "Etc/GMT+5",
        "US/Pacific",
        "Asia/Calcutta",
    } <= time_zones()
    assert all(ZoneInfo(name).key == name for name in time_zones())


@pytest.mark.parametrize("name", ["localtime", "posixrules", "Factory", "right/UTC", "posix/UTC", "zone.tab", ""])
def test_what_else_a_machine_may_have_is_none(name: str) -> None:
    assert name not in time_zones()
