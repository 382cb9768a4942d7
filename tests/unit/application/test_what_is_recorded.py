"""Whom and which session the events of each use case name, and that sessions end for the reason that is recorded."""

from collections.abc import Awaitable, Callable

import pytest

from application.accounts.disable_user import DisableUser
from application.accounts.enable_user import EnableUser
from application.accounts.find_user import FindUser
from application.origin import Origin
from application.recovery.confirm_email_verification import EmailVerification
from application.sessions.end_sessions_of_user import EndSessionsOfUser
from application.sessions.signed_in import SignedIn
from domain.credentials.errors import WrongPassword
from domain.mail.kinds import MailKind
from domain.sessions.errors import InvalidCredentials
from tests.support.builders import ADA, MALLORY
from tests.support.fakes import parse_email
from tests.support.photos import picture
from tests.support.post import Post
from tests.support.service import PASSWORD, Service, caller_of, registration
from tests.support.world import RecordedEvent

OLD, NEXT = "Ada@Example.com", "Countess@Example.com"
GUESS = "a guess of a password"
GRACE = Origin(operator="grace")


async def confirm(post: Post, kind: MailKind, to: str = OLD, password: str = PASSWORD) -> None:
    await post.verify(EmailVerification(token=post.tokens(kind, to)[-1], password=password), None, ADA)
    await post.deliver()


async def guess(post: Post, kind: MailKind, to: str = OLD) -> None:
    with pytest.raises(InvalidCredentials):
        await confirm(post, kind, to, GUESS)


async def reset(post: Post) -> None:
    await post.ask_for_reset(OLD)
    await post.reset(post.tokens(MailKind.RESET_PASSWORD)[-1])


class Story:
    """Ada, whose address is proven, in this session and another; ``events`` are those since it began."""

    def __init__(self, post: Post, this: SignedIn, other: SignedIn) -> None:
        self.post, self.service = post, post.service
        self.this, self.other, self.caller = this, other, caller_of(this)
        find = FindUser(self.service.world.directory, parse_email)
        self.disable = DisableUser(find, self.service.world.unit_of_work)
        self.enable = EnableUser(find, self.service.world.unit_of_work)
        self.end_sessions_of = EndSessionsOfUser(find, self.service.world.unit_of_work)
        self.begin()

    def begin(self) -> None:
        self.begun = len(self.service.world.store.rows.events)

    async def events(self) -> list[RecordedEvent]:
        return (await self.service.world.events())[self.begun :]

    async def change_of_address(self) -> None:
        await self.post.ask_for_address(self.caller, NEXT)
        self.begin()


@pytest.fixture
async def story(service: Service) -> Story:
    post = Post(service)
    await service.sign_up()
    await post.deliver()
    await confirm(post, MailKind.VERIFY_EMAIL)
    return Story(post, await service.sign_in(), await service.sign_in())


async def a_wrong_password(story: Story) -> None:
    with pytest.raises(WrongPassword):
        await story.post.ask_for_address(story.caller, NEXT, GUESS)


async def a_photo(story: Story) -> None:
    async def read() -> bytes:
        return picture(colour="teal")

    await story.service.set_photo(story.caller, read, ADA)
    await story.service.remove_photo(story.caller, ADA)


async def disabled_and_enabled(story: Story) -> None:
    await story.disable("ada", GRACE)
    await story.enable("ada", GRACE)


async def a_new_address(story: Story) -> None:
    await story.change_of_address()
    await confirm(story.post, MailKind.CONFIRM_NEW_EMAIL, NEXT)


async def a_guess_beside_the_link(story: Story) -> None:
    await story.change_of_address()
    await guess(story.post, MailKind.CONFIRM_NEW_EMAIL, NEXT)


async def a_new_address_rejected(story: Story) -> None:
    await story.change_of_address()
    await story.post.reject(story.post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)[0])
    assert await story.service.world.email_changes.pending(story.caller.user_id) is None


async def frozen(story: Story) -> None:
    await story.change_of_address()
    await story.post.freeze_account(story.post.tokens(MailKind.EMAIL_CHANGE_REQUESTED)[0], ADA)
    assert await story.service.world.email_changes.pending(story.caller.user_id) is None


async def frozen_where_the_address_is_somebody_elses(story: Story) -> None:
    await a_new_address(story)
    await story.service.register_user(registration(email=OLD, username="Owner"), MALLORY)
    await story.post.deliver()
    await confirm(story.post, MailKind.VERIFY_EMAIL)
    story.begin()
    await story.post.freeze_account(story.post.tokens(MailKind.EMAIL_CHANGED)[0], ADA)


