"""Who is told what of their account, and who is not."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from application.mail.ports import MailText
from application.mail.send_mail import SendMail
from application.notices.send_security_notice import SendSecurityNotice
from application.origin import Origin
from domain.events import RecordedEvent
from domain.mail.kinds import NOTICES, VALUES, MailKind
from infrastructure.mail.message import Sender
from infrastructure.mail.texts import TemplateMailWriter
from tests.support.builders import ADA, Account, Device, new_id, registered, signed_in
from tests.support.fakes import FakeMailer
from tests.support.memory import MemoryWorld

AT = datetime(2026, 11, 25, 19, 2, tzinfo=UTC)
REUSED = {"reason": "refresh_token_reused"}


class ExactMailWriter(TemplateMailWriter):
    """Each notice is given the values that its text may speak of."""

    def write(self, kind: MailKind, language: str, values: Mapping[str, str]) -> MailText:
        assert values.keys() == VALUES[kind]
        return super().write(kind, language, values)


@dataclass
class Post:
    """The subscriber, and what it has mailed."""

    world: MemoryWorld = field(default_factory=MemoryWorld)
    mailer: FakeMailer = field(default_factory=lambda: FakeMailer(Sender(address="no-reply@example.test")))
    wanted: tuple[MailKind, ...] = NOTICES

    async def tell(
        self, event_type: str, account: Account, device: Device | None = None, data: Mapping[str, str] | None = None
    ) -> list[EmailMessage]:
        send_mail = SendMail(
            mailer=self.mailer, writer=ExactMailWriter(service="CRM"), allowance=self.world.mail_allowance
        )
        notice = SendSecurityNotice(
            users=self.world.directory, devices=self.world.devices, send_mail=send_mail, wanted=self.wanted
        )
        event = RecordedEvent(
            id=new_id(),
            type=event_type,
            occurred_at=AT,
            user_id=account.user.id,
            session_id=device.session.id if device else None,
            ip_address="198.51.100.66",
            user_agent="whoever caused it",
            request_id=None,
            data=data or {},
        )
        assert await notice(event) is None
        return self.mailer.messages

    async def account(self, *, verified: bool = True, locale: str | None = None, zone: str | None = None) -> Account:
        account = await registered(self.world)
        user = account.user
        user = replace(user, email_verified=verified, profile=replace(user.profile, locale=locale, zoneinfo=zone))
        self.world.store.rows.users[user.id] = user
        return replace(account, user=user)


@pytest.fixture
def post() -> Post:
    return Post()


def words_of(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


@pytest.mark.parametrize(
    ("event_type", "data", "subject"),
    [
        ("password.changed", {}, "Your password was changed"),
        ("password.reset", {}, "Your password was changed"),
        ("user.disabled", {"actor": "operator:alice"}, "Your account was disabled"),
        ("log_in.limited", {"identifier_digest": "00"}, "Many failed attempts to sign in"),
        ("session.ended", REUSED, "A device was signed out for safety"),
    ],
)
async def test_l14_p03_each_is_told(post: Post, event_type: str, data: Mapping[str, str], subject: str) -> None:
    ada = await post.account()

    (message,) = await post.tell(event_type, ada, data=data)

    assert (message["to"], message["subject"]) == (ada.email.original, subject)
    assert f"your account {ada.user.username.original}" in words_of(message).lower() or ada.user.username.original in (
        words_of(message)
    )
    if event_type != "session.ended":
        assert "25 November 2026 at 19:02 (UTC)" in words_of(message)
        assert "198.51.100.66" not in words_of(message), "of whoever caused it nothing is told"


async def test_it_is_told_in_the_readers_language_and_time(post: Post) -> None:
    ada = await post.account(locale="de-AT", zone="Europe/Vienna")

    (message,) = await post.tell("password.changed", ada)

    assert message["subject"] == "Ihr Passwort wurde geändert"
    assert "am 25. November 2026 um 20:02 Uhr (Europe/Vienna) geändert" in words_of(message)


async def test_l14_a_new_device_is_told_with_where_it_is(post: Post) -> None:
    ada = await post.account()
    await signed_in(post.world, ada)
    device = await signed_in(post.world, ada, origin=Origin(ip_address="198.51.100.7", user_agent="Buy at http://x"))

    (message,) = await post.tell("session.started", ada, device)

    assert message["subject"] == "A new device signed in"
    assert "unknown device, address 198.51.100.7." in words_of(message)
    assert "Buy at" not in words_of(message), "what a client calls itself is for anybody to choose"


async def test_the_device_is_named_as_people_know_it(post: Post) -> None:
    ada = await post.account()
    device = await signed_in(post.world, ada)
    rows = post.world.store.rows.sessions
    kept = rows[device.session.id]
    rows[device.session.id] = replace(kept, session=replace(kept.session, device="Firefox on Windows"))

    (message,) = await post.tell("session.ended", ada, device, REUSED)

    assert f"Firefox on Windows, address {ADA.ip_address}." in words_of(message)


async def test_a_device_that_is_known_is_not_told(post: Post) -> None:
    ada = await post.account()
    first, second = await signed_in(post.world, ada), await signed_in(post.world, ada)

    assert await post.tell("session.started", ada, first) == []
    assert await post.tell("session.started", ada, second) == []


async def test_a_session_that_took_the_place_of_another_is_not_told(post: Post) -> None:
    """Changing the password opens a session; the change itself is told."""
    ada = await post.account()
    await signed_in(post.world, ada)
    device = await signed_in(post.world, ada, origin=Origin(ip_address="198.51.100.7"))

    assert await post.tell("session.started", ada, device, {"reason": "password_changed"}) == []


async def test_a_session_that_is_gone_by_then_is_not_told(post: Post) -> None:
    ada = await post.account()
    device = await signed_in(post.world, ada)
    del post.world.store.rows.sessions[device.session.id]

    assert await post.tell("session.started", ada, device) == []


async def test_s16_an_address_that_nobody_proved_is_told_nothing(post: Post) -> None:
    """S16: it may be a stranger's, who has no account here."""
    assert await post.tell("password.changed", await post.account(verified=False)) == []


async def test_an_account_that_is_gone_is_told_nothing(post: Post) -> None:
    ada = await post.account()
    del post.world.store.rows.users[ada.user.id]

    assert await post.tell("password.changed", ada) == []


async def test_an_owner_who_is_disabled_is_told(post: Post) -> None:
    ada = await post.account()
    await post.world.disable(ada.user.id)

    assert len(await post.tell("user.disabled", ada)) == 1


async def test_what_is_switched_off_is_not_told(post: Post) -> None:
    """Also when it happened before that."""
    post.wanted = (MailKind.NEW_DEVICE,)

    assert await post.tell("password.changed", await post.account()) == []


async def test_d08_of_one_kind_three_an_hour_are_told(post: Post) -> None:
    """D08: somebody who signs in from a hundred places floods no mailbox."""
    ada = await post.account()
    for _ in range(5):
        await post.tell("password.changed", ada)

    assert len(post.mailer.messages) == 3
