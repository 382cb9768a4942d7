"""Signing up without learning whether the address is taken: what waits, who is written to, what becomes an account."""

from contextlib import suppress
from datetime import timedelta
from email.message import EmailMessage
from uuid import UUID

import pytest

from application.accounts.disable_user import DisableUser
from application.accounts.find_user import FindUser
from application.origin import Origin
from application.recovery.confirm_email_verification import EmailVerification
from domain.accounts.errors import IdempotencyKeyReused, IdentifierTaken, SignupClosed
from domain.accounts.identifiers import EmailAddress
from domain.accounts.pending_sign_up import SIGN_UP_LIFETIME
from domain.accounts.signup_policy import CLOSED
from domain.accounts.user import User
from domain.errors import InvalidInput, Overloaded, TooManyAttempts
from domain.mail.kinds import MailKind
from domain.sessions.errors import AuthenticationRequired, InvalidCredentials
from tests.support.builders import ADA, MALLORY
from tests.support.fakes import parse_email
from tests.support.memory_rows import StoredSignUp
from tests.support.photos import picture
from tests.support.post import PUBLIC_URL, Post
from tests.support.service import PASSWORD, Service, registration


@pytest.fixture
def post(service: Service) -> Post:
    return Post(service)


def text_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return str(body.get_content())


async def requested(post: Post, **changes: str | bytes | None) -> str:
    """The token that was mailed."""
    await post.service.request_sign_up(registration(**changes), ADA)
    await post.deliver()
    return post.tokens(MailKind.CONFIRM_SIGN_UP)[-1]


async def confirmed(post: Post, token: str, password: str | None = PASSWORD) -> User:
    return await post.verify(EmailVerification(token=token, password=password), None, ADA)


async def test_there_is_no_account_before_the_link_and_the_password(post: Post) -> None:
    token = await requested(post)
    with pytest.raises(InvalidCredentials):
        await post.service.sign_in()

    user = await confirmed(post, token)

    assert user.email_verified
    assert (user.email.original, user.username.original) == ("Ada@Example.com", "Ada")
    assert await post.service.world.directory.find(user.id) == user
    assert (await post.service.sign_in()).user == user
    assert [event.type for event in await post.service.world.events()][:3] == [
        "sign_up.requested", "log_in.failed", "user.registered",
    ]  # fmt: skip


async def test_the_mail_has_both_links_and_says_how_long(post: Post) -> None:
    token = await requested(post, locale="de")

    [message] = post.mailer.messages
    assert message["to"] == "Ada@Example.com"
    text = text_of(message)
    assert f"{PUBLIC_URL}/email-verification?token={token}" in text
    assert f"{PUBLIC_URL}/email-rejection?token={token}" in text
    assert "hours: 24" in text
    assert "username: Ada" in text
    assert message["content-language"] == "de"


