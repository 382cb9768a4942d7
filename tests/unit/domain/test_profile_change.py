"""What is changed, and how often a username may be."""

from datetime import timedelta

import pytest

from domain.accounts.identifiers import Username
from domain.accounts.profile import Profile
from domain.accounts.profile_change import ProfileChange, next_username_change, username_changed_too_often
from tests.support.builders import NOON, user_named

DAY = timedelta(days=1)


def test_a_change_touches_what_it_names() -> None:
    ada = user_named("Ada")
    change = ProfileChange(username=Username.parse("Lady.Ada"), profile={"given_name": None, "locale": "en"})
    after = change.of(ada, NOON + DAY)

    assert after.username.original == "Lady.Ada"
    assert after.profile == Profile(locale="en", zoneinfo=ada.profile.zoneinfo)
    assert (after.id, after.email, after.updated_at) == (ada.id, ada.email, NOON + DAY)


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        (ProfileChange(), ()),
        (ProfileChange(profile={"zoneinfo": None, "locale": "en"}), ("locale", "zoneinfo")),
        (ProfileChange(username=Username.parse("ada"), profile={"zoneinfo": None}), ("username", "zoneinfo")),
    ],
)
def test_a_change_names_its_fields(change: ProfileChange, fields: tuple[str, ...]) -> None:
    assert change.fields == fields


@pytest.mark.parametrize(
    ("days_ago", "next_in_days"),
    [
        ([], None),
        ([2, 1], None),
        ([2, 1, 0], 28),
        ([29, 28, 27], 1),
        ([30, 28, 27], None),
        ([31, 30.5, 30], None),
        ([29, 3, 2, 1], 27),
        ([1, 2, 29], 1),
    ],
)
def test_three_changes_count_for_thirty_days(days_ago: list[float], next_in_days: int | None) -> None:
    changes = [NOON - number * DAY for number in days_ago]

    assert next_username_change(changes, NOON) == (None if next_in_days is None else NOON + next_in_days * DAY)


def test_the_refusal_says_when_and_never_too_early() -> None:
    refusal = username_changed_too_often(NOON + timedelta(microseconds=1))

    assert "again at 2030-01-01T12:00:01Z." in refusal.detail
    assert username_changed_too_often().detail.endswith("30 days.")
