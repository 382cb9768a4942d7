"""However often a mail is tried, it leaves one token, and a mail that did arrive has a link that works."""

from dataclasses import dataclass, field

import pytest

from application.mail.ports import Mail
from application.recovery import unsent_tokens
from application.recovery.confirm_email_verification import EmailVerification
from application.recovery.unsent_tokens import UnsentTokens
from domain.errors import InvalidInput, ServiceUnavailable
from domain.mail.kinds import MailKind
from domain.recovery.one_time_token import TokenPurpose
from infrastructure.mail.message import Sender
from tests.support.builders import ADA, MALLORY
from tests.support.fakes import FakeMailer, FakeOneTimeTokenCodec, parse_email
from tests.support.post import Post, recorded
from tests.support.service import PASSWORD, Service, caller_of, registration

OLD, NEXT = "Ada@Example.com", "Countess@Example.com"
ATTEMPTS = 5
MAILS = {
    MailKind.RESET_PASSWORD: (TokenPurpose.PASSWORD_RESET, OLD),
    MailKind.VERIFY_EMAIL: (TokenPurpose.EMAIL_VERIFICATION, OLD),
    MailKind.CONFIRM_NEW_EMAIL: (TokenPurpose.NEW_EMAIL, NEXT),
    MailKind.EMAIL_CHANGE_REQUESTED: (TokenPurpose.ACCOUNT_FREEZE, OLD),
    MailKind.CONFIRM_SIGN_UP: (TokenPurpose.SIGN_UP, OLD),
    MailKind.NEW_EMAIL_UNPROVEN: (TokenPurpose.EMAIL_VERIFICATION, NEXT),
}


@dataclass
class FailingMailer(FakeMailer):
    """Fails with mails of one kind; ``takes`` them even so, when it is their answer that is lost."""

    sender: Sender = field(default_factory=lambda: Sender(address="no-reply@auth.example"))
    fails_with: MailKind | None = None
    takes: bool = False

    async def send(self, mail: Mail) -> str | None:
        fails = self.fails_with is not None and mail.id.endswith(f".{self.fails_with.value}")
        if self.takes or not fails:
            await super().send(mail)
        if fails:
            raise ServiceUnavailable
        return None


@pytest.fixture
def mailer() -> FailingMailer:
    return FailingMailer()


@pytest.fixture
def post(service: Service, mailer: FailingMailer) -> Post:
    return Post(service, mailer)


async def cause(post: Post, kind: MailKind) -> None:
    """Have a mail of the kind written, once more with each delivery."""
    if kind is MailKind.CONFIRM_SIGN_UP:
        await post.service.request_sign_up(registration(), ADA)
        await post.deliver()
    elif kind is MailKind.VERIFY_EMAIL:
        await post.service.sign_up()
        await post.deliver()
    elif kind is MailKind.RESET_PASSWORD:
        await post.service.sign_up()
        await post.ask_for_reset(OLD)
    else:
        await post.service.sign_up()
        await post.deliver()
        given = EmailVerification(token=post.tokens(MailKind.VERIFY_EMAIL)[-1], password=PASSWORD)
        await post.verify(given, None, ADA)
        if kind is MailKind.NEW_EMAIL_UNPROVEN:
            await post.service.register_user(registration(email=NEXT, username="Countess"), MALLORY)
            await post.deliver()
            post.service.world.store.rows.one_time_tokens.clear()
        await post.ask_for_address(caller_of(await post.service.sign_in()), NEXT)


async def fail(post: Post, mailer: FailingMailer, kind: MailKind) -> None:
    mailer.fails_with = kind
    with pytest.raises(ServiceUnavailable):
        await cause(post, kind)
    for _ in range(ATTEMPTS - 1):
        with pytest.raises(ServiceUnavailable):
            await post.deliver()


def tokens_that_are_out(post: Post, purpose: TokenPurpose) -> int:
    rows = post.service.world.store.rows
    of_users = [each for each in rows.one_time_tokens.values() if each.purpose is purpose]
    return len(of_users) + sum(len(each.digests) for each in rows.sign_ups.values())


