"""Changing one's own password: who may, what of the old one survives (nothing), and what is counted."""

import asyncio
from dataclasses import replace

import pytest

from application.credentials.change_password import PasswordChange
from application.origin import Origin
from application.recovery.confirm_password_reset import PasswordReset
from application.sessions.signed_in import SignedIn
from domain.credentials.errors import WrongPassword
from domain.credentials.password import Password, Weakness
from domain.errors import DomainError, InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, InvalidRefreshToken
from domain.sessions.session import EndReason
from tests.support.builders import ADA
from tests.support.fakes import FakeDeviceTokens
from tests.support.service import LONG, PASSWORD, Service, caller_of
from tests.support.world import SIGN_IN_ACCOUNT

OPERATOR = Origin(operator="root")
NEW = "the next password of ada"
ELSEWHERE = Origin(ip_address="198.51.100.3", user_agent="curl/8.5.0", request_id="a request")


async def change(
    service: Service, who: SignedIn, *, current: str = PASSWORD, new: str = NEW, origin: Origin = ADA
) -> SignedIn:
    return await service.change_password(caller_of(who), PasswordChange(current=current, new=new), origin)


@pytest.fixture
async def signed_in(service: Service) -> SignedIn:
    await service.sign_up()
    return await service.sign_in()


def codes(refusal: InvalidInput) -> list[tuple[str, str]]:
    return [(violation.field, violation.code) for violation in refusal.violations]


async def test_only_the_new_password_signs_in(service: Service, signed_in: SignedIn) -> None:
    await change(service, signed_in)

    with pytest.raises(InvalidCredentials):
        await service.sign_in()
    assert await service.try_to_sign_in(password=NEW)


async def test_p02_the_caller_goes_on_in_a_new_session_and_nobody_in_an_old_one(
    service: Service, signed_in: SignedIn
) -> None:
    """P02, A7.2.4."""
    other = await service.sign_in(remember=True)

    changed = await change(service, signed_in)

    assert changed.session.id not in {signed_in.session.id, other.session.id}
    assert await service.view_profile(caller_of(changed)) == signed_in.user
    assert (await service.refresh_session(changed.refresh_token, ADA)).session.id == changed.session.id
    for old in (signed_in, other):
        with pytest.raises(InvalidAccessToken):
            await service.view_profile(caller_of(old))
        with pytest.raises(InvalidRefreshToken):
            await service.refresh_session(old.refresh_token, ADA)
        row = await service.world.session_row(old.session.id)
        assert row is not None
        assert row.session.end_reason is EndReason.PASSWORD_CHANGED


@pytest.mark.parametrize("remember", [False, True])
async def test_the_new_session_lasts_as_long_as_the_old_one_was_to(service: Service, *, remember: bool) -> None:
    await service.sign_up()
    old = await service.sign_in(remember=remember)
    await service.world.advance(old.session.idle_lifetime / 2)

    new = (await change(service, old)).session

    assert new.idle_lifetime == old.session.idle_lifetime
    assert new.expires_at - new.created_at == old.session.expires_at - old.session.created_at
    assert new.authentication.auth_time == new.created_at > old.session.authentication.auth_time
    assert new.authentication.methods == ("pwd",)
    assert (new.idle_lifetime == LONG.idle) is remember


async def test_the_new_session_is_of_where_it_was_asked_for(service: Service, signed_in: SignedIn) -> None:
    rows = service.world.store.rows
    stored = rows.sessions[signed_in.session.id]
    rows.sessions[signed_in.session.id] = replace(stored, session=replace(stored.session, device="A browser"))

    there = (await change(service, signed_in, origin=ELSEWHERE)).session

    assert (there.ip_address, there.user_agent, there.device) == ("198.51.100.3", "curl/8.5.0", "curl")


async def test_it_is_recorded(service: Service, signed_in: SignedIn) -> None:
    service.world.store.rows.events.clear()

    changed = await change(service, signed_in)

    recorded = {event.type: (event.user_id, event.session_id) for event in await service.world.events()}
    ada, old = signed_in.user.id, signed_in.session.id
    assert recorded == {
        "session.ended": (ada, old), "password.changed": (ada, old), "session.started": (ada, changed.session.id),
    }  # fmt: skip


