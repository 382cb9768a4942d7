"""A mail as RFC 5322 writes it."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from application.mail.ports import Mail
from domain.accounts.identifiers import EmailAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who mails are from: an address, and the name to show beside it."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        """What message ids end in."""
        return self.address.rpartition("@")[2]


def message_of(mail: Mail, sender: Sender, now: datetime) -> EmailMessage:
    """The message, text before HTML (RFC 2046 5.1.4).

    Headers are set through the library's registry, which raises ValueError for CR and LF: no value adds a recipient
    or a header (S09). An address goes in as its two parts, so that nothing in it is read as a display name.
    """
    to = deliverable(mail.to)
    policy = SMTP if to.isascii() else SMTPUTF8
    message = EmailMessage(policy=policy)
    message["From"] = Address(display_name=sender.name, addr_spec=sender.address)
    message["To"] = _address(to, is_ascii=to.isascii())
    message["Subject"] = mail.content.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{mail.id}@{sender.domain}>"
    # RFC 3834 5: no out-of-office answers, no loops.
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.content.text)
    message.add_alternative(mail.content.html, subtype="html")
    message["Content-Language"] = mail.content.language
    return message


def deliverable(to: EmailAddress) -> str:
    """As any mail server takes it: the domain in A-labels, so that only a local part can need SMTPUTF8 (RFC 6531)."""
    local_part, _, _ = to.original.rpartition("@")
    _, _, ascii_domain = to.canonical.rpartition("@")
    return to.original if to.original.isascii() else f"{local_part}@{ascii_domain}"


def _address(text: str, *, is_ascii: bool) -> Address:
    local_part, _, domain = text.rpartition("@")
    # Address() itself reads an addr-spec as ASCII only; parts are taken as they are.
    return Address(addr_spec=text) if is_ascii else Address(username=local_part, domain=domain)
