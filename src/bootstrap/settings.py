"""The settings: every one an environment variable ``CRM_AUTH_...``, read here and nowhere else.

Any of them may be kept in a file instead, named by the same variable with ``_FILE`` behind it. One that is unknown
is refused with its name, because a misspelt setting is a setting that is silently off.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from domain.accounts.signup_policy import CLOSED, OPEN, SignupPolicy
from domain.errors import InvalidValue
from infrastructure.passwords.argon2 import Argon2Parameters
from infrastructure.tokens.secret_keys import weak_secret

T = TypeVar("T")
Network = IPv4Network | IPv6Network

PREFIX = "CRM_AUTH_"
_FILE = "_FILE"
_SERVICE_LINK = re.compile(r"CRM_AUTH_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
"""What Kubernetes puts into every container when a service is named crm-auth."""


class SettingsError(ValueError):
    """The settings are not acceptable; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _text(value: str) -> str:
    return value


def _switch(value: str) -> bool:
    if value not in {"on", "off"}:
        raise ValueError("must be on or off")
    return value == "on"


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return parse


def _seconds(low: int, high: int) -> Callable[[str], timedelta]:
    parse_integer = _integer(low, high)
    return lambda value: timedelta(seconds=parse_integer(value))


def _public_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("must be an http or https URL without user, query and fragment")
    return value.rstrip("/")


def _database_url(value: str) -> str:
    if urlsplit(value).scheme not in {"postgresql", "postgres"}:
        raise ValueError("must be a postgresql:// URL")
    return value


def _secret_keys(value: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in value.split(","))
    for position, key in enumerate(keys, start=1):
        if reason := weak_secret(key):
            which = f"value {position} of it " if len(keys) > 1 else ""
            raise ValueError(f"{which}{reason}; `openssl rand -base64 48` makes a good one")
    return keys


def _signup(value: str) -> SignupPolicy:
    if value in {"open", "closed"}:
        return OPEN if value == "open" else CLOSED
    kind, _, names = value.partition(":")
    domains = frozenset(_domain(name.strip()) for name in names.split(",") if name.strip())
    if kind != "domains" or not domains:
        raise ValueError("must be open, closed, or domains:example.com,example.org")
    return SignupPolicy(domains)


def _domain(name: str) -> str:
    """As addresses have it in their canonical form."""
    from infrastructure.identifiers import parse_email_address  # noqa: PLC0415 - heavy, and seldom needed

    try:
        return parse_email_address(f"anybody@{name}").domain
    except InvalidValue:
        raise ValueError(f"names {name!r}, which is no domain of e-mail addresses") from None


def _networks(value: str) -> tuple[Network, ...]:
    try:
        return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
    except ValueError as error:
        raise ValueError(f"must be a list of CIDR networks: {error}") from None


