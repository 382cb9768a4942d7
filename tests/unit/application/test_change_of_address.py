"""Another address: proven by whoever has it, told to whoever had the old one, and undone by them (P03, P10, P11)."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from uuid import UUID

import pytest

from application.accounts.ports import UserDirectory, UserQuery, UserReference, UserScan
from application.accounts.registration import Registration
from application.origin import NOWHERE, Origin
from application.recovery.confirm_email_verification import EmailVerification
from application.recovery.issue_token import IssueToken
from application.sessions.ports import Caller
from application.sessions.signed_in import SignedIn
from domain.accounts.errors import EmailTaken, UserNotFound
from domain.accounts.user import User, UserStatus
from domain.credentials.errors import WrongPassword
from domain.errors import InvalidInput, Overloaded, TooManyAttempts
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import TokenPurpose
from domain.sessions.errors import AuthenticationRequired, InvalidAccessToken, InvalidCredentials
from tests.support.builders import ADA, MALLORY
from tests.support.fakes import TODAY
from tests.support.post import NEW, PUBLIC_URL, Post, link_in, recorded
from tests.support.service import PASSWORD, Service, caller_of, registration
from tests.support.world import RECOVERY_ACCOUNT, SIGN_IN_ACCOUNT

OLD, NEXT = "Ada@Example.com", "Countess@Example.com"


@pytest.fixture
async def post(service: Service) -> Post:
    """Ada has an account, and her address is proven."""
    made = Post(service)
    await service.sign_up()
    await made.deliver()
    [token] = made.tokens(MailKind.VERIFY_EMAIL)
    await made.verify(EmailVerification(token=token, password=PASSWORD), None, ADA)
    await made.deliver()
    made.mailer.messages.clear()
    return made


@pytest.fixture
async def device(post: Post) -> SignedIn:
    return await post.service.sign_in()


@pytest.fixture
def caller(device: SignedIn) -> Caller:
    return caller_of(device)


@dataclass
class Taken:
    """A directory that somebody else is faster than, once."""

    service: Service
    directory: UserDirectory
    squatter: Registration | None = field(default_factory=lambda: registration(email=OLD, username="Mallory"))

    async def find(self, reference: UserReference) -> User | None:
        found = await self.directory.find(reference)
        if squatter := self.squatter:
            self.squatter = None
            await self.service.register_user(squatter, MALLORY)
        return found

    async def scan(self, query: UserQuery, *, after: UUID | None, limit: int) -> UserScan:
        return await self.directory.scan(query, after=after, limit=limit)


async def ada(post: Post, device: SignedIn) -> User:
    found = await post.service.world.directory.find(device.user.id)
    assert found is not None
    return found


async def confirm(post: Post, token: str, *, caller: Caller | None = None, password: str | None = PASSWORD) -> User:
    given = EmailVerification(token=token, password=None if caller else password)
    user = await post.verify(given, caller, ADA)
    await post.deliver()
    return user


async def moved(post: Post, caller: Caller, to: str = NEXT) -> None:
    await post.service.world.advance(timedelta(minutes=5))
    await post.ask_for_address(caller, to)
    await confirm(post, post.tokens(MailKind.CONFIRM_NEW_EMAIL, to)[-1])


async def frozen(post: Post, token: str) -> str | None:
    reset_token = await post.freeze_account(token, MALLORY)
    await post.deliver()
    return reset_token


async def assert_dead(post: Post, token: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        await post.freeze_account(token, ADA)
    assert [(each.field, each.code) for each in refused.value.violations] == [("token", "invalid_token")]


def written(post: Post) -> list[tuple[str, str]]:
    return [(each["subject"], each["to"]) for each in post.mailer.messages]


async def test_p03_p10_both_addresses_are_told_and_the_old_one_stays(
    post: Post, device: SignedIn, caller: Caller
) -> None:
    before = await ada(post, device)
    await post.ask_for_address(caller, NEXT)

    assert written(post) == [("confirm_new_email", NEXT), ("email_change_requested", OLD)]
    to_new, to_old = map(link_in, post.mailer.messages)
    assert to_new.startswith(f"{PUBLIC_URL}/email-verification?token=new_email.")
    assert to_old.startswith(f"{PUBLIC_URL}/account-freeze?token=account_freeze.")
    assert await ada(post, device) == before
    event = (await post.service.world.events())[-1]
    assert (event.type, event.user_id, event.session_id) == ("email_change.requested", before.id, caller.session_id)
    assert "example" not in str(event.data).lower()


async def test_the_password_is_asked_for_and_counted(post: Post, device: SignedIn, caller: Caller) -> None:
    burst = post.service.world.limits[SIGN_IN_ACCOUNT].burst
    await post.ask_for_address(caller, NEXT)
    for _ in range(burst):
        with pytest.raises(WrongPassword):
            await post.ask_for_address(caller, NEXT, "not the password of ada")
    with pytest.raises(TooManyAttempts):
        await post.ask_for_address(caller, NEXT)


async def test_who_is_not_signed_in_any_more_asks_in_vain(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.service.log_out(caller, ADA)
    with pytest.raises(InvalidAccessToken):
        await post.ask_for_address(caller, NEXT)


async def test_a_session_that_ends_meanwhile_asks_in_vain(post: Post, device: SignedIn, caller: Caller) -> None:
    async def meanwhile() -> None:
        await post.service.log_out(caller, ADA)

    post.service.hasher.meanwhile = meanwhile
    with pytest.raises(InvalidAccessToken):
        await post.ask_for_address(caller, NEXT)
    assert await post.service.world.email_changes.pending(caller.user_id) is None


async def test_all_that_is_wrong_is_told_at_once(post: Post, caller: Caller) -> None:
    with pytest.raises(InvalidInput) as refused:
        await post.ask_for_address(caller, "nowhere", "\ud800")
    assert [each.field for each in refused.value.violations] == ["new_email", "password"]


async def test_the_address_that_one_has_is_no_change(post: Post, caller: Caller) -> None:
    for _ in range(post.service.world.limits[SIGN_IN_ACCOUNT].burst + 1):
        with pytest.raises(InvalidInput) as refused:
            await post.ask_for_address(caller, "ada@EXAMPLE.com")
        assert [(each.field, each.code) for each in refused.value.violations] == [("new_email", "email_unchanged")]


async def test_d08_mail_to_addresses_that_one_names_is_limited(post: Post, caller: Caller) -> None:
    """D08; a limit that is used up costs no attempt at the password."""
    for _ in range(post.service.world.limits[RECOVERY_ACCOUNT].burst):
        await post.ask_for_address(caller, NEXT)
    for _ in range(post.service.world.limits[SIGN_IN_ACCOUNT].burst + 1):
        with pytest.raises(TooManyAttempts):
            await post.ask_for_address(caller, NEXT)
    assert await post.service.sign_in()


async def test_s10_an_address_of_another_account_is_answered_alike_and_its_owner_is_told(
    post: Post, caller: Caller
) -> None:
    """Without a link: there is nothing to confirm."""
    await post.service.register_user(registration(email="bob@example.com", username="Bob"), MALLORY)
    await post.deliver()
    await confirm(post, post.tokens(MailKind.VERIFY_EMAIL, "bob@example.com")[0])
    post.mailer.messages.clear()

    await post.ask_for_address(caller, "bob@example.com")

    assert written(post) == [("new_email_taken", "bob@example.com"), ("email_change_requested", OLD)]
    assert "token=" not in str(post.mailer.messages[0])


async def test_s16_an_account_that_never_proved_the_new_address_is_ended_from_it(
    post: Post, device: SignedIn, caller: Caller
) -> None:
    """And then the change holds when it is asked for again."""
    squatter = await post.service.register_user(registration(email=NEXT, username="Mallory"), MALLORY)
    await post.deliver()
    post.mailer.messages.clear()
    await post.ask_for_address(caller, NEXT)
    assert written(post) == [("new_email_unproven", NEXT), ("email_change_requested", OLD)]
    assert "username: Mallory" in str(post.mailer.messages[0])
    [token] = post.tokens(MailKind.NEW_EMAIL_UNPROVEN, NEXT)
    assert link_in(post.mailer.messages[0]) == f"{PUBLIC_URL}/email-rejection?token={token}"

    await post.reject(token)

    assert await post.service.world.directory.find(squatter.id) is None
    await moved(post, caller)
    assert (await ada(post, device)).email.original == NEXT


@pytest.mark.parametrize("meanwhile", ["proven", "disabled"])
async def test_nobody_is_offered_to_end_an_account_that_proved_the_address_or_is_disabled(
    post: Post, caller: Caller, meanwhile: str
) -> None:
    squatter = await post.service.register_user(registration(email=NEXT, username="Mallory"), MALLORY)
    await post.deliver()
    if meanwhile == "disabled":
        await post.service.world.disable(squatter.id)
        await post.ask_for_address(caller, NEXT)
        assert post.tokens(MailKind.NEW_EMAIL_UNPROVEN, NEXT) == []
        return
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.NEW_EMAIL_UNPROVEN, NEXT)
    await confirm(post, post.tokens(MailKind.VERIFY_EMAIL, NEXT)[0])

    with pytest.raises(InvalidInput):
        await post.reject(token)

    assert await post.service.world.directory.find(squatter.id)


@pytest.mark.parametrize("by_session", [True, False])
async def test_the_link_and_the_account_make_it_hold(
    post: Post, device: SignedIn, caller: Caller, by_session: bool
) -> None:
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)

    user = await confirm(post, token, caller=caller if by_session else None)

    assert (user.email.original, user.email_verified) == (NEXT, True)
    kept = await ada(post, device)
    assert (kept.email, kept.email_verified) == (user.email, True)
    assert written(post)[-1] == ("email_changed", OLD)
    assert (await post.service.event_types())[-1] == "email.changed"
    assert await post.service.try_to_sign_in("countess@example.com")


async def test_p10_the_link_alone_changes_nothing(post: Post, device: SignedIn, caller: Caller) -> None:
    """Nor do a wrong password and somebody else's session: the click of a stranger moves nobody."""
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)

    with pytest.raises(AuthenticationRequired):
        await confirm(post, token, password=None)
    with pytest.raises(InvalidCredentials):
        await confirm(post, token, password="something else entirely")
    assert (await ada(post, device)).email.original == OLD