async def test_l06_where_it_was_changed_is_known_by_the_new_password(service: Service, signed_in: SignedIn) -> None:
    """What was known by the old one is so no more."""
    before = FakeDeviceTokens().read(signed_in.device_token.text) if signed_in.device_token else None

    changed = await change(service, signed_in)

    assert changed.device_token
    device = FakeDeviceTokens().read(changed.device_token.text)
    assert device
    assert before
    assert (device.user_id, device.made_at) == (signed_in.user.id, changed.session.created_at)
    assert (before.credential_version, device.credential_version) == (1, 2)
    assert device.id != before.id


async def test_two_round_trips(service: Service, signed_in: SignedIn) -> None:
    service.world.store.round_trips = 0

    await change(service, signed_in)

    assert service.world.store.round_trips == 2


async def test_p02_reset_links_die(service: Service, signed_in: SignedIn) -> None:
    link = await service.start_password_reset(signed_in.user.id, OPERATOR)

    await change(service, signed_in)

    with pytest.raises(InvalidInput):
        await service.confirm_password_reset(
            PasswordReset(token=link.url.partition("=")[2], new_password=PASSWORD), ADA
        )


async def test_a_wrong_password_changes_nothing_and_is_recorded(service: Service, signed_in: SignedIn) -> None:
    credentials = dict(service.world.store.rows.credentials)
    service.world.store.rows.events.clear()

    with pytest.raises(WrongPassword):
        await change(service, signed_in, current="not the password of ada")

    assert service.world.store.rows.credentials == credentials
    assert await service.event_types() == ["reauthentication.failed"]
    assert await service.view_session(caller_of(signed_in)) == signed_in.session


