"""How often and how long a delivery is tried."""

from datetime import timedelta

import pytest

from domain.outbox.retrying import (
    ATTEMPTS_AT_MOST,
    AWAY_FOR_AT_MOST,
    delay_before_retry,
    delay_of_what_is_put_off,
    is_given_up,
)

MOMENT = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


def test_delays_double_up_to_a_bound() -> None:
    delays = [delay_before_retry(attempt, 1.0, is_away=False).total_seconds() for attempt in (1, 2, 3, 10, 11, 1000)]
    assert delays == [1, 2, 4, 512, 900, 900]


def test_whoever_is_away_is_tried_every_minute() -> None:
    assert delay_before_retry(1000, 1.0, is_away=True) == timedelta(minutes=1)


@pytest.mark.parametrize("jitter", [0.0, 0.3, 1.0])
def test_jitter_takes_away_half_at_most(jitter: float) -> None:
    assert timedelta(seconds=2) <= delay_before_retry(3, jitter, is_away=False) <= timedelta(seconds=4)


def test_a_failure_is_given_up_after_ten_attempts_however_young() -> None:
    assert not is_given_up(ATTEMPTS_AT_MOST - 1, timedelta(days=30), is_away=False)
    assert is_given_up(ATTEMPTS_AT_MOST, MOMENT, is_away=False)


def test_whoever_is_away_is_given_up_after_days_however_often_it_was_tried() -> None:
    assert not is_given_up(10_000, AWAY_FOR_AT_MOST - MOMENT, is_away=True)
    assert is_given_up(1, AWAY_FOR_AT_MOST, is_away=True)


def test_what_is_put_off_is_told_again_less_and_less_often() -> None:
    assert [delay_of_what_is_put_off(attempt, 0.0) / MINUTE for attempt in (1, 2, 3, 1000)] == [20, 40, 60, 60]
    assert [delay_of_what_is_put_off(attempt, 1.0) / MINUTE for attempt in (1, 1000)] == [25, 75]
