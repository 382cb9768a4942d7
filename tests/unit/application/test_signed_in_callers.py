"""What a signed-in caller can do: read themselves and their session, and sign out."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from application.sessions.ports import Caller
from application.sessions.signed_in import SignedIn
from domain.errors import ServiceUnavailable
from domain.sessions.errors import InvalidAccessToken, InvalidRefreshToken
from tests.support.builders import ADA, new_id
from tests.support.service import Service, caller_of

UseCase = Callable[[Service, Caller], Awaitable[object]]
Deed = Callable[[Service, SignedIn], Awaitable[object]]

USE_CASES: dict[str, UseCase] = {
    "view_profile": lambda service, caller: service.view_profile(caller),
    "view_session": lambda service, caller: service.view_session(caller),
    "log_out": lambda service, caller: service.log_out(caller, ADA),
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
async def test_nobody_is_let_in_while_the_store_is_away(
    service: Service, signed_in: SignedIn, use_case: UseCase
) -> None:
    """X07."""
    service.world.store.is_away = True

    with pytest.raises(ServiceUnavailable):
        await use_case(service, caller_of(signed_in))


async def test_after_log_out_neither_token_works(service: Service, signed_in: SignedIn) -> None:
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