async def test_p01_wrong_passwords_use_up_the_attempts_of_the_session_and_right_ones_do_not(
    service: Service, signed_in: SignedIn
) -> None:
    """P01."""
    for turn in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
        passwords = (PASSWORD, NEW) if turn % 2 == 0 else (NEW, PASSWORD)
        signed_in = await change(service, signed_in, current=passwords[0], new=passwords[1])
    for _ in range(service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(WrongPassword):
            await change(service, signed_in, current="not the password of ada")

    with pytest.raises(TooManyAttempts):
        await change(service, signed_in)
    await change(service, await service.sign_in())


@pytest.mark.parametrize(
    ("current", "new", "refused"),
    [
        (PASSWORD, "short", [("new_password", "password_too_short")]),
        ("x" * 1025, "x" * 1025, [("current_password", "password_too_long"), ("new_password", "password_too_long")]),
        (PASSWORD, PASSWORD, [("new_password", "password_unchanged")]),
        ("another one, not of ada", "another one, not of ada", [("new_password", "password_unchanged")]),
    ],
)
async def test_a_new_password_that_cannot_be_is_refused_before_anything_is_asked(
    service: Service, signed_in: SignedIn, current: str, new: str, refused: list[tuple[str, str]]
) -> None:
    service.world.store.round_trips = 0

    with pytest.raises(InvalidInput) as refusal:
        await change(service, signed_in, current=current, new=new)

    assert codes(refusal.value) == refused
    assert service.world.store.round_trips == 0


async def test_a_weak_new_password_is_refused_and_the_attempt_given_back(service: Service, signed_in: SignedIn) -> None:
    service.estimator.weak[NEW] = Weakness.DERIVED

    for _ in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(InvalidInput) as refusal:
            await change(service, signed_in)

    assert codes(refusal.value) == [("new_password", "password_derived")]
    assert service.estimator.own_words[-1] == ("Ada@Example.com", "Ada", "Ada")


async def test_s03_a_published_new_password_is_refused_and_the_attempt_given_back(
    service: Service, signed_in: SignedIn
) -> None:
    service.breached.published.add(NEW)

    for _ in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(InvalidInput) as refusal:
            await change(service, signed_in)

    assert codes(refusal.value) == [("new_password", "password_breached")]


async def test_a_list_that_cannot_be_read_is_no_guess(service: Service, signed_in: SignedIn) -> None:
    service.breached.unreadable = True

    for _ in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(ServiceUnavailable):
            await change(service, signed_in)

    service.breached.unreadable = False
    await change(service, signed_in)


async def test_an_overload_is_no_guess(service: Service, signed_in: SignedIn) -> None:
    service.hasher.overloaded = True
    for _ in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(Overloaded):
            await change(service, signed_in)

    service.hasher.overloaded = False
    await change(service, signed_in)


async def test_p01_an_overload_behind_the_right_password_is_no_guess(
    service: Service, signed_in: SignedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def overloaded(password: object) -> str:
        raise Overloaded(retry_after=1)

    with monkeypatch.context() as storm:
        storm.setattr(service.hasher, "hash", overloaded)
        for _ in range(2 * service.world.limits[SIGN_IN_ACCOUNT].burst):
            with pytest.raises(Overloaded):
                await change(service, signed_in)

    await change(service, signed_in)


async def test_a_session_that_has_ended_changes_nothing(service: Service, signed_in: SignedIn) -> None:
    await service.log_out(caller_of(signed_in), ADA)
    rows = service.world.store.rows.copy()

    with pytest.raises(InvalidAccessToken):
        await change(service, signed_in)

    assert service.world.store.rows == rows


async def test_nothing_while_the_store_is_away(service: Service, signed_in: SignedIn) -> None:
    service.world.store.is_away = True

    with pytest.raises(ServiceUnavailable):
        await change(service, signed_in)


async def test_a_sign_in_that_races_does_not_succeed_with_the_old_password(
    service: Service, signed_in: SignedIn
) -> None:
    async def meanwhile() -> None:
        await change(service, signed_in)

    service.hasher.meanwhile = meanwhile

    with pytest.raises(InvalidCredentials):
        await service.sign_in()


async def test_a_session_that_ends_meanwhile_changes_nothing(service: Service, signed_in: SignedIn) -> None:
    service.hasher.meanwhile = lambda: service.log_out(caller_of(signed_in), ADA)

    with pytest.raises(InvalidAccessToken):
        await change(service, signed_in)

    assert await service.sign_in()


async def test_a_user_who_is_disabled_meanwhile_changes_nothing(service: Service, signed_in: SignedIn) -> None:
    service.hasher.meanwhile = lambda: service.world.disable(signed_in.user.id)

    with pytest.raises(InvalidAccessToken):
        await change(service, signed_in)


async def test_a_password_that_was_changed_meanwhile_is_wrong(service: Service, signed_in: SignedIn) -> None:
    service.hasher.meanwhile = lambda: service.world.change_password_version(signed_in.user.id)

    with pytest.raises(WrongPassword):
        await change(service, signed_in)

    assert await service.view_session(caller_of(signed_in)) == signed_in.session


async def test_of_eight_changes_at_once_one_wins(service: Service, signed_in: SignedIn) -> None:
    sessions = [signed_in, *[await service.sign_in() for _ in range(7)]]

    results = await asyncio.gather(
        *(change(service, who, new=f"{NEW} {number}") for number, who in enumerate(sessions)), return_exceptions=True
    )

    won = [result for result in results if isinstance(result, SignedIn)]
    assert len(won) == 1
    assert all(isinstance(result, DomainError) for result in results if result is not won[0])
    assert await service.try_to_sign_in(password=f"{NEW} {results.index(won[0])}")


async def test_an_account_without_a_password_has_none_that_is_right(service: Service, signed_in: SignedIn) -> None:
    attempt = replace(await service.world.reauthentications.open(caller_of(signed_in), ADA), credential=None)

    with pytest.raises(WrongPassword):
        await service.confirm_password(attempt, Password.given(PASSWORD), ADA)

    assert service.hasher.verified[-1] == (PASSWORD, None), "it takes as long"
