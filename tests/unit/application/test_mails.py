"""What each mail says, to whom and in whose language, and when there is nothing to say to anybody."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage

import pytest

from application.mail.ports import Mail
from application.mail.send_mail import SendMail
from application.recovery.confirm_email_verification import EmailVerification
from domain.accounts.identifiers import EmailAddress
from domain.errors import ServiceUnavailable
from domain.events import RecordedEvent
from domain.mail.kinds import VALUES, MailKind
from tests.support.builders import ADA, MALLORY, NOON, new_id
from tests.support.fakes import FakeMailWriter, parse_email
from tests.support.post import PUBLIC_URL, Post
from tests.support.service import PASSWORD, Service, caller_of, registration

OLD, NEXT, BOB = "Ada@Example.com", "Countess@Example.com", "bob@example.com"


def event(kind: str, **changes: object) -> RecordedEvent:
    given: dict[str, object] = {"user_id": None, "session_id": None, "ip_address": None, "user_agent": None, "data": {}}
    return RecordedEvent(id=new_id(), type=kind, occurred_at=NOON, request_id=None, **(given | changes))  # type: ignore[arg-type]  # the tests name fields


def said(message: EmailMessage) -> Mapping[str, str]:
    """Each value by its name; of tokens, all but what they are good for."""
    body = message.get_body(("plain",))
    assert body is not None
    lines = dict(line.split(": ", 1) for line in body.get_content().splitlines())
    tokens = {re.sub(r".*token=", "", value) for name, value in lines.items() if name.endswith("link")}
    assert len(tokens) <= 1, "both links have the same"
    return {name: re.sub(r"(token=\w+)\.\d+", r"\1", value) for name, value in lines.items()}


async def confirm(post: Post, kind: MailKind, to: str = OLD) -> None:
    given = EmailVerification(token=post.tokens(kind, to)[-1], password=PASSWORD)
    await post.verify(given, None, ADA)
    await post.deliver()


async def test_every_mail(service: Service) -> None:
    """In the language of whoever reads it."""
    post = Post(service)
    await service.register_user(registration(locale="de"), ADA)
    await service.register_user(registration(email=BOB, username="Bob", locale="fr"), MALLORY)
    await post.deliver()
    [of_bob] = post.tokens(MailKind.VERIFY_EMAIL, BOB)
    post.mailer.messages.pop()
    await confirm(post, MailKind.VERIFY_EMAIL)
    await post.ask_for_reset(OLD)
    caller = caller_of(await service.sign_in())
    await post.ask_for_address(caller, BOB)
    post.mailer.messages.pop()
    await post.verify(EmailVerification(token=of_bob, password=PASSWORD), None, MALLORY)
    await post.ask_for_address(caller, BOB)
    post.mailer.messages.pop()
    await post.ask_for_address(caller, NEXT)
    await confirm(post, MailKind.CONFIRM_NEW_EMAIL, NEXT)
    await service.request_sign_up(registration(email="eve@example.com", username="Eve", locale="fr"), MALLORY)
    await service.request_sign_up(registration(email=BOB, username="Mallory"), MALLORY)
    await post.deliver()

    def both(purpose: str) -> dict[str, str]:
        pages = {"link": "email-verification", "second_link": "email-rejection"}
        return {name: f"{PUBLIC_URL}/{page}?token={purpose}" for name, page in pages.items()}

    reset = {"link": f"{PUBLIC_URL}/password-reset?token=password_reset"}
    ends = {"link": f"{PUBLIC_URL}/email-rejection?token=email_verification"}
    freeze = {"link": f"{PUBLIC_URL}/account-freeze?token=account_freeze"}
    ada, change = {"username": "Ada"}, {"username": "Ada", "new_email": NEXT, "hours": "72"}
    assert [(each["subject"], each["to"], each["content-language"], said(each)) for each in post.mailer.messages] == [
        ("verify_email", OLD, "de", ada | {"hours": "24"} | both("email_verification")),
        ("reset_password", OLD, "de", ada | {"minutes": "30"} | reset),
        ("new_email_unproven", BOB, "fr", {"username": "Bob", "hours": "24"} | ends),
        ("new_email_taken", BOB, "fr", {"username": "Bob"}),
        ("confirm_new_email", NEXT, "de", ada | {"hours": "24"} | both("new_email")),
        ("email_change_requested", OLD, "de", change | freeze),
        ("email_changed", OLD, "de", change | freeze),
        ("confirm_sign_up", "eve@example.com", "fr", {"username": "Eve", "hours": "24"} | both("sign_up")),
        ("sign_up_taken", BOB, "fr", {"username": "Bob"}),
    ]


@pytest.mark.parametrize("whom", ["nobody", "somebody who is gone", "a change that is gone", "somebody disabled"])
async def test_there_is_nothing_to_mail_about(service: Service, whom: str) -> None:
    """An event that names nobody does not even cost a look."""
    post = Post(service)
    ada = await service.sign_up()
    await post.deliver()
    await confirm(post, MailKind.VERIFY_EMAIL)
    data = {"change_id": str(new_id())}
    if whom == "somebody disabled":
        await post.ask_for_address(caller_of(await service.sign_in()), NEXT)
        data = {"change_id": str(service.world.store.rows.email_changes[ada.id].id)}
        await service.world.disable(ada.id)
    user_id = {"nobody": None, "somebody who is gone": new_id()}.get(whom, ada.id)
    before = len(post.mailer.messages), service.world.store.round_trips

    told = {(each.name, kind): each for each in post.subscribers for kind in each.topics if "sign_up" not in kind}
    if whom == "a change that is gone":
        told = {(name, kind): each for (name, kind), each in told.items() if kind.startswith("email_change")}
    for (_, kind), subscriber in told.items():
        assert await subscriber(event(kind, user_id=user_id, data=data)) is None

    assert len(post.mailer.messages) == before[0]
    assert (service.world.store.round_trips == before[1]) == (whom == "nobody")


@dataclass
class AwayMailer:
    asked: list[Mail] = field(default_factory=list)

    async def send(self, mail: Mail) -> str | None:
        self.asked.append(mail)
        raise ServiceUnavailable


@dataclass
class NotedAllowance:
    left: list[tuple[EmailAddress, MailKind]]

    async def take(self, to: EmailAddress, kind: MailKind) -> bool:
        self.left.remove((to, kind))
        return True

    async def give_back(self, to: EmailAddress, kind: MailKind) -> None:
        self.left.append((to, kind))


async def test_a_mail_that_is_not_sent_is_given_back_to_whom_it_was_taken_from() -> None:
    to, told = parse_email(OLD), event("password_reset.requested")
    mailer, allowance = AwayMailer(), NotedAllowance([(to, MailKind.RESET_PASSWORD)])
    send = SendMail(mailer=mailer, writer=FakeMailWriter(), allowance=allowance)

    with pytest.raises(ServiceUnavailable):
        await send(MailKind.RESET_PASSWORD, told, to, None, dict.fromkeys(VALUES[MailKind.RESET_PASSWORD], ""))

    assert allowance.left == [(to, MailKind.RESET_PASSWORD)]
    assert [mail.id for mail in mailer.asked] == [f"{told.id}.reset_password"], "the same one when it is tried again"
