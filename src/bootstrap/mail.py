"""Mail as the settings ask for it."""

import logging
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from application.mail.ports import Mailer
from application.ports import Clock
from bootstrap.settings import Settings
from infrastructure.mail.files import FileMailer
from infrastructure.mail.message import Sender
from infrastructure.mail.smtp import SmtpMailer
from infrastructure.mail.smtp_server import SmtpServer
from infrastructure.mail.texts import TemplateMailWriter

log = logging.getLogger("crm_auth.mail")

_FOLDER = "mail"


def mailer_of(settings: Settings, clock: Clock) -> Mailer:
    """Where mail goes: a server, or a folder."""
    sender = Sender(address=settings.mail_from or f"no-reply@{_mail_domain(settings)}", name=_service_name(settings))
    if settings.mail_url is None:
        return FileMailer(settings.data_dir / _FOLDER, sender, clock)
    parts = urlsplit(settings.mail_url)
    if parts.scheme == "file":
        return FileMailer(Path(unquote(parts.path)), sender, clock)
    return SmtpMailer(SmtpServer.from_url(settings.mail_url), sender, clock)


def mail_writer_of(settings: Settings) -> TemplateMailWriter:
    """What mails say. Raises ValueError for a template that cannot be used."""
    if settings.mail_templates is not None and not settings.mail_templates.is_dir():
        raise ValueError(f"CRM_AUTH_MAIL_TEMPLATES: {settings.mail_templates} is no folder")
    writer = TemplateMailWriter(service=_service_name(settings), folder=settings.mail_templates)
    writer.check()
    return writer


def tell_where_mail_goes(settings: Settings) -> None:
    """Mail that nobody carries on is to surprise nobody."""
    if settings.mail_url is None:
        log.warning("mail is written to %s and sent nowhere; set CRM_AUTH_MAIL_URL", settings.data_dir / _FOLDER)


def _host(settings: Settings) -> str:
    return urlsplit(settings.public_url).hostname or "localhost"


def _service_name(settings: Settings) -> str:
    return settings.mail_service_name or _host(settings)


def _mail_domain(settings: Settings) -> str:
    """The public URL's host, where that can stand behind an ``@``: an address of a machine cannot."""
    host = _host(settings)
    try:
        ip_address(host)
    except ValueError:
        return host
    return "localhost"
