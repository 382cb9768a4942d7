"""The door of what asks a signed-in caller for their password again: a session is counted by itself (P01, L06)."""

from datetime import timedelta

import pytest

from application.credentials.ports import ReauthenticationAttempt
from application.origin import NOWHERE, Origin
from application.sessions.ports import Caller
from domain.errors import TooManyAttempts
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import EndReason
from tests.support.builders import Device, attempt_by_email, forgive, fresh_name, new_id, registered, signed_in
from tests.support.world import SIGN_IN_ACCOUNT, SIGN_IN_DEVICE, SIGN_IN_SOURCE, World

OFFICE = Origin(ip_address="203.0.113.50")


async def opened(device: Device, origin: Origin = NOWHERE) -> ReauthenticationAttempt:
    return await device.world.reauthentications.open(device.caller, origin)


async def test_it_finds_session_account_and_password(world: World) -> None:
    await registered(world)
    ada = await registered(world)
    device = await signed_in(world, ada)

    attempt = await opened(device)

    assert (attempt.live.user, attempt.live.session) == (ada.user, device.session)
    assert attempt.credential == ada.credential
    assert attempt.live.now >= device.session.created_at


async def test_l08_p01_a_session_has_as_many_attempts_as_a_device(world: World) -> None:
    device = await signed_in(world, await registered(world))
    for _ in range(world.limits[SIGN_IN_DEVICE].burst):
        await opened(device)

    with pytest.raises(TooManyAttempts):
        await opened(device)


async def test_l06_guesses_of_strangers_keep_nobody_from_proving_their_password(world: World) -> None:
    """Neither those at the account nor those from behind the same address."""
    ada = await registered(world)
    device = await signed_in(world, ada)
    for _ in range(world.limits[SIGN_IN_ACCOUNT].burst):
        await attempt_by_email(world, ada)
    for _ in range(world.limits[SIGN_IN_SOURCE].burst):
        await world.attempts.open(None, fresh_name(), OFFICE)

    assert (await opened(device, OFFICE)).live.session == device.session


async def test_l06_guesses_in_a_session_keep_nobody_from_another_nor_from_signing_in(world: World) -> None:
    ada = await registered(world)
    found, own = await signed_in(world, ada), await signed_in(world, ada)
    for _ in range(world.limits[SIGN_IN_DEVICE].burst):
        await opened(found)

    await opened(own)
    await attempt_by_email(world, ada)


async def test_a_forgiven_attempt_leaves_the_others_counted(world: World) -> None:
    device = await signed_in(world, await registered(world))
    for _ in range(world.limits[SIGN_IN_DEVICE].burst - 1):
        await opened(device)

    attempt = await opened(device, OFFICE)
    await forgive(world, attempt)

    await opened(device, OFFICE)
    with pytest.raises(TooManyAttempts):
        await opened(device, OFFICE)


async def test_a_session_that_is_not_live_opens_nothing_and_counts_nothing(world: World) -> None:
    ada = await registered(world)
    ended, idle = await signed_in(world, ada), await signed_in(world, ada)
    work = world.unit_of_work(NOWHERE)
    work.sessions.end(ended.caller, EndReason.LOGGED_OUT)
    await work.commit()
    await world.advance(timedelta(hours=1))
    live = await signed_in(world, ada)
    strangers = (
        Caller(user_id=(await registered(world)).user.id, session_id=live.session.id),
        Caller(user_id=ada.user.id, session_id=new_id()),
    )

    for caller in (ended.caller, idle.caller, *strangers):
        for _ in range(world.limits[SIGN_IN_ACCOUNT].burst):
            with pytest.raises(InvalidAccessToken):
                await world.reauthentications.open(caller, OFFICE)

    await opened(live, OFFICE)
    await world.disable(ada.user.id)
    with pytest.raises(InvalidAccessToken):
        await opened(live)
