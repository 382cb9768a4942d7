"""The way back in by mail: who is written to, what their token opens, and what it does not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from urllib.parse import parse_qs, urlsplit

import pytest

from application.origin import Origin
from application.recovery.confirm_email_verification import EmailVerification
from application.recovery.request_password_reset import RequestPasswordReset
from application.sessions.log_in import LogInRequest
from application.sessions.ports import LogInAttempt, LogInAttempts
from domain.accounts.identifiers import Identifier
from domain.accounts.profile import Profile
from domain.accounts.user import User
from domain.errors import InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts
from domain.mail.kinds import MailKind
from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken, InvalidCredentials
from tests.support.builders import ADA, MALLORY
from tests.support.fakes import parse_email
from tests.support.photos import picture
from tests.support.post import PUBLIC_URL, Post, link_in
from tests.support.service import PASSWORD, Service, caller_of, registration
from tests.support.world import RECOVERY_ACCOUNT, SIGN_IN_ACCOUNT


@pytest.fixture
def post(service: Service) -> Post:
    return Post(service)


async def user_of(post: Post, user: User) -> User:
    found = await post.service.world.directory.find(user.id)
    assert found is not None
    return found


async def test_p06_a_new_account_is_mailed_a_link_to_our_own_page(post: Post) -> None:
    """P06."""
    await post.service.sign_up()
    await post.deliver()

    [message] = post.mailer.messages
    assert message["to"] == "Ada@Example.com"
    assert link_in(message).startswith(f"{PUBLIC_URL}/email-verification?token=")


async def test_the_link_and_the_password_prove_the_address(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    user = await post.verify(EmailVerification(token=token, password=PASSWORD), None, ADA)

    assert user.email_verified
    assert (await user_of(post, ada)).email_verified
    assert [event.type for event in await post.service.world.events()][-1] == "email.verified"


async def test_so_do_the_link_and_the_accounts_session(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    signed_in = await post.service.sign_in()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    await post.verify(EmailVerification(token=token), caller_of(signed_in), ADA)

    assert (await user_of(post, ada)).email_verified


async def test_s16_the_link_alone_proves_nothing(post: Post) -> None:
    """S16: a stranger's sign-up is not proven by the click of the address's owner."""
    ada = await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    with pytest.raises(AuthenticationRequired):
        await post.verify(EmailVerification(token=token), None, ADA)
    with pytest.raises(InvalidCredentials):
        await post.verify(EmailVerification(token=token, password="something else entirely"), None, ADA)

    assert not (await user_of(post, ada)).email_verified
    await post.verify(EmailVerification(token=token, password=PASSWORD), None, ADA)


async def test_somebody_elses_session_proves_nothing(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    await post.service.register_user(registration(email="mallory@example.com", username="Mallory"), MALLORY)
    request = LogInRequest(identifier="Mallory", password=PASSWORD)
    of_mallory = await post.service.log_in_by([post.service.verify_password])(request, MALLORY)
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    with pytest.raises(InvalidAccessToken):
        await post.verify(EmailVerification(token=token), caller_of(of_mallory), MALLORY)  # type: ignore[arg-type]

    assert not (await user_of(post, ada)).email_verified


async def test_a_session_that_has_ended_proves_nothing(post: Post) -> None:
    await post.service.sign_up()
    await post.deliver()
    signed_in = await post.service.sign_in()
    await post.service.log_out(caller_of(signed_in), ADA)
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    with pytest.raises(InvalidAccessToken):
        await post.verify(EmailVerification(token=token), caller_of(signed_in), ADA)


async def test_l08_wrong_passwords_beside_a_link_use_up_the_accounts_attempts(post: Post) -> None:
    """L08: or the link would be the way around the limit of sign-in."""
    await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    for _ in range(10):
        with pytest.raises(InvalidCredentials):
            await post.verify(EmailVerification(token=token, password="a guess of a password"), None, ADA)
    with pytest.raises(TooManyAttempts):
        await post.service.sign_in()


async def test_a_link_is_good_once(post: Post) -> None:
    await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)
    given = EmailVerification(token=token, password=PASSWORD)
    await post.verify(given, None, ADA)

    with pytest.raises(InvalidInput):
        await post.verify(given, None, ADA)


async def test_a_proven_address_is_not_asked_again(post: Post) -> None:
    await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)
    await post.verify(EmailVerification(token=token, password=PASSWORD), None, ADA)

    await post.ask_for_verification("ada@example.com")

    assert len(post.tokens(MailKind.VERIFY_EMAIL)) == 1


@pytest.mark.parametrize("ask", ["ask_for_reset", "ask_for_verification"])
async def test_an_unknown_address_is_recorded_and_not_written_to(post: Post, ask: str) -> None:
    trips = post.service.world.store
    await post.service.sign_up()
    await post.deliver()
    post.mailer.messages.clear()
    asked: Callable[[str], Awaitable[None]] = partial(getattr(post, ask))
    costs = []

    for address in ("nobody@example.com", "ada@example.com"):
        before = trips.round_trips
        requests = len(await post.service.world.events())
        await asked(address)
        costs.append((len(await post.service.world.events()) - requests, trips.round_trips > before))

    assert costs == [(1, True), (1, True)], "as much is done for either"
    assert {message["to"] for message in post.mailer.messages} == {"Ada@Example.com"}


async def test_a_mailed_link_sets_a_new_password_and_proves_the_address(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.ask_for_reset("ada@example.com")
    [token] = post.tokens(MailKind.RESET_PASSWORD)

    await post.reset(token)

    assert (await user_of(post, ada)).email_verified
    with pytest.raises(InvalidCredentials):
        await post.service.sign_in()


async def test_p08_asking_changes_nothing(post: Post) -> None:
    """P08."""
    await post.service.sign_up()
    signed_in = await post.service.sign_in()
    await post.ask_for_reset("ada@example.com")

    assert await post.service.sign_in()
    assert await post.service.view_profile(caller_of(signed_in))


async def test_s16_a_stranger_who_signed_up_with_the_address_keeps_nothing(post: Post) -> None:
    """S16, played through: the owner of the address arrives later and takes the account over."""
    fake = registration(
        given_name="Mallory", display_name="Mallory", locale="en-GB", zoneinfo="Europe/Paris", photo=picture()
    )
    stranger = await post.service.register_user(fake, MALLORY)
    session = await post.service.sign_in()
    await post.ask_for_reset("ada@example.com")
    [token] = post.tokens(MailKind.RESET_PASSWORD)

    await post.reset(token)

    user = await user_of(post, stranger)
    assert user.profile == Profile()
    assert (user.photo_id, user.email_verified) == (None, True)
    assert set(post.service.world.store.rows.unowned_photos) == {stranger.photo_id}, "the sweep finds it"
    with pytest.raises(InvalidAccessToken):
        await post.service.view_profile(caller_of(session))
    with pytest.raises(InvalidCredentials):
        await post.service.sign_in()


async def test_a_proven_account_keeps_its_profile(post: Post) -> None:
    ada = await post.service.register_user(registration(given_name="Ada"), ADA)
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)
    await post.verify(EmailVerification(token=token, password=PASSWORD), None, ADA)
    await post.ask_for_reset("ada@example.com")
    [token] = post.tokens(MailKind.RESET_PASSWORD)

    await post.reset(token)

    assert (await user_of(post, ada)).profile.given_name == "Ada"


async def test_p14_links_are_not_interchangeable(post: Post) -> None:
    """P14."""
    await post.service.sign_up()
    await post.ask_for_reset("ada@example.com")
    [verification], [reset] = post.tokens(MailKind.VERIFY_EMAIL), post.tokens(MailKind.RESET_PASSWORD)

    with pytest.raises(InvalidInput):
        await post.reset(verification)
    with pytest.raises(InvalidInput):
        await post.verify(EmailVerification(token=reset, password=PASSWORD), None, ADA)


async def test_a_mail_that_waited_gives_all_of_its_time(post: Post) -> None:
    await post.service.sign_up()
    ask = RequestPasswordReset(
        requests=post.service.world.recovery_requests,
        unit_of_work=post.service.world.unit_of_work,
        parse_email=parse_email,
    )
    await ask("ada@example.com", ADA)
    await post.service.world.advance(timedelta(hours=3))
    await post.deliver()
    await post.service.world.advance(timedelta(minutes=29))
    [token] = post.tokens(MailKind.RESET_PASSWORD)

    await post.reset(token)


async def test_who_is_disabled_gets_no_link(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    await post.service.world.disable(ada.id)

    await post.ask_for_reset("ada@example.com")

    assert post.tokens(MailKind.RESET_PASSWORD) == []


async def test_requests_for_one_address_are_limited(post: Post) -> None:
    for _ in range(post.service.world.limits[RECOVERY_ACCOUNT].burst):
        await post.ask_for_reset("nobody@example.com")

    with pytest.raises(TooManyAttempts):
        await post.ask_for_reset("nobody@example.com")


async def test_d08_p08_who_has_had_enough_mail_of_a_kind_gets_no_more(post: Post) -> None:
    """P08, D08: the request is answered as ever."""
    await post.service.sign_up()
    post.allowance.left = 1

    for _ in range(3):
        await post.ask_for_reset("ada@example.com")

    assert len(post.mailer.messages) == 1


@pytest.mark.parametrize("failure", [ServiceUnavailable, asyncio.CancelledError])
async def test_a_mail_that_is_not_sent_is_not_counted(post: Post, failure: type[BaseException]) -> None:
    """Not when it took too long either, or three attempts on a slow server would have it dropped."""
    await post.service.sign_up()
    await post.deliver()
    post.allowance.left = 1

    def fail() -> str | None:
        raise failure

    answer, post.mailer.answer = post.mailer.answer, fail
    with pytest.raises(failure):
        await post.ask_for_reset("ada@example.com")

    post.mailer.answer = answer
    await post.deliver()

    assert post.tokens(MailKind.RESET_PASSWORD)


@pytest.mark.parametrize("by", ["mail", "operator"])
async def test_p02_a_reset_ends_the_links_of_both_kinds(post: Post, by: str) -> None:
    """P02: somebody else may have had the operator's."""
    ada = await post.service.sign_up()
    await post.ask_for_reset("ada@example.com")
    link = await post.service.start_password_reset(ada.id, ADA)
    mailed, handed = post.tokens(MailKind.RESET_PASSWORD)[0], parse_qs(urlsplit(link.url).query)["token"][0]
    first, other = (mailed, handed) if by == "mail" else (handed, mailed)

    await post.reset(first)

    with pytest.raises(InvalidInput):
        await post.reset(other)


