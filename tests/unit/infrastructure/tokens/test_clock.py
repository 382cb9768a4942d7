import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from infrastructure.clock import DatabaseClock

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)


class Elapsed:
    seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def elapsed() -> Elapsed:
    return Elapsed()


def test_time_goes_on_from_what_the_database_said(elapsed: Elapsed) -> None:
    clock = DatabaseClock(elapsed)
    clock.anchor(NOON)
    assert clock.now() == NOON
    elapsed.seconds += 90.5
    assert clock.now() == NOON + timedelta(seconds=90.5)


def test_what_the_database_said_last_counts(elapsed: Elapsed) -> None:
    clock = DatabaseClock(elapsed)
    clock.anchor(NOON)
    elapsed.seconds += 60
    clock.anchor(NOON + timedelta(seconds=59))
    assert clock.now() == NOON + timedelta(seconds=59)


@pytest.mark.parametrize("step", [-3600, 3600])
def test_x09_a_step_of_the_system_clock_moves_nothing(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """X09."""
    clock = DatabaseClock()
    clock.anchor(NOON)
    system = time.time
    monkeypatch.setattr(time, "time", lambda: system() + step)
    monkeypatch.setattr("infrastructure.clock.datetime", _Stepped.by(step))
    assert timedelta() <= clock.now() - NOON < timedelta(seconds=30)


def test_before_the_database_has_spoken_it_is_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = DatabaseClock()
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=30)
    assert clock.now().utcoffset() == timedelta()
    monkeypatch.setattr("infrastructure.clock.datetime", _Stepped.by(3600))
    assert clock.now() - datetime.now(UTC) > timedelta(minutes=59)
    clock.anchor(NOON)
    assert clock.now() - NOON < timedelta(seconds=30)


def test_it_really_goes() -> None:
    clock = DatabaseClock()
    clock.anchor(NOON)
    deadline = time.monotonic() + 10
    while clock.now() == NOON and time.monotonic() < deadline:
        pass
    assert NOON < clock.now() < NOON + timedelta(seconds=30)


def test_it_tells_utc(elapsed: Elapsed) -> None:
    clock = DatabaseClock(elapsed)
    clock.anchor(NOON.astimezone(timezone(timedelta(hours=5))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC
    with pytest.raises(ValueError, match="no offset"):
        clock.anchor(NOON.replace(tzinfo=None))


class _Stepped(datetime):
    """The system's time after a step."""

    step = 0

    @classmethod
    def by(cls, step: int) -> "type[_Stepped]":
        return type("_SteppedBy", (cls,), {"step": step})

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + timedelta(seconds=cls.step)