async def test_p11_a_second_request_takes_the_place_of_the_first(post: Post, device: SignedIn, caller: Caller) -> None:
    """P11, also for the same address again."""
    for address in ("first@example.com", NEXT, NEXT):
        await post.ask_for_address(caller, address)
    [first], [second, third] = (
        post.tokens(MailKind.CONFIRM_NEW_EMAIL, "first@example.com"),
        post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT),
    )

    for token in (first, second):
        with pytest.raises(InvalidInput):
            await confirm(post, token)
    await confirm(post, third)
    assert (await ada(post, device)).email.original == NEXT


async def test_an_address_that_is_taken_meanwhile(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)
    await post.service.register_user(registration(email=NEXT, username="Bob"), MALLORY)

    with pytest.raises(EmailTaken):
        await confirm(post, token)
    assert (await ada(post, device)).email.original == OLD


async def test_s10_the_owner_of_a_taken_address_who_is_disabled_is_told_nothing(post: Post, caller: Caller) -> None:
    bob = await post.service.register_user(registration(email="bob@example.com", username="Bob"), MALLORY)
    await post.deliver()
    post.mailer.messages.clear()
    await post.service.world.disable(bob.id)

    await post.ask_for_address(caller, "bob@example.com")

    assert written(post) == [("email_change_requested", OLD)]


