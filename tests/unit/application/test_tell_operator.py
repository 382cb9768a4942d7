"""The mail to the operator about credential stuffing."""

from dataclasses import dataclass, field, replace
from typing import Any

from application.stuffing.tell_operator import TellOperator
from domain.events import RecordedEvent
from domain.mail.kinds import VALUES, MailKind
from domain.stuffing.events import RECOGNISED
from tests.support.builders import NOON, new_id
from tests.support.fakes import parse_email

TIME = "1 January 2030 at 12:00 (UTC)"
OPERATOR = parse_email("operator@example.test")


@dataclass
class Sent:
    mails: list[tuple[Any, ...]] = field(default_factory=list)

    async def __call__(self, *given: Any) -> None:
        self.mails.append(given)


def event() -> RecordedEvent:
    return RecordedEvent(
        id=new_id(), type=RECOGNISED, occurred_at=NOON, user_id=None, session_id=None, ip_address="203.0.113.7",
        user_agent=None, request_id=None,
        data={"kind": "one_source", "failed": "90", "accounts": "80", "sources": "1"},
    )  # fmt: skip


async def test_the_operator_is_told_of_counts_and_the_source() -> None:
    sent = Sent()
    told = event()
    assert await TellOperator(to=OPERATOR, send_mail=sent)(told) is None  # type: ignore[arg-type]
    [(kind, about, to, locale, values)] = sent.mails
    assert (kind, about, to, locale) == (MailKind.CREDENTIAL_STUFFING, told, OPERATOR, None)
    assert values.keys() == VALUES[kind]
    assert values == {
        "failed": "90", "accounts": "80", "sources": "1", "ip_address": "203.0.113.7", "time": TIME,
    }  # fmt: skip


async def test_without_an_address_nobody_is() -> None:
    sent = Sent()
    assert await TellOperator(to=None, send_mail=sent)(event()) is None  # type: ignore[arg-type]
    assert sent.mails == []


async def test_what_is_not_known_is_left_empty() -> None:
    """As the source is of an attack from many."""
    sent = Sent()
    told = replace(event(), ip_address=None, data={"kind": "many_sources"})
    assert await TellOperator(to=OPERATOR, send_mail=sent)(told) is None  # type: ignore[arg-type]
    [(*_, values)] = sent.mails
    assert values == dict.fromkeys(("failed", "accounts", "sources", "ip_address"), "") | {"time": TIME}