BOTH_END = [("session.ended", "this"), ("session.ended", "other")]
DEEDS: list[tuple[Callable[[Story], Awaitable[object]], list[tuple[str, str | None]]]] = [
    (lambda story: story.service.log_out(story.caller, ADA), BOTH_END[:1]),
    (lambda story: story.service.end_session(story.caller, story.other.session.id, ADA), BOTH_END[1:]),
    (lambda story: story.service.end_session(story.caller, story.caller.session_id, ADA), BOTH_END[:1]),
    (lambda story: story.service.end_all_sessions(story.caller, ADA, but_current=False), BOTH_END),
    (lambda story: story.end_sessions_of("ada", story.other.session.id, GRACE), BOTH_END[1:]),
    (lambda story: story.service.export_account(story.caller, ADA), [("user.exported", "this")]),
    (a_wrong_password, [("reauthentication.failed", "this")]),
    (a_photo, [("photo.set", "this"), ("photo.removed", "this")]),
    (disabled_and_enabled, [*BOTH_END, ("user.disabled", None), ("user.enabled", None)]),
    (a_new_address, [("email.changed", None)]),
    (a_guess_beside_the_link, [("log_in.failed", None)]),
    (a_new_address_rejected, [("email_change.rejected", None)]),
    (frozen, [*BOTH_END, ("account.frozen", None)]),
    (frozen_where_the_address_is_somebody_elses, [*BOTH_END, ("account.frozen", None)]),
    (lambda story: reset(story.post), [("password_reset.requested", None), *BOTH_END, ("password.reset", None)]),
]


@pytest.mark.parametrize(("deed", "recorded"), DEEDS)
async def test_whom_and_which_session_it_concerns(
    story: Story, deed: Callable[[Story], Awaitable[object]], recorded: list[tuple[str, str | None]]
) -> None:
    sessions = {story.this.session.id: "this", story.other.session.id: "other"}

    await deed(story)

    events = await story.events()
    named = [(event.type, event.session_id and sessions[event.session_id]) for event in events]
    assert sorted(named, key=str) == sorted(recorded, key=str)
    assert {event.user_id for event in events} == {story.this.user.id}
    for event in events:
        if event.type == "session.ended" and event.session_id:
            row = await story.service.world.session_row(event.session_id)
            assert row
            assert row.session.end_reason == event.data["reason"]


async def last(service: Service) -> RecordedEvent:
    return (await service.world.events())[-1]


async def test_one_address_is_known_by_one_digest(story: Story) -> None:
    """Whatever is tried with it, or asked for."""
    digests = []
    for address in (OLD, NEXT):
        with pytest.raises(InvalidCredentials):
            await story.service.try_to_sign_in(address, GUESS)
        digests.append((await last(story.service)).data["identifier_digest"])
    of_old, of_next = digests

    for ask in (story.post.ask_for_reset, story.post.ask_for_verification):
        await ask(OLD)
        assert (await last(story.service)).data == {"identifier_digest": of_old}
    await story.post.ask_for_address(story.caller, NEXT)
    change = story.service.world.store.rows.email_changes[story.caller.user_id]
    assert (await last(story.service)).data == {"identifier_digest": of_next, "change_id": str(change.id)}
    await guess(story.post, MailKind.CONFIRM_NEW_EMAIL, NEXT)
    assert (await last(story.service)).data == {"identifier_digest": of_old}, "the account's is the old one still"
    await story.post.reject(story.post.tokens(MailKind.CONFIRM_NEW_EMAIL, NEXT)[0])
    assert (await last(story.service)).data == {"change_id": str(change.id)}

    await story.service.request_sign_up(registration(email=NEXT, username="Eve"), MALLORY)
    await story.post.deliver()
    await guess(story.post, MailKind.CONFIRM_SIGN_UP, NEXT)
    assert (await last(story.service)).data == {"identifier_digest": of_next}


@pytest.mark.parametrize("how", ["link", "reset", "sign-up"])
async def test_an_address_is_proven_to_be_its_accounts(service: Service, how: str) -> None:
    post = Post(service)
    if how == "sign-up":
        await service.request_sign_up(registration(), ADA)
    else:
        await service.sign_up()
    await post.deliver()

    if how == "reset":
        await reset(post)
    else:
        await confirm(post, MailKind.VERIFY_EMAIL if how == "link" else MailKind.CONFIRM_SIGN_UP)

    [user_id] = service.world.store.rows.users
    [proven] = [event for event in await service.world.events() if event.type == "email.verified"]
    assert (proven.user_id, proven.session_id, proven.data) == (user_id, None, {})
