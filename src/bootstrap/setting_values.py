"""How the texts of settings are read: each of these gives the value, or raises ValueError with what it must be.

The message goes on where the name of the setting ends, as in "must be on or off".
"""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from urllib.parse import urlsplit

from domain.accounts.signup_policy import CLOSED, OPEN, SignupPolicy
from domain.errors import InvalidValue
from domain.mail.kinds import NOTICES, MailKind
from infrastructure.mail.smtp_server import SmtpServer
from infrastructure.photos.store_url import photo_store
from infrastructure.tokens.secret_keys import weak_secret

Network = IPv4Network | IPv6Network

_METRICS_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{32,}=*")
"""As RFC 6750 2.1 has bearer tokens."""
_NAME_OR_ADDRESS = r"([a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])"
_HOST = re.compile(rf"{_NAME_OR_ADDRESS}(:[0-9]{{1,5}})?")
_ORIGIN = re.compile(rf"(?P<scheme>https?)://{_NAME_OR_ADDRESS}(:(?P<port>[0-9]{{1,5}}))?")
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN_ADDRESS = re.compile(rf"{_ATOM}(\.{_ATOM})*@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
"""RFC 5321 4.1.2 without quoted strings and address literals; also with a domain without a dot, as inside a network."""
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def text(value: str) -> str:
    return value


def line(value: str) -> str:
    if not value.isprintable():
        raise ValueError("must be one line of printable text")
    return value


def switch(value: str) -> bool:
    if value not in {"on", "off"}:
        raise ValueError("must be on or off")
    return value == "on"


def password_scheme(value: str) -> str:
    if value not in {"argon2id", "bcrypt"}:
        raise ValueError("must be argon2id or bcrypt")
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def seconds(low: int, high: int) -> Callable[[str], timedelta]:
    parse_integer = integer(low, high)
    return lambda value: timedelta(seconds=parse_integer(value))


def public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an http or https URL without user, query and fragment")
    if not parts.netloc.isascii():
        # Mails could be from no address at it, and browsers compare with the other form.
        raise ValueError("has a host outside ASCII; write it in its IDNA form, as https://xn--bcher-kva.example")
    if not _HOST.fullmatch(parts.netloc.lower()):
        raise ValueError("has a host that is none; it is a name as auth.example.com, or one with a port")
    return value.rstrip("/")


def database_url(value: str) -> str:
    if urlsplit(value).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must be a postgresql:// URL")
    return value


def mail_url(value: str) -> str:
    if urlsplit(value).scheme != "file":
        SmtpServer.from_url(value)
    return value


def photo_url(value: str) -> str:
    photo_store(value)
    return value


def audit_heads(value: str) -> str:
    parts = urlsplit(value)
    if value != "log" and (parts.scheme != "file" or parts.netloc or not parts.path.strip("/")):
        raise ValueError("must be log or file:///folder")
    return value


def secret_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(","))
    for position, key in enumerate(keys, start=1):
        if reason := weak_secret(key):
            which = f"value {position} of it " if len(keys) > 1 else ""
            raise ValueError(f"{which}{reason}; `openssl rand -base64 48` makes a good one")
    return keys


def signup(value: str) -> SignupPolicy:
    if value in {"open", "closed"}:
        return OPEN if value == "open" else CLOSED
    kind, _, names = value.partition(":")
    domains = frozenset(_domain(name.strip()) for name in names.split(",") if name.strip())
    if kind != "domains" or not domains:
        raise ValueError("must be open, closed, or domains:example.com,example.org")
    return SignupPolicy(domains)


def signup_answer(value: str) -> str:
    if value not in {"plain", "neutral"}:
        raise ValueError("must be plain or neutral")
    return value


def _domain(name: str) -> str:
    """As addresses have it in their canonical form."""
    from infrastructure.identifiers import parse_email_address  # noqa: PLC0415 - heavy, and seldom needed

    try:
        return parse_email_address(f"anybody@{name}").domain
    except InvalidValue:
        raise ValueError(f"names {name!r}, which is no domain of e-mail addresses") from None


def stuffing(value: str) -> str:
    if value not in {"on", "tell", "off"}:
        raise ValueError("must be on, tell or off")
    return value


def email(value: str) -> str:
    from infrastructure.identifiers import parse_email_address  # noqa: PLC0415 - heavy, and seldom needed

    try:
        parse_email_address(value)
    except InvalidValue:
        raise ValueError("must be an e-mail address") from None
    return value


def sender(value: str) -> str:
    if not _PLAIN_ADDRESS.fullmatch(value):
        raise ValueError(
            "must be one plain e-mail address, as no-reply@example.com, in ASCII and without a name beside it;"
            " the name is CRM_AUTH_MAIL_SERVICE_NAME"
        )
    return value


def notices(value: str) -> tuple[MailKind, ...]:
    if value in {"all", "none"}:
        return NOTICES if value == "all" else ()
    by_name = {kind.value: kind for kind in NOTICES}
    names = [name.strip() for name in value.split(",")]
    if unknown := [name for name in names if name not in by_name]:
        raise ValueError(f"names {unknown[0]!r}; must be all, none, or a list by comma of {', '.join(by_name)}")
    return tuple(by_name[name] for name in names)


def networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"must be a list of CIDR networks: {error}") from None


def metrics_token(value: str) -> str:
    if not _METRICS_TOKEN.fullmatch(value):
        raise ValueError("must be at least 32 letters and digits (-._~+/ too); `openssl rand -base64 48` makes one")
    return value


def _listed(value: str, read: Callable[[str], str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(read(part.strip()) for part in value.split(",") if part.strip()))


def origins(value: str) -> tuple[str, ...]:
    return _listed(value, _origin)


def _origin(text: str) -> str:
    """H04: as browsers send it, so that it can be compared as it stands. There is no pattern and no `*` or `null`."""
    match = _ORIGIN.fullmatch(text)
    if match is None:
        raise ValueError(f"names {text!r}; an origin is a scheme and a host, as https://app.example.com, and no more")
    if _DEFAULT_PORTS[match["scheme"]] == match["port"]:
        raise ValueError(f"names {text!r}; browsers leave out the port {match['port']} there")
    return text


def hosts(value: str) -> tuple[str, ...]:
    return _listed(value, _host)


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        raise ValueError(f"names {text!r}; a host is a name as auth.example.com, in lower case, or one with a port")
    return text
