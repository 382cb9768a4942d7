"""What a signed-in caller can do: read themselves and their session, and sign out."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from application.sessions.ports import Caller
from application.sessions.signed_in import SignedIn
from domain.errors import ServiceUnavailable
from domain.sessions.errors import InvalidAccessToken, InvalidRefreshToken, SessionNotFound
from tests.support.builders import ADA, new_id
from tests.support.service import Service, caller_of

UseCase = Callable[[Service, Caller], Awaitable[object]]
Deed = Callable[[Service, SignedIn], Awaitable[object]]

USE_CASES: dict[str, UseCase] = {
    "view_profile": lambda service, caller: service.view_profile(caller),
    "view_session": lambda service, caller: service.view_session(caller),
    "log_out": lambda service, caller: service.log_out(caller, ADA),
    "list_sessions": lambda service, caller: service.list_sessions(caller, limit=50),
    "end_session": lambda service, caller: service.end_session(caller, caller.session_id, ADA),
    "end_all_sessions": lambda service, caller: service.end_all_sessions(caller, ADA, but_current=False),
    "end the other sessions": lambda service, caller: service.end_all_sessions(caller, ADA, but_current=True),
}
ENDS: dict[str, Deed] = {
    "logged out": lambda service, signed_in: service.log_out(caller_of(signed_in), ADA),
    "idle": lambda service, signed_in: service.world.advance(signed_in.session.idle_lifetime),
    "past its absolute end": lambda service, _: service.world.advance(timedelta(hours=24)),
    "disabled": lambda service, signed_in: service.world.disable(signed_in.user.id),
}

for_each_use_case = pytest.mark.parametrize("use_case", USE_CASES.values(), ids=USE_CASES)
for_each_end = pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)


@pytest.fixture
async def signed_in(service: Service) -> SignedIn:
    await service.sign_up()
    signed_in = await service.sign_in()
    service.world.store.round_trips = 0
    service.world.store.rows.events.clear()
    return signed_in


async def test_a_caller_reads_their_account(service: Service, signed_in: SignedIn) -> None:
    assert await service.view_profile(caller_of(signed_in)) == signed_in.user


async def test_a_caller_reads_the_session_they_are_in(service: Service, signed_in: SignedIn) -> None:
    await service.sign_in()

    assert await service.view_session(caller_of(signed_in)) == signed_in.session


@for_each_use_case
async def test_each_takes_one_round_trip(service: Service, signed_in: SignedIn, use_case: UseCase) -> None:
    await use_case(service, caller_of(signed_in))

    assert service.world.store.round_trips == 1


@for_each_end
@for_each_use_case
async def test_a_session_that_has_ended_carries_nobody(
    service: Service, signed_in: SignedIn, use_case: UseCase, end: Deed
) -> None:
    await end(service, signed_in)
    rows = service.world.store.rows.copy()

    with pytest.raises(InvalidAccessToken):
        await use_case(service, caller_of(signed_in))

    assert service.world.store.rows == rows


@for_each_use_case
async def test_a_session_carries_its_own_user_only(service: Service, signed_in: SignedIn, use_case: UseCase) -> None:
    mallory = await service.sign_up(email="mallory@example.com", username="mallory")
    for user_id, session_id in [(mallory.id, signed_in.session.id), (signed_in.user.id, new_id())]:
        with pytest.raises(InvalidAccessToken):
            await use_case(service, Caller(user_id=user_id, session_id=session_id))

    assert await service.view_profile(caller_of(signed_in)) == signed_in.user


@for_each_use_case
async def test_x07_nobody_is_let_in_while_the_store_is_away(
    service: Service, signed_in: SignedIn, use_case: UseCase
) -> None:
    """X07."""
    service.world.store.is_away = True

    with pytest.raises(ServiceUnavailable):
        await use_case(service, caller_of(signed_in))


async def test_o01_after_log_out_neither_token_works(service: Service, signed_in: SignedIn) -> None:
    """O01."""
    await service.log_out(caller_of(signed_in), ADA)

    with pytest.raises(InvalidAccessToken):
        await service.view_profile(caller_of(signed_in))
    with pytest.raises(InvalidRefreshToken):
        await service.refresh_session(signed_in.refresh_token, ADA)


async def test_log_out_is_recorded(service: Service, signed_in: SignedIn) -> None:
    await service.log_out(caller_of(signed_in), ADA)

    [event] = await service.world.events()
    assert (event.type, event.user_id, event.session_id) == ("session.ended", signed_in.user.id, signed_in.session.id)
    assert (event.data, event.origin) == ({"reason": "logged_out"}, ADA)


async def test_log_out_ends_one_session_only(service: Service, signed_in: SignedIn) -> None:
    other = await service.sign_in()

    await service.log_out(caller_of(signed_in), ADA)

    assert await service.view_session(caller_of(other)) == other.session


async def test_a_session_ends_by_its_id_for_a_reason(service: Service, signed_in: SignedIn) -> None:
    other = await service.sign_in()
    service.world.store.rows.events.clear()

    await service.end_session(caller_of(signed_in), other.session.id, ADA)
    await service.end_session(caller_of(signed_in), signed_in.session.id, ADA)

    events = await service.world.events()
    assert [(event.type, event.session_id, event.data["reason"]) for event in events] == [
        ("session.ended", other.session.id, "revoked"),
        ("session.ended", signed_in.session.id, "logged_out"),
    ]


async def test_o06_nobody_ends_what_is_not_theirs(service: Service, signed_in: SignedIn) -> None:
    """O06."""
    await service.sign_up(email="mallory@example.com", username="mallory")
    stranger = await service.sign_in("mallory")
    service.world.store.rows.events.clear()

    for session_id in (stranger.session.id, new_id(), None):
        with pytest.raises(SessionNotFound):
            await service.end_session(caller_of(signed_in), session_id, ADA)

    assert await service.event_types() == []
    assert await service.view_session(caller_of(stranger)) == stranger.session


async def test_whoever_is_signed_out_is_not_told_that_an_id_is_none(service: Service, signed_in: SignedIn) -> None:
    await service.log_out(caller_of(signed_in), ADA)

    with pytest.raises(InvalidAccessToken):
        await service.end_session(caller_of(signed_in), None, ADA)


@pytest.mark.parametrize("but_current", [False, True])
async def test_all_end_or_all_but_the_current_one(service: Service, signed_in: SignedIn, *, but_current: bool) -> None:
    others = [await service.sign_in() for _ in range(2)]
    service.world.store.rows.events.clear()

    await service.end_all_sessions(caller_of(signed_in), ADA, but_current=but_current)

    reasons = {event.session_id: event.data["reason"] for event in await service.world.events()}
    own = {} if but_current else {signed_in.session.id: "logged_out"}
    assert reasons == {other.session.id: "revoked" for other in others} | own
    rows = service.world.store.rows.sessions
    assert (rows[signed_in.session.id].session.ended_at is None) is but_current


async def test_pages_of_sessions_follow_each_other(service: Service, signed_in: SignedIn) -> None:
    opened = [signed_in]
    for _ in range(2):
        await service.world.advance(timedelta(seconds=1))
        opened.append(await service.sign_in())

    first = await service.list_sessions(caller_of(signed_in), limit=2)
    second = await service.list_sessions(caller_of(signed_in), limit=2, after=first.next)

    assert [*first.sessions, *second.sessions] == [each.session for each in reversed(opened)]
    assert second.next is None
