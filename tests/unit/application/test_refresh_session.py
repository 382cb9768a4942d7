"""Staying signed in. What may be presented when is in ``tests/contract/test_refresh.py``."""

import asyncio
from datetime import timedelta

import pytest

from application.sessions.signed_in import SignedIn
from domain.errors import ServiceUnavailable
from domain.sessions.errors import InvalidAccessToken, InvalidRefreshToken
from tests.support.builders import ADA, MALLORY, new_id
from tests.support.fakes import token_text
from tests.support.service import Service, caller_of


@pytest.fixture
async def signed_in(service: Service) -> SignedIn:
    await service.sign_up()
    signed_in = await service.sign_in()
    service.world.store.round_trips = 0
    service.world.store.rows.events.clear()
    service.issuer.issued.clear()
    return signed_in


async def test_a_refresh_gives_both_tokens_anew(service: Service, signed_in: SignedIn) -> None:
    await service.world.advance(timedelta(minutes=10))

    refreshed = await service.refresh_session(signed_in.refresh_token, ADA)

    assert refreshed.refresh_token != signed_in.refresh_token
    assert service.issuer.issued == [signed_in.session.id]
    assert refreshed.user == signed_in.user
    assert refreshed.session.id == signed_in.session.id
    assert refreshed.session.last_used_at == service.world.store.clock.now()
    assert refreshed.refresh_expires_in == 3600


async def test_a_refresh_takes_one_round_trip(service: Service, signed_in: SignedIn) -> None:
    await service.refresh_session(signed_in.refresh_token, ADA)

    assert service.world.store.round_trips == 1


async def test_a_repeated_refresh_gives_the_same_refresh_token_and_tells_the_time_that_is_left(
    service: Service, signed_in: SignedIn
) -> None:
    first = await service.refresh_session(signed_in.refresh_token, ADA)
    await service.world.advance(timedelta(minutes=10))

    second = await service.refresh_session(signed_in.refresh_token, ADA)

    assert second.refresh_token == first.refresh_token
    assert second.refresh_expires_in == 3000


async def test_r02_r13_sixty_four_at_once_stay_signed_in_with_one_token(service: Service, signed_in: SignedIn) -> None:
    answers = await asyncio.gather(*(service.refresh_session(signed_in.refresh_token, ADA) for _ in range(64)))

    assert len({answer.refresh_token for answer in answers}) == 1


@pytest.mark.parametrize("text", ["", "nonsense", "a/b/c", "\0"])
async def test_r10_what_we_did_not_make_never_reaches_the_store(
    service: Service, signed_in: SignedIn, text: str
) -> None:
    """R10."""
    with pytest.raises(InvalidRefreshToken):
        await service.refresh_session(text, ADA)

    assert service.world.store.round_trips == 0
    assert await service.view_session(caller_of(signed_in)) == signed_in.session


async def test_a_token_of_an_unknown_session_is_refused(service: Service, signed_in: SignedIn) -> None:
    presented = service.tokens.parse(signed_in.refresh_token)

    with pytest.raises(InvalidRefreshToken):
        await service.refresh_session(token_text(new_id(), 0, presented.secret), ADA)


async def test_a_successor_that_was_not_sealed_for_the_token_is_not_given(
    service: Service, signed_in: SignedIn
) -> None:
    """A token of the generation before, but with another secret: from before a restore of the database."""
    await service.refresh_session(signed_in.refresh_token, ADA)

    with pytest.raises(InvalidRefreshToken):
        await service.refresh_session(token_text(signed_in.session.id, 0, b"?" * 32), ADA)

    assert service.issuer.issued == [signed_in.session.id]


async def test_r04_reuse_is_refused_after_the_session_has_ended_and_the_event_is_written(
    service: Service, signed_in: SignedIn
) -> None:
    """R04: for the access token as well."""
    second = await service.refresh_session(signed_in.refresh_token, ADA)
    third = await service.refresh_session(second.refresh_token, ADA)
    await service.world.advance(timedelta(minutes=1))
    service.issuer.issued.clear()

    with pytest.raises(InvalidRefreshToken):
        await service.refresh_session(signed_in.refresh_token, MALLORY)

    [event] = await service.world.events()
    assert (event.type, event.data, event.origin) == ("session.ended", {"reason": "refresh_token_reused"}, MALLORY)
    with pytest.raises(InvalidRefreshToken):
        await service.refresh_session(third.refresh_token, ADA)
    with pytest.raises(InvalidAccessToken):
        await service.view_profile(caller_of(third))
    assert service.issuer.issued == []


async def test_no_refusal_tells_why(service: Service, signed_in: SignedIn) -> None:
    await service.world.disable(signed_in.user.id)
    refusals = []
    for text in ("nonsense", token_text(new_id(), 0, b"?"), signed_in.refresh_token):
        with pytest.raises(InvalidRefreshToken) as refusal:
            await service.refresh_session(text, ADA)
        refusals.append((refusal.value.detail, refusal.value.violations, refusal.value.retry_after))

    assert len(set(refusals)) == 1


async def test_x07_nothing_is_given_while_the_store_is_away(service: Service, signed_in: SignedIn) -> None:
    """X07."""
    service.world.store.is_away = True

    with pytest.raises(ServiceUnavailable):
        await service.refresh_session(signed_in.refresh_token, ADA)

    assert service.issuer.issued == []
