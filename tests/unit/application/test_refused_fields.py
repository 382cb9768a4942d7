"""Which fields a refusal names, and that it says something of each."""

from collections.abc import Awaitable, Callable

import pytest

from application.credentials.change_password import PasswordChange
from application.recovery.confirm_email_verification import EmailVerification
from application.recovery.confirm_password_reset import PasswordReset
from application.sessions.ports import Caller
from domain.errors import InvalidInput, InvalidValue
from tests.support.builders import ADA
from tests.support.memory_photos import NO_PICTURE
from tests.support.post import NEW, Post
from tests.support.service import PASSWORD, Service, caller_of

TOO_LONG = "x" * 1025
SPENT = EmailVerification(token="email_verification.999", password=PASSWORD)
NEITHER = EmailVerification(token="nonsense", password=TOO_LONG)

Ask = Callable[[Post, Caller], Awaitable[object]]


async def no_picture() -> bytes:
    return NO_PICTURE


ASKS: list[tuple[Ask, list[tuple[str, str]]]] = [
    (lambda post, _: post.reject("nonsense"), [("token", "invalid_token")]),
    (lambda post, _: post.reject(SPENT.token), [("token", "invalid_token")]),
    (lambda post, _: post.verify(SPENT, None, ADA), [("token", "invalid_token")]),
    (lambda post, _: post.verify(NEITHER, None, ADA), [("token", "invalid_token"), ("password", "password_too_long")]),
    (lambda post, _: post.freeze_account("nonsense", ADA), [("token", "invalid_token")]),
    (
        lambda post, _: post.service.confirm_password_reset(PasswordReset(token="", new_password="short"), ADA),
        [("token", "invalid_token"), ("new_password", "password_too_short")],
    ),
    (lambda post, _: post.ask_for_reset("ada"), [("email", "invalid_email")]),
    (lambda post, _: post.ask_for_verification("ada"), [("email", "invalid_email")]),
    (
        lambda post, caller: post.ask_for_address(caller, "ada", TOO_LONG),
        [("new_email", "invalid_email"), ("password", "password_too_long")],
    ),
    (lambda post, caller: post.ask_for_address(caller, "Ada@example.com"), [("new_email", "email_unchanged")]),
    (
        lambda post, caller: post.service.change_password(caller, PasswordChange(current=NEW, new=NEW), ADA),
        [("new_password", "password_unchanged")],
    ),
    (
        lambda post, caller: post.service.delete_own_account(caller, TOO_LONG, ADA),
        [("password", "password_too_long")],
    ),
    (lambda post, caller: post.service.set_photo(caller, no_picture, ADA), [("photo", "invalid_photo")]),
    (lambda post, _: post.service.sign_up(zoneinfo="Mars/Olympus"), [("zoneinfo", "invalid_zoneinfo")]),
]  # fmt: skip


@pytest.mark.parametrize(("ask", "refused"), ASKS)
async def test_each_field_is_named_with_what_is_wrong(
    service: Service, ask: Ask, refused: list[tuple[str, str]]
) -> None:
    await service.sign_up()
    caller = caller_of(await service.sign_in())

    with pytest.raises(InvalidInput) as refusal:
        await ask(Post(service), caller)

    assert [(each.field, each.code) for each in refusal.value.violations] == refused
    details = [each.detail for each in refusal.value.violations]
    assert all(details)
    assert InvalidValue.title not in details, "more than that something is wrong"