async def test_a_day(post: Post, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)
    await post.service.world.advance(timedelta(hours=24))
    with pytest.raises(InvalidInput):
        await confirm(post, token)


async def test_of_eight_confirmations_at_once_one_holds(post: Post, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)

    given = EmailVerification(token=token, password=PASSWORD)
    results = await asyncio.gather(*(post.verify(given, None, ADA) for _ in range(8)), return_exceptions=True)

    assert sum(isinstance(result, User) for result in results) == 1
    assert (await post.service.event_types()).count("email.changed") == 1


async def test_p05_other_links_die_with_the_address(post: Post, device: SignedIn, caller: Caller) -> None:
    """P05: the reset that was asked for at the old address, too, and also after the old address has come back."""
    await post.ask_for_reset("ada@example.com")
    [reset] = post.tokens(MailKind.RESET_PASSWORD)
    await moved(post, caller)
    left = {each.purpose for each in post.service.world.store.rows.one_time_tokens.values()}
    assert left == {TokenPurpose.ACCOUNT_FREEZE}
    with pytest.raises(InvalidInput):
        await post.reset(reset)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGED)
    await frozen(post, freeze)
    with pytest.raises(InvalidInput):
        await post.reset(reset)


@pytest.mark.parametrize("how", ["password change", "reset"])
async def test_a_new_password_ends_what_the_old_one_asked_for(
    post: Post, device: SignedIn, caller: Caller, how: str
) -> None:
    from application.credentials.change_password import PasswordChange  # noqa: PLC0415 - for this test alone

    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)
    if how == "reset":
        await post.ask_for_reset("ada@example.com")
        await post.reset(post.tokens(MailKind.RESET_PASSWORD)[0])
    else:
        await post.service.change_password(caller, PasswordChange(current=PASSWORD, new=NEW), ADA)

    with pytest.raises(InvalidInput):
        await confirm(post, token, password=NEW)
    assert await post.service.world.email_changes.pending(caller.user_id) is None