async def test_this_was_not_me_ends_no_account_that_is_proven_meanwhile(post: Post) -> None:
    await post.service.sign_up()
    await post.ask_for_reset("ada@example.com")
    verification = post.service.codec.parse(post.tokens(MailKind.VERIFY_EMAIL)[0])

    await post.reset(post.tokens(MailKind.RESET_PASSWORD)[0])

    assert await post.service.world.one_time_tokens.redeemable(verification) is None


async def test_an_address_that_is_none_is_refused(post: Post) -> None:
    with pytest.raises(InvalidInput):
        await post.ask_for_reset("ada")


async def test_whoever_has_the_mailbox_ends_an_account_that_was_never_proven(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    signed_in = await post.service.sign_in()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    await post.reject(token)

    assert await post.service.world.directory.find(ada.id) is None
    with pytest.raises(InvalidAccessToken):
        await post.service.view_profile(caller_of(signed_in))


async def test_an_account_that_was_proven_is_nobodys_to_end(post: Post) -> None:
    ada = await post.service.sign_up()
    await post.deliver()
    await post.ask_for_verification("ada@example.com")
    first, second = post.tokens(MailKind.VERIFY_EMAIL)
    await post.verify(EmailVerification(token=first, password=PASSWORD), None, ADA)

    with pytest.raises(InvalidInput):
        await post.reject(second)

    assert (await user_of(post, ada)).email_verified


async def test_p14_a_reset_link_ends_no_account(post: Post) -> None:
    """P14."""
    ada = await post.service.sign_up()
    await post.ask_for_reset("ada@example.com")
    [token] = post.tokens(MailKind.RESET_PASSWORD)

    with pytest.raises(InvalidInput):
        await post.reject(token)

    assert await user_of(post, ada)


async def test_an_overload_beside_a_link_is_no_guess(post: Post) -> None:
    await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)
    given = EmailVerification(token=token, password=PASSWORD)

    post.service.hasher.overloaded = True
    for _ in range(2 * post.service.world.limits[SIGN_IN_ACCOUNT].burst):
        with pytest.raises(Overloaded):
            await post.verify(given, None, ADA)
    post.service.hasher.overloaded = False

    assert (await post.verify(given, None, ADA)).email_verified


class Meanwhile:
    """Attempts that something happens before."""

    def __init__(self, attempts: LogInAttempts, happens: Callable[[], Awaitable[object]]) -> None:
        self.attempts, self.happens = attempts, happens

    async def open(self, identifier: Identifier | None, typed: str, origin: Origin) -> LogInAttempt:
        await self.happens()
        return await self.attempts.open(identifier, typed, origin)


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
async def test_a_link_to_an_address_that_is_not_the_accounts_any_more(post: Post, whose: str) -> None:
    """Not even with the password, which whoever has the address now may share."""
    ada = await post.service.sign_up()
    await post.deliver()
    [token] = post.tokens(MailKind.VERIFY_EMAIL)

    async def meanwhile() -> None:
        await post.service.world.change_email(ada.id, "countess@example.com")
        if whose == "another's":
            await post.service.register_user(registration(username="Mallory"), MALLORY)

    verify = replace(post.verify, attempts=Meanwhile(post.service.world.attempts, meanwhile))
    with pytest.raises(InvalidCredentials):
        await verify(EmailVerification(token=token, password=PASSWORD), None, ADA)

    assert (post.service.hasher.verified[-1][1] is None) == (whose == "nobody's"), "it takes as long"
