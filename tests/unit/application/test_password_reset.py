"""Getting back in by a link: the operator makes it and learns nothing, whoever holds it uses it once."""

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from application.origin import Origin
from application.recovery.confirm_password_reset import PasswordReset
from domain.accounts.errors import UserNotFound
from domain.accounts.user import User
from domain.credentials.password import Weakness
from domain.errors import InvalidInput, Overloaded
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, InvalidRefreshToken
from domain.sessions.session import EndReason
from tests.support.builders import ADA, new_id
from tests.support.service import PASSWORD, Service, caller_of

OPERATOR = Origin(operator="root")
NEW = "the next password of ada"


async def link_token(service: Service, user: User) -> str:
    link = await service.start_password_reset(user.id, OPERATOR)
    [token] = parse_qs(urlsplit(link.url).query)["token"]
    return token


async def confirm(service: Service, token: str, new: str = NEW) -> None:
    await service.confirm_password_reset(PasswordReset(token=token, new_password=new), ADA)


def codes(refusal: InvalidInput) -> list[tuple[str, str]]:
    return [(violation.field, violation.code) for violation in refusal.violations]


async def assert_spent(service: Service, token: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await confirm(service, token)
    assert codes(refusal.value) == [("token", "invalid_token")]


@pytest.fixture
async def ada(service: Service) -> User:
    return await service.sign_up()


async def test_p06_the_link_leads_to_the_page_under_the_public_url(service: Service, ada: User) -> None:
    """P06."""
    link = await service.start_password_reset(ada.id, OPERATOR)

    assert link.url.startswith("https://auth.example/team/password-reset?token=")
    assert link.lifetime == timedelta(minutes=30)
    assert link.url not in repr(link)


async def test_p08_p12_starting_changes_nothing_and_is_recorded_with_who_did_it(service: Service, ada: User) -> None:
    """P08, P12."""
    signed_in = await service.sign_in()
    service.world.store.rows.events.clear()

    await link_token(service, ada)

    assert await service.view_profile(caller_of(signed_in)) == ada
    assert await service.sign_in()
    [event, *_] = await service.world.events()
    assert (event.type, event.user_id, event.data) == ("password_reset.started", ada.id, {"actor": "operator:root"})


async def test_nobody_has_no_link(service: Service) -> None:
    with pytest.raises(UserNotFound):
        await service.start_password_reset(new_id(), OPERATOR)


async def test_a_second_link_takes_the_place_of_the_first(service: Service, ada: User) -> None:
    first, second = await link_token(service, ada), await link_token(service, ada)

    await assert_spent(service, first)
    await confirm(service, second)


async def test_p02_p07_the_new_password_holds_and_every_session_ends(service: Service, ada: User) -> None:
    """P02, P07."""
    sessions = [await service.sign_in(), await service.sign_in(remember=True)]
    token = await link_token(service, ada)
    service.world.store.rows.events.clear()

    await confirm(service, token)

    for session in sessions:
        with pytest.raises(InvalidAccessToken):
            await service.view_profile(caller_of(session))
        with pytest.raises(InvalidRefreshToken):
            await service.refresh_session(session.refresh_token, ADA)
        row = await service.world.session_row(session.session.id)
        assert row is not None
        assert row.session.end_reason is EndReason.PASSWORD_RESET
    assert sorted(await service.event_types()) == ["password.reset", "session.ended", "session.ended"]
    with pytest.raises(InvalidCredentials):
        await service.sign_in()
    assert await service.try_to_sign_in(password=NEW)


async def test_it_proves_no_address(service: Service, ada: User) -> None:
    """The link came from the operator and not by mail: whoever has it need not have the address."""
    await confirm(service, await link_token(service, ada))

    assert service.world.store.rows.users[ada.id] == ada


async def test_a_token_is_good_once(service: Service, ada: User) -> None:
    token = await link_token(service, ada)
    await confirm(service, token)

    await assert_spent(service, token)


async def test_p05_of_sixteen_at_once_one_wins(service: Service, ada: User) -> None:
    """P05."""
    token = await link_token(service, ada)

    results = await asyncio.gather(
        *(confirm(service, token, f"{NEW} {number}") for number in range(16)), return_exceptions=True
    )

    assert results.count(None) == 1
    assert {type(result) for result in results} == {type(None), InvalidInput}
    assert await service.try_to_sign_in(password=f"{NEW} {results.index(None)}")


async def test_a_refused_password_leaves_the_token_as_good_as_it_was(service: Service, ada: User) -> None:
    service.estimator.weak["the username of ada"] = Weakness.DERIVED
    service.breached.published.add("published by somebody")
    token = await link_token(service, ada)

    for new, code in (
        ("short", "password_too_short"),
        ("the username of ada", "password_derived"),
        ("published by somebody", "password_breached"),
    ):
        with pytest.raises(InvalidInput) as refusal:
            await confirm(service, token, new)
        assert codes(refusal.value) == [("new_password", code)]

    assert service.estimator.own_words[-1] == ada.own_words
    await confirm(service, token)


async def test_an_overload_leaves_it_too(service: Service, ada: User) -> None:
    token = await link_token(service, ada)
    service.hasher.overloaded = True
    with pytest.raises(Overloaded):
        await confirm(service, token)

    service.hasher.overloaded = False
    await confirm(service, token)


@pytest.mark.parametrize("token", ["", "nonsense", "operator_password_reset.999", "verify_email.1", "x" * 10_000])
async def test_what_is_no_token_of_ours(service: Service, ada: User, token: str) -> None:
    await link_token(service, ada)

    await assert_spent(service, token)


async def test_all_that_is_wrong_is_told_at_once(service: Service, ada: User) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await confirm(service, "nonsense", "short")

    assert codes(refusal.value) == [("token", "invalid_token"), ("new_password", "password_too_short")]


async def test_p05_half_an_hour(service: Service, ada: User) -> None:
    token = await link_token(service, ada)
    await service.world.advance(timedelta(minutes=30))

    await assert_spent(service, token)


async def test_a_password_that_is_changed_meanwhile_ends_the_token(service: Service, ada: User) -> None:
    token = await link_token(service, ada)
    service.hasher.meanwhile = lambda: service.world.change_password_version(ada.id)

    await assert_spent(service, token)
    assert service.world.store.rows.credentials[ada.id].password_hash.endswith(PASSWORD)


async def test_a_sign_in_that_races_does_not_succeed_with_the_old_password(service: Service, ada: User) -> None:
    token = await link_token(service, ada)

    async def meanwhile() -> None:
        await confirm(service, token)

    service.hasher.meanwhile = meanwhile

    with pytest.raises(InvalidCredentials):
        await service.sign_in()
