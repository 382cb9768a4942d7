"""What a sign-in ends in."""

from dataclasses import replace
from datetime import timedelta

import pytest

from application.sessions.signed_in import SignedIn
from domain.credentials.password import Password
from domain.errors import ServiceUnavailable
from domain.sessions.errors import InvalidCredentials
from domain.sessions.session import SessionLifetime
from tests.support.builders import ADA, SHORT
from tests.support.fakes import OUTDATED, TODAY, FakeDeviceTokens
from tests.support.service import LONG, PASSWORD, Service, caller_of
from tests.support.world import SIGN_IN_ACCOUNT

BURST = 10


@pytest.fixture
async def service(service: Service) -> Service:
    await service.sign_up()
    service.world.store.rows.events.clear()
    return service


def outdate_the_hash(service: Service) -> None:
    credentials = service.world.store.rows.credentials
    for user_id, credential in credentials.items():
        credentials[user_id] = replace(credential, password_hash=OUTDATED + PASSWORD)


async def test_a_session_says_how_by_whom_and_from_where_it_was_opened(service: Service) -> None:
    now = service.world.store.clock.now()

    signed_in = await service.sign_in()

    session = signed_in.session
    assert session.user_id == signed_in.user.id
    assert (session.authentication.methods, session.authentication.client_id) == (("pwd",), "first-party")
    assert session.authentication.auth_time == session.created_at == now
    assert (session.ip_address, session.user_agent) == (ADA.ip_address, ADA.user_agent)
    stored = service.world.store.rows.sessions[session.id]
    assert stored.session == session
    assert stored.digest == service.tokens.digest(service.tokens.parse(signed_in.refresh_token))


@pytest.mark.parametrize(("remember", "lifetime"), [(False, SHORT), (True, LONG)])
async def test_whoever_wants_to_be_remembered_stays_longer(
    service: Service, *, remember: bool, lifetime: SessionLifetime
) -> None:
    signed_in = await service.sign_in(remember=remember)

    session = signed_in.session
    assert session.idle_expires_at - session.created_at == session.idle_lifetime == lifetime.idle
    assert session.expires_at - session.created_at == lifetime.absolute
    assert signed_in.refresh_expires_in == lifetime.idle.total_seconds()


async def test_a_session_comes_with_both_tokens_and_is_live(service: Service) -> None:
    signed_in = await service.sign_in()

    assert service.issuer.issued == [signed_in.session.id]
    assert str(signed_in.session.id) in signed_in.access_token.text
    assert await service.view_profile(caller_of(signed_in)) == signed_in.user
    assert (await service.refresh_session(signed_in.refresh_token, ADA)).session.id == signed_in.session.id


async def test_l09_every_sign_in_has_a_session_and_tokens_of_its_own(service: Service) -> None:
    """L09."""
    first, second = await service.sign_in(), await service.sign_in()

    assert first.session.id != second.session.id
    assert first.refresh_token != second.refresh_token
    assert await service.view_session(caller_of(first)) == first.session


async def test_starting_a_session_is_recorded(service: Service) -> None:
    signed_in = await service.sign_in()

    [event] = await service.world.events()
    assert (event.type, event.user_id, event.session_id) == (
        "session.started",
        signed_in.user.id,
        signed_in.session.id,
    )
    assert (event.data, event.origin) == ({"amr": "pwd"}, ADA)


@pytest.mark.parametrize("change", ["password", "status"])
async def test_a_sign_in_that_raced_with_a_change_of_the_account_is_refused(service: Service, change: str) -> None:
    [user_id] = service.world.store.rows.users

    async def change_the_account() -> None:
        if change == "password":
            await service.world.change_password_version(user_id)
        else:
            await service.world.disable(user_id)

    service.hasher.meanwhile = change_the_account
    with pytest.raises(InvalidCredentials):
        await service.try_to_sign_in()

    assert service.world.store.rows.sessions == {}
    assert await service.world.events() == []
    assert service.issuer.issued == []


async def test_a_sign_in_that_was_refused_by_a_race_stays_counted(service: Service) -> None:
    [user_id] = service.world.store.rows.users

    async def change_the_password() -> None:
        await service.world.change_password_version(user_id)

    for _ in range(BURST):
        service.hasher.meanwhile = change_the_password
        with pytest.raises(InvalidCredentials):
            await service.try_to_sign_in()

    # Each on the counter of the password that it was for.
    counters = service.world.store.rows.counters.items()
    assert [counter.failures for (rule, _), counter in counters if rule == SIGN_IN_ACCOUNT] == [1] * BURST


