"""How often and how long a delivery is tried.

Where the other side is away, as a mail server in maintenance, waiting helps: it is tried for days, and soon again after
the other side has come back. Where a subscriber fails for another reason, trying on mostly repeats the failure.
"""

from datetime import timedelta

FIRST_DELAY = timedelta(seconds=1)
LONGEST_DELAY = timedelta(minutes=15)
LONGEST_DELAY_WHILE_AWAY = timedelta(minutes=1)
AWAY_FOR_AT_MOST = timedelta(days=3)
ATTEMPTS_AT_MOST = 10
FIRST_PUT_OFF = timedelta(minutes=20)
"""So long it takes until a recipient who has had their mail of a kind may be sent another."""
LONGEST_PUT_OFF = timedelta(hours=1)


def delay_before_retry(attempt: int, jitter: float, *, is_away: bool) -> timedelta:
    """Doubled with each attempt up to a bound, and spread by ``jitter`` (0 to 1) from half of that to all of it."""
    longest = LONGEST_DELAY_WHILE_AWAY if is_away else LONGEST_DELAY
    delay = min(timedelta(seconds=FIRST_DELAY.total_seconds() * (1 << min(attempt - 1, 20))), longest)
    return delay * (0.5 + jitter / 2)


def is_given_up(attempt: int, age: timedelta, *, is_away: bool) -> bool:
    """Whether the attempt that just failed was the last."""
    return age >= AWAY_FOR_AT_MOST if is_away else attempt >= ATTEMPTS_AT_MOST


def delay_of_what_is_put_off(attempt: int, jitter: float) -> timedelta:
    """Doubled with each attempt up to a bound, and up to a quarter more, so that many are not a queue at the door."""
    return min(FIRST_PUT_OFF * (1 << min(attempt - 1, 20)), LONGEST_PUT_OFF) * (1 + jitter / 4)
