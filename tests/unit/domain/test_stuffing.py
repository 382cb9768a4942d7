"""What is credential stuffing by its counts, and what only looks a little like it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.stuffing.recognition import Recognition, SignIns, ceiling, share_ceiling

RULES = Recognition()
QUIET_WEEK = [SignIns(failed=3, succeeded=30)] * 1000
BUSY_WEEK = [SignIns(failed=100, succeeded=900)] * 1000


@pytest.mark.parametrize(
    ("seen", "is_it"),
    [
        (SignIns(failed=15, accounts=15), True),
        (SignIns(failed=14, accounts=14), False),
        (SignIns(failed=16, accounts=15, succeeded=8), True),
        (SignIns(failed=20, accounts=16, succeeded=200), False),
        (SignIns(failed=400, accounts=3), False),
    ],
    ids=["a list", "a little less", "a good list", "an office on Monday", "one account, which has limits of its own"],
)
def test_one_source(seen: SignIns, is_it: bool) -> None:
    assert RULES.is_one_source(seen) is is_it


@pytest.mark.parametrize(
    ("seen", "usual", "is_it"),
    [
        (SignIns(failed=60, accounts=50, sources=40), QUIET_WEEK, True),
        (SignIns(failed=59, accounts=50, sources=40), QUIET_WEEK, False),
        (SignIns(failed=60, accounts=50, sources=40), [], True),
        (SignIns(failed=60, accounts=20, sources=20), QUIET_WEEK, True),
        (SignIns(failed=60, accounts=50, sources=19), QUIET_WEEK, False),
        (SignIns(failed=60, accounts=19, sources=40), QUIET_WEEK, False),
        (SignIns(failed=100, accounts=90, sources=90, succeeded=600), QUIET_WEEK, False),
        (SignIns(failed=100, accounts=90, sources=90, succeeded=300), QUIET_WEEK, True),
        (SignIns(failed=100, accounts=90, sources=90, succeeded=300), [], False),
        (SignIns(failed=100, accounts=90, sources=90, succeeded=150), [], True),
        (SignIns(failed=299, accounts=90, sources=90), BUSY_WEEK, False),
        (SignIns(failed=300, accounts=90, sources=90, succeeded=900), BUSY_WEEK, True),
        (SignIns(failed=500, accounts=90, sources=90, succeeded=4000), BUSY_WEEK, False),
    ],
    ids=[
        "many", "a little less", "a first day", "just enough", "few sources", "few accounts", "a busy morning",
        "a quarter, of what is a tenth else", "a quarter, for all that is known", "two fifths",
        "not three times what is usual", "three times what is usual", "a launch",
    ],
)  # fmt: skip
def test_many_sources(seen: SignIns, usual: list[SignIns], is_it: bool) -> None:
    assert RULES.is_many_sources(seen, usual) is is_it


@given(
    st.builds(
        SignIns,
        succeeded=st.integers(0, 500),
        failed=st.integers(0, 500),
        accounts=st.integers(0, 500),
        sources=st.integers(0, 500),
    ),
    st.lists(st.builds(SignIns, failed=st.integers(0, 200), succeeded=st.integers(0, 200)), max_size=20),
)
def test_whatever_begins_also_goes_on(seen: SignIns, usual: list[SignIns]) -> None:
    assert not RULES.is_one_source(seen) or RULES.is_one_source(seen, goes_on=True)
    assert not RULES.is_many_sources(seen, usual) or RULES.is_many_sources(seen, usual, goes_on=True)


def test_what_varies_much_has_to_be_exceeded_by_more() -> None:
    assert ceiling([]) == 0
    assert ceiling([SignIns(failed=10)] * 2) == 30
    assert ceiling([SignIns(failed=0), SignIns(failed=100)]) == 50 + 4 * 50


@pytest.mark.parametrize(
    ("days", "share"),
    [([SignIns(failed=30, succeeded=70)] * 143, 0.4), ([SignIns(failed=30, succeeded=70)] * 144, 0.6)],
)
def test_what_share_fails_here_is_known_after_a_day(days: list[SignIns], share: float) -> None:
    assert share_ceiling(days) == pytest.approx(share)


def test_an_episode_goes_on_with_a_quarter_of_each() -> None:
    quarter = SignIns(failed=15, accounts=5, sources=5, succeeded=15)
    assert not RULES.is_many_sources(quarter, [])
    assert RULES.is_many_sources(quarter, [], goes_on=True)
    for less in ({"failed": 14}, {"accounts": 4}, {"sources": 4}):
        assert not RULES.is_many_sources(replace(quarter, **less), [], goes_on=True)