async def test_x01_no_token_leaves_before_the_commit(service: Service) -> None:
    """X01."""

    async def store_goes_away() -> None:
        service.world.store.is_away = True

    service.hasher.meanwhile = store_goes_away
    with pytest.raises(ServiceUnavailable):
        await service.try_to_sign_in()

    assert service.issuer.issued == []
    assert service.world.store.rows.sessions == {}


async def test_l11_an_outdated_hash_is_made_anew_and_nobody_is_signed_out(service: Service) -> None:
    """L11."""
    before = await service.sign_in()
    outdate_the_hash(service)
    service.hasher.hashed.clear()

    after = await service.sign_in()

    credential = service.world.store.rows.credentials[after.user.id]
    assert (credential.password_hash, credential.version) == (TODAY + PASSWORD, 1)
    assert service.hasher.hashed == [PASSWORD]
    for signed_in in (before, after):
        assert await service.view_profile(caller_of(signed_in)) == signed_in.user


async def test_a_hash_that_cannot_be_made_anew_now_is_left_for_the_next_time(service: Service) -> None:
    outdate_the_hash(service)
    rehash = service.hasher.hash

    async def hash_in_a_storm(password: Password) -> str:
        service.hasher.overloaded = True
        return await rehash(password)

    service.hasher.hash = hash_in_a_storm  # type: ignore[method-assign]  # only the second hashing is to be refused

    signed_in = await service.sign_in()

    assert await service.view_session(caller_of(signed_in)) == signed_in.session
    assert service.world.store.rows.credentials[signed_in.user.id].password_hash == OUTDATED + PASSWORD


async def test_a_hash_of_today_is_left_alone(service: Service) -> None:
    service.hasher.hashed.clear()

    await service.sign_in()

    assert service.hasher.hashed == []


async def test_a_wrong_password_does_not_make_a_hash_anew(service: Service) -> None:
    outdate_the_hash(service)
    service.hasher.hashed.clear()

    with pytest.raises(InvalidCredentials):
        await service.try_to_sign_in(password="wrong")

    assert service.hasher.hashed == []


async def test_a_password_changed_while_its_hash_is_made_anew_is_not_overwritten(service: Service) -> None:
    outdate_the_hash(service)
    [user_id] = service.world.store.rows.users
    rehash = service.hasher.hash

    async def hash_slowly(password: Password) -> str:
        await service.world.change_password_version(user_id)
        return await rehash(password)

    service.hasher.hash = hash_slowly  # type: ignore[method-assign]  # only the second hashing is to be slow
    assert isinstance(await service.try_to_sign_in(), SignedIn)

    credential = service.world.store.rows.credentials[user_id]
    assert (credential.password_hash, credential.version) == (OUTDATED + PASSWORD, 2)


async def test_what_is_left_of_the_idle_time_is_told_in_whole_seconds(service: Service) -> None:
    await service.world.advance(timedelta(microseconds=1))

    assert (await service.sign_in()).refresh_expires_in == 3600


FIREFOX = replace(ADA, user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0")


async def test_o05_a_session_names_browser_and_system(service: Service) -> None:
    assert (await service.sign_in(origin=FIREFOX)).session.device == "Firefox on Windows"
    assert (await service.sign_in()).session.device is None


async def test_l06_a_device_is_known_from_then_on_by_one_id(service: Service) -> None:
    first = await service.sign_in()
    assert first.device_token
    device = FakeDeviceTokens().read(first.device_token.text)
    assert device
    assert (device.user_id, device.credential_version) == (first.user.id, 1)
    assert device.made_at == first.session.created_at

    await service.world.advance(timedelta(minutes=1))
    again = await service.sign_in(origin=replace(ADA, device_token=first.device_token.text))
    elsewhere = await service.sign_in()

    assert again.device_token
    assert elsewhere.device_token
    known = FakeDeviceTokens().read(again.device_token.text)
    assert known == replace(device, made_at=again.session.created_at)
    other = FakeDeviceTokens().read(elsewhere.device_token.text)
    assert other
    assert other.id != device.id


async def test_o09_one_session_too_many_ends_the_one_used_least_recently(service: Service) -> None:
    service.sessions_per_user = 2
    opened = []
    for _ in range(3):
        opened.append(await service.sign_in())
        await service.world.advance(timedelta(seconds=1))

    live = {each.id for each in service.world.store.rows.all_live(opened[0].user.id, service.world.store.clock.now())}
    assert live == {each.session.id for each in opened[1:]}