def setting(default: Any, parse: Callable[[str], Any], meaning: str, *, secret: bool = False) -> Any:
    """A field of :class:`Settings`: its default, how its text is read, what it means, whether it is masked."""
    return field(default=default, repr=not secret, metadata={"parse": parse, "meaning": meaning, "secret": secret})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is in force; the variable of a field is its name in upper case behind ``CRM_AUTH_``."""

    database_url: str | None = setting(
        None, _database_url, "postgresql://user:password@host/database; without it an embedded PostgreSQL", secret=True
    )
    database_pool_size: int = setting(10, _integer(1, 200), "connections of each worker process")
    database_start_timeout: timedelta = setting(
        timedelta(seconds=30), _seconds(0, 3600), "seconds to wait at start for a database that is late"
    )
    database_pgbouncer: bool = setting(False, _switch, "on behind a transaction pooler: no prepared statements")
    database_admin_url: str | None = setting(
        None, _database_url, "for `crm-auth db init` alone: whoever may make roles and databases", secret=True
    )
    data_dir: Path = setting(Path("crm-auth-data"), Path, "state of the embedded default: database and secrets")
    postgres_bin: Path | None = setting(None, Path, "folder of the PostgreSQL programs for the embedded default")
    secret_key: tuple[str, ...] = setting(
        (), _secret_keys, "seals what is kept and authenticates refresh tokens; several by comma, newest first",
        secret=True,
    )  # fmt: skip
    public_url: str = setting("http://127.0.0.1:8000", _public_url, "where clients reach this service; the issuer")
    audience: str | None = setting(None, _text, "aud of access tokens; the public URL if not given")
    client_id: str = setting("first-party", _text, "client_id of access tokens")
    signup: SignupPolicy = setting(OPEN, _signup, "open, closed, or domains:example.com,example.org")
    password_min_length: int = setting(15, _integer(8, 64), "code points; 8 is for passwords beside a second factor")
    access_token_lifetime: timedelta = setting(timedelta(minutes=5), _seconds(30, 900), "seconds")
    session_idle_lifetime: timedelta = setting(timedelta(hours=1), _seconds(60, 31_536_000), "seconds unused")
    session_lifetime: timedelta = setting(timedelta(hours=24), _seconds(60, 31_536_000), "seconds at all")
    remembered_session_idle_lifetime: timedelta = setting(
        timedelta(days=14), _seconds(60, 31_536_000), "the same with `remember`"
    )
    remembered_session_lifetime: timedelta = setting(
        timedelta(days=90), _seconds(60, 31_536_000), "the same with `remember`"
    )
    argon2_memory_kib: int = setting(19_456, _integer(7_168, 4_194_304), "memory of one password check, in KiB")
    argon2_time_cost: int = setting(2, _integer(1, 100), "passes over that memory")
    hash_workers: int | None = setting(
        None, _integer(1, 256), "password checks at once in each worker process; its share of the processor cores"
    )
    hash_queue: int | None = setting(None, _integer(0, 10_000), "password checks that may wait; 16 for each at work")
    trusted_proxies: tuple[Network, ...] = setting(
        (), _networks, "CIDR networks whose X-Forwarded-For counts, read right to left"
    )
    rate_limits: bool = setting(True, _switch, "off for load tests only")
    docs: bool = setting(True, _switch, "the docs page")
    log_level: str = setting("info", str.lower, "debug, info, warning or error")
    log_format: str = setting("auto", str.lower, "json, console, or auto: console on a terminal")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read them. Raises SettingsError with a sentence for every problem there is."""
        given, problems = _given(environment)
        values: dict[str, Any] = {}
        for item in fields(cls):
            name = variable(item.name)
            if name in given:
                try:
                    values[item.name] = item.metadata["parse"](given[name])
                except ValueError as error:
                    problems.append(f"{name} {error}.")
        if not problems:
            settings = cls(**values)
            problems += settings._contradictions()
            if not problems:
                return settings
        raise SettingsError(problems)

    @property
    def is_embedded(self) -> bool:
        """Whether the database is the one beneath the data folder."""
        return self.database_url is None

    def _contradictions(self) -> list[str]:
        problems = []
        if not self.is_embedded and not self.secret_key:
            # C01: without it nothing sealed in that database could be read by the next start or the next node.
            problems.append(
                "CRM_AUTH_SECRET_KEY is missing: an external database demands one; `openssl rand -base64 48` makes it."
            )
        if self.log_level not in {"debug", "info", "warning", "error"}:
            problems.append("CRM_AUTH_LOG_LEVEL must be debug, info, warning or error.")
        if self.log_format not in {"json", "console", "auto"}:
            problems.append("CRM_AUTH_LOG_FORMAT must be json, console or auto.")
        try:
            Argon2Parameters(memory=self.argon2_memory_kib, passes=self.argon2_time_cost)
        except ValueError as error:
            # Here rather than at the first sign-in, which would fail, and every one after it.
            problems.append(f"CRM_AUTH_ARGON2_MEMORY_KIB and CRM_AUTH_ARGON2_TIME_COST: {error}")
        return problems


def variable(field_name: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field_name.upper()


def _given(environment: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The settings that are given, those kept in files included, and what is wrong with how they are given."""
    known = {variable(item.name) for item in fields(Settings)}
    given: dict[str, str] = {}
    problems: list[str] = []
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or _SERVICE_LINK.fullmatch(name):
            continue
        base = name.removesuffix(_FILE)
        if base not in known:
            problems.append(f"{name} is not a setting of this version.")
        elif base in given:
            problems.append(f"{base} and {base}{_FILE} are both given.")
        elif base == name:
            given[base] = value
        else:
            try:
                given[base] = _secret_from(Path(value))
            except (OSError, ValueError) as error:
                problems.append(f"{name}: {error}.")
    return {name: value for name, value in given.items() if value != ""}, problems


def _secret_from(path: Path) -> str:
    """The file's text without the line end. A secret that everybody on the machine can read is none (C01)."""
    if path.stat().st_mode & 0o004:
        raise ValueError(f"{path} is readable by everybody; set its mode to 0600 or 0640")
    return path.read_text(encoding="utf-8").rstrip("\r\n")