async def test_s10_of_a_taken_address_its_owner_is_told(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    post.mailer.messages.clear()

    await post.service.request_sign_up(registration(email="ADA@example.com", username="Mallory"), MALLORY)
    await post.deliver()

    [message] = post.mailer.messages
    assert (message["subject"], message["to"]) == (MailKind.SIGN_UP_TAKEN.value, ada.email.original)
    assert "username: Ada" in text_of(message), "the name of the account there is, not the stranger's choice"
    assert "token" not in text_of(message)


async def test_the_owner_of_a_disabled_account_is_told_nothing(post: Post) -> None:
    await post.service.sign_up()
    await post.deliver()
    find = FindUser(post.service.world.directory, parse_email)
    await DisableUser(find, post.service.world.unit_of_work)("ada", Origin(operator="grace"))
    post.mailer.messages.clear()

    await post.service.request_sign_up(registration(username="Mallory"), MALLORY)
    await post.deliver()

    assert post.mailer.messages == []


async def test_a_sign_up_that_is_over_by_then_is_mailed_to_nobody(post: Post) -> None:
    await post.service.request_sign_up(registration(), ADA)
    await post.service.world.advance(SIGN_UP_LIFETIME + timedelta(seconds=1))

    await post.deliver()

    assert post.mailer.messages == []


async def test_d08_s16_what_an_address_may_not_be_sent_now_is_put_off_and_not_dropped(post: Post) -> None:
    """Strangers who signed up with it before must not have the owner's own sign-up without a mail."""
    [stored] = await put_off(post)
    assert stored.digests == set(), "no token is made in vain, nor is the sign-up kept for longer"
    await post.service.world.advance(SIGN_UP_LIFETIME - timedelta(minutes=1))

    post.allowance.left = 1
    await post.deliver()

    assert (await confirmed(post, post.tokens(MailKind.CONFIRM_SIGN_UP)[-1])).email_verified
    assert post.allowance.left == 0


async def test_it_is_put_off_for_as_long_as_the_sign_up_waits(post: Post) -> None:
    await put_off(post)
    await post.service.world.advance(SIGN_UP_LIFETIME + timedelta(seconds=1))
    await post.deliver()
    assert post.mailer.messages == []


async def test_a_mail_of_a_sign_up_that_is_over_when_it_is_written_takes_none_of_the_allowance(post: Post) -> None:
    await post.service.request_sign_up(registration(), ADA)
    take = post.allowance.take

    async def over(to: EmailAddress, kind: MailKind) -> bool:
        post.service.world.store.rows.sign_ups.clear()
        return await take(to, kind)

    post.allowance.take = over  # type: ignore[method-assign]  # what happens meanwhile
    await post.deliver()

    assert (post.mailer.messages, post.allowance.left) == ([], 1000)


async def put_off(post: Post) -> list[StoredSignUp]:
    post.allowance.left = 0
    await post.service.request_sign_up(registration(), ADA)
    for _ in range(2):
        with pytest.raises(TooManyAttempts):
            await post.deliver()
    assert post.mailer.messages == []
    return list(post.service.world.store.rows.sign_ups.values())


async def test_a_username_that_is_taken_is_said(post: Post) -> None:
    await requested(post)

    with pytest.raises(IdentifierTaken) as refusal:
        await post.service.request_sign_up(registration(email="other@example.com", username="ADA"), MALLORY)

    assert [violation.field for violation in refusal.value.violations] == ["username"]


async def test_a_name_taken_between_the_look_and_the_commit_is_said_alike(post: Post) -> None:
    async def meanwhile() -> None:
        await post.service.request_sign_up(registration(email="other@example.com"), MALLORY)

    post.service.hasher.meanwhile = meanwhile
    with pytest.raises(IdentifierTaken) as refusal:
        await post.service.request_sign_up(registration(), ADA)

    assert [violation.field for violation in refusal.value.violations] == ["username"]


async def test_what_may_not_sign_up_is_refused_before_anything_is_kept(post: Post) -> None:
    post.service.signup = CLOSED
    with pytest.raises(SignupClosed):
        await post.service.request_sign_up(registration(), ADA)
    assert await post.service.world.events() == []


async def test_the_same_key_does_it_once(post: Post) -> None:
    for _ in range(2):
        await post.service.request_sign_up(registration(), ADA, "a key of ada's")
    with pytest.raises(IdempotencyKeyReused):
        await post.service.request_sign_up(registration(username="Adele"), ADA, "a key of ada's")

    assert [event.type for event in await post.service.world.events()] == ["sign_up.requested"]
    assert len(post.service.hasher.hashed) == 1
    [kept] = post.service.world.store.rows.keys.values()
    assert isinstance(kept.attempt, UUID), "of that attempt alone"


async def test_a_refusal_gives_the_key_back(post: Post) -> None:
    post.service.hasher.overloaded = True
    with pytest.raises(Overloaded):
        await post.service.request_sign_up(registration(), ADA, "a key of ada's")
    post.service.hasher.overloaded = False

    await post.service.request_sign_up(registration(username="Adele"), ADA, "a key of ada's")


async def test_its_photo_is_the_accounts_once_there_is_one(post: Post) -> None:
    token = await requested(post, photo=picture())
    [photo_id] = post.service.photo_store.photo_ids
    assert photo_id not in post.service.world.store.rows.unowned_photos

    assert (await confirmed(post, token)).photo_id == photo_id


@pytest.mark.parametrize("password", [None, "a guess of a password"])
async def test_s16_the_link_alone_makes_no_account(post: Post, password: str | None) -> None:
    token = await requested(post)

    with pytest.raises(AuthenticationRequired if password is None else InvalidCredentials):
        await confirmed(post, token, password)

    assert (await confirmed(post, token)).email_verified, "and the link is good still"


async def test_l08_guesses_beside_the_link_are_counted(post: Post) -> None:
    token = await requested(post)
    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await confirmed(post, token, "a guess of a password")
    with pytest.raises(TooManyAttempts):
        await confirmed(post, token)

    failed = [event for event in await post.service.world.events() if event.type == "log_in.failed"]
    assert len(failed) == 10
    assert {event.user_id for event in failed} == {None}


async def test_d06_l06_s16_strangers_who_guess_at_the_address_keep_nobody_from_confirming(post: Post) -> None:
    """And the account, once there is one, is counted anew."""
    token = await requested(post)
    for number in range(12):
        with suppress(InvalidCredentials, TooManyAttempts):
            stranger = Origin(ip_address=f"192.0.2.{number}")
            await post.service.try_to_sign_in("Ada@Example.com", "a guess of a password", origin=stranger)

    await confirmed(post, token)

    assert await post.service.sign_in("Ada@Example.com")


async def test_a_password_that_nobody_looked_at_is_not_counted(post: Post) -> None:
    token = await requested(post)
    post.service.hasher.overloaded = True
    for _ in range(20):
        with pytest.raises(Overloaded):
            await confirmed(post, token)
    post.service.hasher.overloaded = False

    await confirmed(post, token)


async def test_a_link_makes_one_account(post: Post) -> None:
    token = await requested(post)
    await confirmed(post, token)

    with pytest.raises(InvalidInput):
        await confirmed(post, token)


async def test_what_waited_is_kept_as_of_when_it_was_confirmed(post: Post) -> None:
    token = await requested(post, given_name="Ada")
    await post.service.world.advance(timedelta(hours=1))

    user = await confirmed(post, token)

    now, credential = post.service.world.store.clock.now(), post.service.world.store.rows.credentials[user.id]
    assert (user.created_at, user.updated_at, user.profile.given_name) == (now, now, "Ada")
    assert (credential.user_id, credential.version, credential.created_at) == (user.id, 1, now)
    assert credential.id != user.id
    assert isinstance(credential.id, UUID)


async def test_whoever_has_the_mailbox_has_it_dropped(post: Post) -> None:
    """And the name is free again, the photo the sweep's."""
    token = await requested(post, photo=picture())

    await post.reject(token)

    assert post.service.world.store.rows.unowned_photos.keys() == post.service.photo_store.photo_ids
    with pytest.raises(InvalidInput):
        await confirmed(post, token)
    assert await requested(post, email="other@example.com")


async def test_g01_that_a_sign_up_is_rejected_is_recorded_and_so_is_a_link_that_is_good_for_nothing(post: Post) -> None:
    """Of where it was done from nothing is kept, as with accounts that are rejected."""
    token = await requested(post)
    [sign_up_id] = post.service.world.store.rows.sign_ups

    await post.reject(token)
    with pytest.raises(InvalidInput) as refusal:
        await post.reject(token)

    assert [(each.field, each.code) for each in refusal.value.violations] == [("token", "invalid_token")]
    rejected, refused = (await post.service.world.events())[1:]
    assert (rejected.type, rejected.data) == ("sign_up.rejected", {"sign_up_id": str(sign_up_id)})
    assert (refused.type, refused.data) == ("one_time_token.refused", {"purpose": "sign_up"})
    assert {(each.user_id, each.origin) for each in (rejected, refused)} == {(None, Origin(request_id=ADA.request_id))}


async def test_a_sign_up_can_be_rejected_once_its_address_is_an_accounts(post: Post) -> None:
    strangers = await requested(post, username="Mallory")
    await confirmed(post, await requested(post))

    await post.reject(strangers)

    assert post.service.world.store.rows.sign_ups == {}