async def test_who_has_the_new_address_says_that_it_was_not_them(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [token] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)
    before = await ada(post, device)

    await post.reject(token)

    assert await ada(post, device) == before
    with pytest.raises(InvalidInput):
        await confirm(post, token)
    event, refused = (await post.service.world.events())[-2:]
    assert (event.type, event.origin) == ("email_change.rejected", Origin(request_id=ADA.request_id))
    assert (refused.type, refused.data) == ("one_time_token.refused", {"purpose": "new_email"})


async def test_an_unproven_account_is_not_deleted_by_that_either(service: Service) -> None:
    post = Post(service)
    user = await service.sign_up()
    await post.ask_for_address(caller_of(await service.sign_in()), NEXT)

    assert ("email_change_requested", OLD) not in written(post), "it may be anybody's"
    await post.reject(post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)[0])
    assert await service.world.directory.find(user.id)


async def test_an_unproven_address_has_no_way_back(service: Service) -> None:
    post = Post(service)
    await service.sign_up()
    await moved(post, caller_of(await service.sign_in()))
    assert not {"email_change_requested", "email_changed"} & {kind for kind, _ in written(post)}


async def test_p14_links_are_not_interchangeable(post: Post, caller: Caller) -> None:
    """P14."""
    await post.ask_for_address(caller, NEXT)
    await post.ask_for_reset("ada@example.com")
    [new_email], [freeze] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT), post.tokens(MailKind.EMAIL_CHANGE_REQUESTED)
    [reset] = post.tokens(MailKind.RESET_PASSWORD)
    for token in (new_email, reset):
        await assert_dead(post, token)
    for token in (freeze, reset):
        with pytest.raises(InvalidInput):
            await confirm(post, token)
        with pytest.raises(InvalidInput):
            await post.reject(token)
    for token in (freeze, new_email):
        with pytest.raises(InvalidInput):
            await post.reset(token)


async def test_p11_a_link_proves_the_address_it_is_mailed_to_and_not_the_one_by_then(
    post: Post, device: SignedIn, caller: Caller
) -> None:
    """P11: the address changes between the look at the account and the token."""
    before = await ada(post, device)
    await moved(post, caller)
    issue = IssueToken(codec=post.service.codec, unit_of_work=post.service.world.unit_of_work, unsent=post.unsent)
    told = recorded("password_reset.requested")
    with pytest.raises(InvalidInput):
        await post.reset(await issue(told, TokenPurpose.PASSWORD_RESET, before, timedelta(minutes=30)))