async def works(post: Post, text: str) -> bool:
    token, world = post.service.codec.parse(text), post.service.world
    repository = world.sign_ups if token.purpose is TokenPurpose.SIGN_UP else world.one_time_tokens
    return await repository.redeemable(token) is not None


@pytest.mark.parametrize("kind", MAILS)
async def test_p05_x03_a_mail_that_is_tried_again_and_again_leaves_one_token(
    post: Post, mailer: FailingMailer, kind: MailKind
) -> None:
    """P05, X03."""
    purpose, to = MAILS[kind]
    await fail(post, mailer, kind)
    assert tokens_that_are_out(post, purpose) == 1

    mailer.fails_with = None
    await post.deliver()

    [text] = post.tokens(kind, to)
    assert await works(post, text)
    assert tokens_that_are_out(post, purpose) == 1


@pytest.mark.parametrize("kind", MAILS)
async def test_x03_a_mail_whose_answer_was_lost_has_the_link_of_its_repeats(
    post: Post, mailer: FailingMailer, kind: MailKind
) -> None:
    """X03: whichever of those with one Message-ID a mailbox keeps."""
    mailer.takes = True
    await fail(post, mailer, kind)

    texts = post.tokens(kind, MAILS[kind][1])
    assert len(texts) == ATTEMPTS
    assert len(set(texts)) == 1
    assert await works(post, texts[0])


async def test_p05_a_link_that_was_used_meanwhile_stays_used(post: Post, mailer: FailingMailer) -> None:
    """P05: the mail had arrived. Its repeat has another link, as one that is sent anew has."""
    mailer.takes = True
    await fail(post, mailer, MailKind.RESET_PASSWORD)
    used = post.tokens(MailKind.RESET_PASSWORD)[-1]
    await post.reset(used)

    mailer.fails_with = None
    await post.deliver()

    another = post.tokens(MailKind.RESET_PASSWORD)[-1]
    assert another != used
    assert await works(post, another)
    with pytest.raises(InvalidInput):
        await post.reset(used)


async def test_a_worker_that_was_started_anew_makes_one_more_and_both_work(post: Post, mailer: FailingMailer) -> None:
    mailer.takes = True
    await fail(post, mailer, MailKind.RESET_PASSWORD)
    post.unsent = UnsentTokens()

    mailer.fails_with = None
    await post.deliver()

    texts = set(post.tokens(MailKind.RESET_PASSWORD))
    assert len(texts) == tokens_that_are_out(post, TokenPurpose.PASSWORD_RESET) == 2
    assert all([await works(post, text) for text in texts])


@pytest.mark.parametrize("kind", MAILS)
async def test_what_is_sent_is_forgotten(post: Post, mailer: FailingMailer, kind: MailKind) -> None:
    await fail(post, mailer, kind)
    assert post.unsent != UnsentTokens()

    mailer.fails_with = None
    await post.deliver()

    assert post.unsent == UnsentTokens()


@pytest.mark.parametrize("to", ["ada@example.com", "countess@example.com"])
def test_p11_a_mail_to_another_address_is_another(to: str) -> None:
    """P11."""
    unsent, told = UnsentTokens(), recorded("password_reset.requested")
    new = FakeOneTimeTokenCodec().new(TokenPurpose.PASSWORD_RESET)
    unsent.keep(told, parse_email("Ada@Example.com"), new)

    found = unsent.find(told, TokenPurpose.PASSWORD_RESET, parse_email(to))

    assert found == (new if to == "ada@example.com" else None)


def test_there_is_a_most_to_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unsent_tokens, "MOST", 4)
    unsent, codec, to = UnsentTokens(), FakeOneTimeTokenCodec(), parse_email("ada@example.com")
    told = [recorded("password_reset.requested") for _ in range(20)]
    for event in told:
        unsent.keep(event, to, codec.new(TokenPurpose.PASSWORD_RESET))

    kept = [event for event in told if unsent.find(event, TokenPurpose.PASSWORD_RESET, to)]
    assert 2 <= len(kept) <= 4
    assert told[-1] in kept

    for _ in range(4):
        unsent.keep(told[-1], to, codec.new(TokenPurpose.PASSWORD_RESET))
    assert [event for event in told if unsent.find(event, TokenPurpose.PASSWORD_RESET, to)] == kept
