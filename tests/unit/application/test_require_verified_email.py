"""No session before the address is confirmed, where the operator wants it so; and nobody else is told."""

from dataclasses import replace

import pytest

from application.credentials.change_password import PasswordChange
from application.sessions.signed_in import SignedIn
from domain.credentials.errors import WrongPassword
from domain.sessions.errors import EmailNotVerified, InvalidCredentials
from tests.support.builders import ADA
from tests.support.service import PASSWORD, Service, caller_of
from tests.support.world import SIGN_IN_ACCOUNT

CHANGE = PasswordChange(current=PASSWORD, new="the next password of ada")


@pytest.fixture
async def before(service: Service) -> SignedIn:
    """Ada is in since before the operator turned it on."""
    await service.sign_up()
    signed_in = await service.sign_in()
    service.verified_email_required = True
    service.world.store.round_trips = 0
    service.world.store.rows.events.clear()
    return signed_in


def prove(service: Service, signed_in: SignedIn) -> None:
    users = service.world.store.rows.users
    users[signed_in.user.id] = replace(users[signed_in.user.id], email_verified=True)


async def test_the_right_password_of_an_unproven_account_opens_no_session(service: Service, before: SignedIn) -> None:
    with pytest.raises(EmailNotVerified):
        await service.try_to_sign_in()

    assert list(service.world.store.rows.sessions) == [before.session.id]
    assert service.world.store.round_trips == 2


@pytest.mark.parametrize(("identifier", "password"), [("Ada", "wrong"), ("nobody", PASSWORD)])
async def test_l01_nobody_else_is_told(service: Service, before: SignedIn, identifier: str, password: str) -> None:
    """L01: behind a wrong password an unproven account is like any other, and like none."""
    with pytest.raises(InvalidCredentials):
        await service.try_to_sign_in(identifier, password)


async def test_the_attempt_is_given_back(service: Service, before: SignedIn) -> None:
    for _ in range(service.world.limits[SIGN_IN_ACCOUNT].burst + 1):
        with pytest.raises(EmailNotVerified):
            await service.try_to_sign_in()


async def test_a_proven_account_signs_in(service: Service, before: SignedIn) -> None:
    prove(service, before)

    assert (await service.sign_in()).user.id == before.user.id


async def test_sessions_that_are_open_go_on(service: Service, before: SignedIn) -> None:
    assert (await service.refresh_session(before.refresh_token, ADA)).session.id == before.session.id


async def test_a_new_password_is_no_way_to_a_new_session(service: Service, before: SignedIn) -> None:
    """Nor is the attempt counted; a wrong password is told like any other."""
    for _ in range(service.world.limits[SIGN_IN_ACCOUNT].burst + 1):
        with pytest.raises(EmailNotVerified):
            await service.change_password(caller_of(before), CHANGE, ADA)
    with pytest.raises(WrongPassword):
        await service.change_password(caller_of(before), replace(CHANGE, current="wrong"), ADA)
    assert (await service.view_profile(caller_of(before))).id == before.user.id

    prove(service, before)
    assert await service.change_password(caller_of(before), CHANGE, ADA)
