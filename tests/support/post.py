"""The service in memory with its mail: what is recorded is delivered, and what was written can be read."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from application.accounts.erase_account import EraseAccount
from application.mail.send_mail import SendMail
from application.origin import Origin
from application.outbox.ports import Subscriber
from application.recovery.confirm_email_verification import ConfirmEmailVerification
from application.recovery.confirm_password_reset import PasswordReset
from application.recovery.email_change_notice import EmailChangeNotice
from application.recovery.email_verification_mail import EmailVerificationMail
from application.recovery.freeze_account import FreezeAccount
from application.recovery.issue_token import IssueToken
from application.recovery.new_email_mail import NewEmailMail
from application.recovery.password_reset_mail import PasswordResetMail
from application.recovery.reject_email_verification import RejectEmailVerification
from application.recovery.request_email_change import EmailChangeRequest, RequestEmailChange
from application.recovery.request_email_verification import RequestEmailVerification
from application.recovery.request_password_reset import RequestPasswordReset
from application.recovery.unsent_tokens import UnsentTokens
from application.sessions.ports import Caller
from application.sign_ups.reject_sign_up import RejectSignUp
from application.sign_ups.sign_up_mail import SignUpMail
from domain.events import RecordedEvent
from domain.mail.kinds import MailKind
from infrastructure.mail.message import Sender
from tests.support.builders import ADA, new_id
from tests.support.fakes import FakeMailer, FakeMailWriter, MemoryMailAllowance, parse_email
from tests.support.service import PASSWORD, Service

PUBLIC_URL = "https://auth.example/team"
NEW = "the next password of ada"


@dataclass
class Post:
    """The service with its mail: ``deliver`` brings what has been recorded to whoever is told of it."""

    service: Service
    mailer: FakeMailer = field(default_factory=lambda: FakeMailer(Sender(address="no-reply@auth.example")))
    allowance: MemoryMailAllowance = field(default_factory=MemoryMailAllowance)
    delivered: int = 0
    unsent: UnsentTokens = field(default_factory=UnsentTokens)
    ids: defaultdict[int, UUID] = field(default_factory=lambda: defaultdict(new_id))
    """Of the events, by their place: an event that is told again is the same."""

    @property
    def subscribers(self) -> list[Subscriber]:
        service = self.service
        made_of = {
            "users": service.world.directory,
            "issue": IssueToken(codec=service.codec, unit_of_work=service.world.unit_of_work, unsent=self.unsent),
            "send_mail": SendMail(mailer=self.mailer, writer=FakeMailWriter(), allowance=self.allowance),
            "public_url": PUBLIC_URL,
        }
        changes = {"changes": service.world.email_changes}
        return [
            PasswordResetMail(**made_of),  # type: ignore[arg-type]  # one dict
            EmailVerificationMail(**made_of),  # type: ignore[arg-type]
            NewEmailMail(**made_of, **changes),  # type: ignore[arg-type]
            EmailChangeNotice(**made_of, **changes),  # type: ignore[arg-type]
            SignUpMail(
                sign_ups=service.world.sign_ups,
                codec=service.codec,
                unit_of_work=service.world.unit_of_work,
                unsent=self.unsent,
                send_mail=SendMail(mailer=self.mailer, writer=FakeMailWriter(), allowance=self.allowance),
                public_url=PUBLIC_URL,
            ),
        ]

    async def deliver(self) -> None:
        events = await self.service.world.events()
        for place, event in enumerate(events[self.delivered :], start=self.delivered):
            for subscriber in self.subscribers:
                if event.type in subscriber.topics:
                    told = recorded(event.type, id=self.ids[place], user_id=event.user_id, data=event.data)
                    assert await subscriber(told) is None
            self.delivered = place + 1

    def tokens(self, kind: MailKind, to: str = "Ada@Example.com") -> list[str]:
        mails = [each for each in self.mailer.messages if each["subject"] == kind.value and each["to"] == to]
        return [parse_qs(urlsplit(link_in(each)).query)["token"][0] for each in mails]

    async def ask_for_reset(self, email: str) -> None:
        ask = RequestPasswordReset(
            requests=self.service.world.recovery_requests,
            unit_of_work=self.service.world.unit_of_work,
            parse_email=parse_email,
        )
        await ask(email, ADA)
        await self.deliver()

    async def ask_for_verification(self, email: str) -> None:
        ask = RequestEmailVerification(
            requests=self.service.world.recovery_requests,
            unit_of_work=self.service.world.unit_of_work,
            parse_email=parse_email,
        )
        await ask(email, ADA)
        await self.deliver()

    @property
    def verify(self) -> ConfirmEmailVerification:
        return ConfirmEmailVerification(
            codec=self.service.codec,
            tokens=self.service.world.one_time_tokens,
            attempts=self.service.world.attempts,
            hasher=self.service.hasher,
            unit_of_work=self.service.world.unit_of_work,
            confirm_sign_up=self.service.confirm_sign_up,
        )

    async def reject(self, token: str) -> None:
        reject = RejectEmailVerification(
            codec=self.service.codec,
            tokens=self.service.world.one_time_tokens,
            unit_of_work=self.service.world.unit_of_work,
            erase_account=EraseAccount(self.service.discard_photo),
            reject_sign_up=RejectSignUp(
                sign_ups=self.service.world.sign_ups, unit_of_work=self.service.world.unit_of_work
            ),
        )
        await reject(token, ADA)

    async def ask_for_address(
        self, caller: Caller, new_email: str, password: str = PASSWORD, origin: Origin = ADA
    ) -> None:
        ask = RequestEmailChange(
            reauthentications=self.service.world.reauthentications,
            confirm_password=self.service.confirm_password,
            requests=self.service.world.recovery_requests,
            unit_of_work=self.service.world.unit_of_work,
            parse_email=parse_email,
            new_id=new_id,
        )
        await ask(caller, EmailChangeRequest(new_email=new_email, password=password), origin)
        await self.deliver()

    @property
    def freeze_account(self) -> FreezeAccount:
        return FreezeAccount(
            codec=self.service.codec,
            tokens=self.service.world.one_time_tokens,
            users=self.service.world.directory,
            hasher=self.service.hasher,
            unit_of_work=self.service.world.unit_of_work,
            erase_account=EraseAccount(self.service.discard_photo),
        )

    async def reset(self, token: str) -> None:
        await self.service.confirm_password_reset(PasswordReset(token=token, new_password=NEW), ADA)


def link_in(message: object) -> str:
    body = message.get_body(("plain",)).get_content()  # type: ignore[attr-defined]
    return str(next(line for line in body.splitlines() if line.startswith("link: "))).removeprefix("link: ")


def recorded(kind: str, **changes: object) -> RecordedEvent:
    """An event as subscribers are told of it."""
    given: dict[str, object] = {"id": new_id(), "user_id": None, "data": {}}
    return RecordedEvent(
        type=kind, occurred_at=datetime.now(UTC), session_id=None, ip_address=None, user_agent=None, request_id=None,
        **(given | changes),  # type: ignore[arg-type]  # the tests name fields
    )  # fmt: skip