async def test_a_freeze_stops_a_change_that_waits(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [freeze], [new] = post.tokens(MailKind.EMAIL_CHANGE_REQUESTED), post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)

    await post.ask_for_reset("ada@example.com")
    [other] = post.tokens(MailKind.RESET_PASSWORD)

    reset_token = await frozen(post, freeze)

    assert (await ada(post, device)).email.original == OLD
    with pytest.raises(InvalidInput):
        await confirm(post, new)
    with pytest.raises(InvalidInput):
        await post.reset(other)
    with pytest.raises(InvalidAccessToken):
        await post.service.view_profile(caller)
    event, *refused = (await post.service.world.events())[-3:]
    assert (event.type, event.data) == ("account.frozen", {"outcome": "address_kept"})
    assert [each.type for each in refused] == ["one_time_token.refused"] * 2
    with pytest.raises(InvalidCredentials):
        await post.service.sign_in()
    await assert_dead(post, freeze)
    assert reset_token is not None
    await post.reset(reset_token)
    assert await post.service.try_to_sign_in(password=NEW)


async def test_a_freeze_undoes_a_change(post: Post, device: SignedIn, caller: Caller) -> None:
    await moved(post, caller)
    await post.ask_for_reset("countess@example.com")
    [at_new] = post.tokens(MailKind.RESET_PASSWORD, NEXT)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGED)

    reset_token = await frozen(post, freeze)

    after = await ada(post, device)
    assert (after.email.original, after.email_verified) == (OLD, True)
    assert (await post.service.world.events())[-1].data == {"outcome": "address_restored"}
    with pytest.raises(InvalidInput):
        await post.reset(at_new)
    assert reset_token is not None
    await post.reset(reset_token)
    assert await post.service.try_to_sign_in(password=NEW)
    await post.ask_for_reset("countess@example.com")
    assert len(post.tokens(MailKind.RESET_PASSWORD, NEXT)) == 1, "the address is nobody's any more"


async def test_whoever_had_it_first_has_the_last_word(post: Post, device: SignedIn, caller: Caller) -> None:
    await moved(post, caller, "attacker@example.com")
    await moved(post, caller, "attacker.2@example.com")
    [of_owner], [of_attacker] = (
        post.tokens(MailKind.EMAIL_CHANGED),
        post.tokens(MailKind.EMAIL_CHANGED, "attacker@example.com"),
    )

    to_attacker = await frozen(post, of_attacker)
    assert to_attacker is not None
    await post.reset(to_attacker)
    to_owner = await frozen(post, of_owner)

    assert (await ada(post, device)).email.original == OLD
    for token in [of_attacker, *post.tokens(MailKind.EMAIL_CHANGE_REQUESTED, "attacker@example.com")]:
        await assert_dead(post, token)
    with pytest.raises(InvalidInput):
        await post.reset(to_attacker)
    assert to_owner is not None
    await post.reset(to_owner)


async def test_three_days(post: Post, device: SignedIn, caller: Caller) -> None:
    await moved(post, caller)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGED)
    await post.service.world.advance(timedelta(hours=72))
    await assert_dead(post, freeze)
    assert (await ada(post, device)).email.original == NEXT


async def test_an_account_that_took_the_address_unproven_makes_room(
    post: Post, device: SignedIn, caller: Caller
) -> None:
    """Or whoever took the account over would keep it by signing up with the address it had."""
    await moved(post, caller)
    squatter = await post.service.register_user(registration(email=OLD, username="Mallory"), MALLORY)

    assert await frozen(post, post.tokens(MailKind.EMAIL_CHANGED)[0])

    assert (await ada(post, device)).email.original == OLD
    assert await post.service.world.directory.find(squatter.id) is None
    with pytest.raises(EmailTaken):
        await post.service.register_user(registration(email=OLD, username="Mallory2"), MALLORY)


