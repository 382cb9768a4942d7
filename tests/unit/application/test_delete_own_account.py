"""Deleting one's own account: what goes, what stays, and who may."""

import asyncio

import pytest

from application.accounts.delete_own_account import DeleteOwnAccount
from application.sessions.signed_in import SignedIn
from domain.accounts.errors import SelfDeletionOff, UsernameTaken
from domain.credentials.errors import WrongPassword
from domain.errors import InvalidInput, ServiceUnavailable, TooManyAttempts
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, InvalidRefreshToken
from tests.support.builders import ADA
from tests.support.photos import picture
from tests.support.service import PASSWORD, Service, caller_of
from tests.support.world import SIGN_IN_ACCOUNT


async def delete(service: Service, who: SignedIn, password: str = PASSWORD) -> None:
    use_case: DeleteOwnAccount = service.delete_own_account
    await use_case(caller_of(who), password, ADA)


@pytest.fixture
async def signed_in(service: Service) -> SignedIn:
    await service.sign_up()
    return await service.sign_in()


async def test_a03_nobody_is_signed_in_or_signs_in_any_more(service: Service, signed_in: SignedIn) -> None:
    """A03."""
    other = await service.sign_in(remember=True)

    await delete(service, signed_in)

    for session in (signed_in, other):
        with pytest.raises(InvalidAccessToken):
            await service.view_profile(caller_of(session))
        with pytest.raises(InvalidRefreshToken):
            await service.refresh_session(session.refresh_token, ADA)
    with pytest.raises(InvalidCredentials):
        await service.sign_in()


async def test_nothing_of_it_is_left_but_a_record_of_nobody(service: Service, signed_in: SignedIn) -> None:
    with pytest.raises(InvalidCredentials):
        await service.try_to_sign_in(password="not the password")

    await delete(service, signed_in)

    rows = service.world.store.rows
    assert (rows.users, rows.credentials, rows.sessions, rows.one_time_tokens) == ({}, {}, {}, {})
    events = await service.world.events()
    assert [event.type for event in events][-1] == "user.deleted"
    assert {event.user_id for event in events} == {signed_in.user.id}
    assert {(event.origin.ip_address, event.origin.user_agent) for event in events} == {(None, None)}
    assert all("identifier_digest" not in event.data for event in events)


async def test_the_username_is_nobodys_and_the_address_is_free(service: Service, signed_in: SignedIn) -> None:
    await delete(service, signed_in)

    with pytest.raises(UsernameTaken):
        await service.sign_up(email="mallory@example.com", username="aDA")
    assert await service.sign_up(username="ada.again")


async def test_the_photo_goes_too(service: Service, signed_in: SignedIn) -> None:
    await service.set_photo(caller_of(signed_in), a_picture, ADA)
    assert service.photo_store.photo_ids

    await delete(service, signed_in)

    assert not service.photo_store.photo_ids
    assert service.world.store.rows.unowned_photos == {}


async def a_picture() -> bytes:
    return picture(colour="teal")


async def test_a_photo_store_that_is_away_keeps_nobody_from_leaving(service: Service, signed_in: SignedIn) -> None:
    await service.set_photo(caller_of(signed_in), a_picture, ADA)
    service.photo_store.is_away = True

    await delete(service, signed_in)

    assert len(service.world.store.rows.unowned_photos) == 1, "the sweep finds it"


async def test_p01_a_wrong_password_deletes_nothing_and_counts(service: Service, signed_in: SignedIn) -> None:
    """P01."""
    for _ in range(service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(WrongPassword):
            await delete(service, signed_in, "not the password of ada")

    with pytest.raises(TooManyAttempts):
        await delete(service, signed_in)
    assert await service.view_profile(caller_of(signed_in)) == signed_in.user


async def test_where_the_operator_deletes(service: Service, signed_in: SignedIn) -> None:
    service.self_deletion = False

    for _ in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(SelfDeletionOff):
            await delete(service, signed_in, "not the password of ada")

    assert await service.view_profile(caller_of(signed_in)) == signed_in.user
    service.self_deletion = True
    await delete(service, signed_in)


async def test_o01_where_the_operator_deletes_a_session_that_has_ended_is_told_so(
    service: Service, signed_in: SignedIn
) -> None:
    """O01."""
    service.self_deletion = False
    await service.log_out(caller_of(signed_in), ADA)

    with pytest.raises(InvalidAccessToken):
        await delete(service, signed_in)


async def test_text_that_is_no_password(service: Service, signed_in: SignedIn) -> None:
    with pytest.raises(InvalidInput):
        await delete(service, signed_in, "x" * 1025)


async def test_a_session_that_has_ended_deletes_nothing(service: Service, signed_in: SignedIn) -> None:
    await service.log_out(caller_of(signed_in), ADA)

    with pytest.raises(InvalidAccessToken):
        await delete(service, signed_in)

    assert await service.sign_in()


async def test_a_session_that_ends_meanwhile_deletes_nothing(service: Service, signed_in: SignedIn) -> None:
    service.hasher.meanwhile = lambda: service.log_out(caller_of(signed_in), ADA)

    with pytest.raises(InvalidAccessToken):
        await delete(service, signed_in)

    assert await service.sign_in()


async def test_of_eight_at_once_one_deletes(service: Service, signed_in: SignedIn) -> None:
    sessions = [signed_in, *[await service.sign_in() for _ in range(7)]]

    results = await asyncio.gather(*(delete(service, who) for who in sessions), return_exceptions=True)

    assert results.count(None) == 1
    assert {type(result) for result in results} == {type(None), InvalidAccessToken}
    assert (await service.event_types()).count("user.deleted") == 1


async def test_a_sign_in_that_races_opens_nothing(service: Service, signed_in: SignedIn) -> None:
    async def meanwhile() -> None:
        await delete(service, signed_in)

    service.hasher.meanwhile = meanwhile

    with pytest.raises(InvalidCredentials):
        await service.sign_in()


async def test_nothing_while_the_store_is_away(service: Service, signed_in: SignedIn) -> None:
    service.world.store.is_away = True

    with pytest.raises(ServiceUnavailable):
        await delete(service, signed_in)
