"""A session from its start to one of its ends."""

from dataclasses import replace
from datetime import timedelta

import pytest

from domain.sessions.events import log_in_failed, session_ended, session_started
from domain.sessions.refresh_chain import RefreshChain, RefreshOutcome
from domain.sessions.session import EndReason, Session, SessionLifetime
from tests.support.builders import ADA, NOON, new_id, session_of

HOUR = timedelta(hours=1)
MICROSECOND = timedelta(microseconds=1)


def session_lasting(*, idle: timedelta, absolute: timedelta) -> Session:
    return session_of(new_id(), lifetime=SessionLifetime(idle=idle, absolute=absolute))


def rotate(session: Session, after: timedelta) -> Session:
    session, outcome = session.refresh(session.chain.generation, is_current_secret=True, now=NOON + after)
    assert outcome is RefreshOutcome.ROTATED
    return session


def test_a_session_starts_live_with_both_of_its_ends() -> None:
    session = session_lasting(idle=HOUR, absolute=24 * HOUR)

    assert session.created_at == session.last_used_at == session.authentication.auth_time == NOON
    assert (session.idle_expires_at, session.expires_at) == (NOON + HOUR, NOON + 24 * HOUR)
    assert (session.ip_address, session.user_agent) == (ADA.ip_address, ADA.user_agent)
    assert (session.chain, session.ended_at, session.end_reason) == (RefreshChain(), None, None)
    assert session.is_live(NOON)


def test_an_idle_end_is_never_later_than_the_absolute_one() -> None:
    session = session_lasting(idle=24 * HOUR, absolute=HOUR)

    assert session.idle_expires_at == session.expires_at == NOON + HOUR


@pytest.mark.parametrize(
    ("idle", "absolute", "after", "is_live"),
    [
        (HOUR, 24 * HOUR, HOUR - MICROSECOND, True),
        (HOUR, 24 * HOUR, HOUR, False),
        (24 * HOUR, HOUR, HOUR - MICROSECOND, True),
        (24 * HOUR, HOUR, HOUR, False),
    ],
)
def test_a_session_lives_until_the_first_of_its_ends(
    idle: timedelta, absolute: timedelta, after: timedelta, *, is_live: bool
) -> None:
    assert session_lasting(idle=idle, absolute=absolute).is_live(NOON + after) is is_live


def test_a_rotation_moves_the_idle_end_and_the_last_use_and_nothing_else() -> None:
    session = session_lasting(idle=HOUR, absolute=24 * HOUR)

    rotated = rotate(session, HOUR / 2)

    assert rotated == replace(
        session,
        last_used_at=NOON + HOUR / 2,
        idle_expires_at=NOON + HOUR / 2 + HOUR,
        chain=RefreshChain(generation=1, rotated_at=NOON + HOUR / 2),
    )


def test_a_rotation_moves_the_idle_end_at_most_to_the_absolute_one() -> None:
    session = rotate(session_lasting(idle=HOUR, absolute=1.5 * HOUR), 0.75 * HOUR)

    assert session.idle_expires_at == session.expires_at == NOON + 1.5 * HOUR


@pytest.mark.parametrize("after", [timedelta(0), timedelta(minutes=5)], ids=["punctual", "late"])
def test_a_repeated_answer_moves_no_end(after: timedelta) -> None:
    session = rotate(session_lasting(idle=HOUR, absolute=24 * HOUR), timedelta(0))

    repeated, outcome = session.refresh(0, is_current_secret=False, now=NOON + after)

    assert outcome is RefreshOutcome.REPEATED
    assert (repeated.last_used_at, repeated.idle_expires_at) == (session.last_used_at, session.idle_expires_at)


def test_reuse_ends_the_session() -> None:
    session = rotate(rotate(session_lasting(idle=HOUR, absolute=24 * HOUR), timedelta(0)), timedelta(0))
    now = NOON + timedelta(minutes=1)

    ended, outcome = session.refresh(0, is_current_secret=False, now=now)

    assert outcome is RefreshOutcome.REUSED
    assert (ended.ended_at, ended.end_reason) == (now, EndReason.REFRESH_TOKEN_REUSED)
    assert not ended.is_live(now)


@pytest.mark.parametrize("age", [-1, 0, 1, 2])
@pytest.mark.parametrize("end", ["revoked", "idle", "absolute"])
def test_nothing_answers_after_the_end(age: int, end: str) -> None:
    lifetime = (
        SessionLifetime(idle=24 * HOUR, absolute=HOUR)
        if end == "absolute"
        else SessionLifetime(idle=HOUR, absolute=24 * HOUR)
    )
    session = rotate(rotate(session_of(new_id(), lifetime=lifetime), timedelta(0)), timedelta(0))
    if end == "revoked":
        session = session.revoke(EndReason.LOGGED_OUT, NOON)
    now = NOON + (timedelta(minutes=1) if end == "revoked" else HOUR)

    unmoved, outcome = session.refresh(2 - age, is_current_secret=age == 0, now=now)

    assert (unmoved, outcome) == (session, RefreshOutcome.REFUSED)


def test_an_end_that_has_come_stays_as_it_was() -> None:
    session = session_lasting(idle=HOUR, absolute=24 * HOUR).revoke(EndReason.LOGGED_OUT, NOON)

    again = session.revoke(EndReason.REFRESH_TOKEN_REUSED, NOON + HOUR)

    assert (again.ended_at, again.end_reason) == (NOON, EndReason.LOGGED_OUT)


def test_what_happens_to_sessions_is_told() -> None:
    session = session_of(new_id())
    session = replace(session, authentication=replace(session.authentication, methods=("pwd", "otp")))

    started = session_started(session)
    ended = session_ended(session.id, session.user_id, EndReason.REFRESH_TOKEN_REUSED)

    assert (started.type, started.user_id, started.session_id) == ("session.started", session.user_id, session.id)
    assert started.data == {"amr": "pwd otp"}
    assert (ended.type, ended.user_id, ended.session_id) == ("session.ended", session.user_id, session.id)
    assert ended.data == {"reason": "refresh_token_reused"}


def test_a_refused_sign_in_is_told_by_a_digest() -> None:
    event = log_in_failed(None, "c0ffee")

    assert (event.type, event.user_id, event.session_id) == ("log_in.failed", None, None)
    assert event.data == {"identifier_digest": "c0ffee"}


def test_a_session_that_is_succeeded_goes_on_anew_where_it_is_then() -> None:
    old = session_lasting(idle=HOUR, absolute=24 * HOUR)
    old = replace(old, authentication=replace(old.authentication, context_class="1"))
    now = NOON + HOUR / 2

    new = old.succeeded_by(
        new_id(), methods=("pwd", "otp"), ip_address="192.0.2.1", user_agent="curl/8.5.0", device="curl", now=now
    )

    assert (new.user_id, new.created_at, new.expires_at) == (old.user_id, now, now + 24 * HOUR)
    assert new.authentication == replace(old.authentication, auth_time=now, methods=("pwd", "otp"))
    assert (new.ip_address, new.user_agent, new.device) == ("192.0.2.1", "curl/8.5.0", "curl")