async def test_an_account_that_proved_the_address_keeps_it_and_nobody_gets_in(
    post: Post, device: SignedIn, caller: Caller
) -> None:
    await moved(post, caller)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGED)
    owner = await post.service.register_user(registration(email=OLD, username="Owner"), MALLORY)
    work = post.service.world.unit_of_work(NOWHERE)
    work.accounts.prove_email(owner.id)
    await work.commit()

    assert await frozen(post, freeze) is None

    assert (await ada(post, device)).status is UserStatus.DISABLED
    kept = await post.service.world.directory.find(owner.id)
    assert kept is not None
    assert (kept.email.original, kept.status) == (OLD, UserStatus.ACTIVE)
    assert (await post.service.world.events())[-1].data == {"outcome": "disabled"}
    with pytest.raises(InvalidCredentials):
        await post.service.try_to_sign_in("countess@example.com")


async def test_a_confirmation_that_races_with_a_freeze_loses(post: Post, device: SignedIn, caller: Caller) -> None:
    """The password was looked at before; nothing of it holds after."""
    await post.ask_for_address(caller, NEXT)
    [freeze], [new] = post.tokens(MailKind.EMAIL_CHANGE_REQUESTED), post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)

    async def meanwhile() -> None:
        await frozen(post, freeze)

    post.service.hasher.meanwhile = meanwhile
    with pytest.raises(InvalidInput):
        await confirm(post, new)
    assert (await ada(post, device)).email.original == OLD


async def test_a_freeze_that_races_with_a_confirmation_undoes_it(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [freeze], [new] = post.tokens(MailKind.EMAIL_CHANGE_REQUESTED), post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)

    async def meanwhile() -> None:
        await confirm(post, new, caller=caller)

    post.service.hasher.meanwhile = meanwhile
    assert await frozen(post, freeze)
    assert (await ada(post, device)).email.original == OLD
    assert (await post.service.world.events())[-1].data == {"outcome": "address_restored"}


async def test_a_password_that_is_changed_meanwhile_is_gone_too(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGE_REQUESTED)
    post.service.hasher.meanwhile = lambda: post.service.world.change_password_version(caller.user_id)

    assert await frozen(post, freeze)
    credential = post.service.world.store.rows.credentials[caller.user_id]
    assert (credential.version, credential.password_hash) == (3, TODAY + post.service.hasher.hashed[-1])
    with pytest.raises(InvalidCredentials):
        await post.service.sign_in()


async def test_a_freeze_that_cannot_be_done_now_can_be_later(post: Post, device: SignedIn, caller: Caller) -> None:
    await post.ask_for_address(caller, NEXT)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGE_REQUESTED)
    post.service.hasher.overloaded = True
    with pytest.raises(Overloaded):
        await frozen(post, freeze)
    post.service.hasher.overloaded = False
    assert await frozen(post, freeze)


async def test_a_deleted_account_has_nothing_to_confirm_or_freeze(post: Post, caller: Caller) -> None:
    await moved(post, caller)
    await post.ask_for_address(caller, "later@example.com")
    [new] = post.tokens(MailKind.CONFIRM_NEW_EMAIL, "later@example.com")
    [freeze] = post.tokens(MailKind.EMAIL_CHANGED)

    async def meanwhile() -> None:
        work = post.service.world.unit_of_work(NOWHERE)
        work.accounts.remove(caller.user_id)
        await work.commit()

    post.service.hasher.meanwhile = meanwhile
    with pytest.raises((InvalidInput, UserNotFound)):
        await confirm(post, new)
    await assert_dead(post, freeze)


async def test_an_address_that_is_taken_while_it_is_given_back(post: Post, device: SignedIn, caller: Caller) -> None:
    """Between the look at who has it and the commit; the next look finds them."""
    await moved(post, caller)
    [freeze] = post.tokens(MailKind.EMAIL_CHANGED)
    users = Taken(post.service, post.service.world.directory)

    assert await replace(post.freeze_account, users=users)(freeze, MALLORY)

    assert (await ada(post, device)).email.original == OLD
    assert users.squatter is None
