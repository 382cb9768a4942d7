"""The settings: every one an environment variable ``CRM_AUTH_...``, read here and nowhere else.

Any of them may be kept in a file instead, named by the same variable with ``_FILE`` behind it. One that is unknown
is refused with its name, because a misspelt setting is a setting that is silently off.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from bootstrap import setting_values as read
from bootstrap.setting_values import Network
from domain.accounts.signup_policy import OPEN, SignupPolicy
from domain.mail.kinds import NOTICES, MailKind
from infrastructure.passwords.argon2 import Argon2Parameters
from infrastructure.passwords.bcrypt import DEFAULT_COST

T = TypeVar("T")
PREFIX = "CRM_AUTH_"
_FILE = "_FILE"
LOOPBACK: tuple[Network, ...] = (ip_network("127.0.0.0/8"), ip_network("::1"))
_THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})
_SERVICE_LINK = re.compile(r"CRM_AUTH_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_\w+)?)")
"""What Kubernetes puts into every container when a service is named crm-auth."""


class SettingsError(ValueError):
    """The settings are not acceptable; ``problems`` has a sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def setting(default: Any, parse: Callable[[str], Any], meaning: str, *, secret: bool = False, nothing: str = "") -> Any:
    """A field of :class:`Settings`: its default, how its text is read, what it means, whether it is masked.

    ``nothing`` is the word for an empty list, where there is one.
    """
    metadata = {"parse": parse, "meaning": meaning, "secret": secret, "nothing": nothing}
    return field(default=default, repr=not secret, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is in force; the variable of a field is its name in upper case behind ``CRM_AUTH_``."""

    database_url: str | None = setting(
        None,
        read.database_url,
        "postgresql://user:password@host/database; without it an embedded PostgreSQL",
        secret=True,
    )
    database_pool_size: int = setting(10, read.integer(1, 200), "connections of each worker process")
    database_start_timeout: timedelta = setting(
        timedelta(seconds=30), read.seconds(0, 3600), "seconds to wait at start for a database that is late"
    )
    database_pgbouncer: bool = setting(False, read.switch, "on behind a transaction pooler: no prepared statements")
    database_admin_url: str | None = setting(
        None, read.database_url, "for `crm-auth db init` alone: whoever may make roles and databases", secret=True
    )
    database_migration_url: str | None = setting(
        None,
        read.database_url,
        "as the owner of the tables, for `crm-auth db`; without it the service's role owns them",
        secret=True,
    )
    data_dir: Path = setting(Path("crm-auth-data"), Path, "state of the embedded default: database, secrets, photos")
    photo_url: str | None = setting(
        None, read.photo_url, "file:///folder or s3://bucket/prefix; the folder photos in the data folder if not given"
    )
    postgres_bin: Path | None = setting(None, Path, "folder of the PostgreSQL programs for the embedded default")
    secret_key: tuple[str, ...] = setting(
        (), read.secret_keys, "seals what is kept and authenticates refresh tokens; several by comma, newest first",
        secret=True,
    )  # fmt: skip
    public_url: str = setting("http://127.0.0.1:8000", read.public_url, "where clients reach this service; the issuer")
    audience: str | None = setting(None, read.text, "aud of access tokens; the public URL if not given")
    client_id: str = setting("first-party", read.text, "client_id of access tokens")
    signup: SignupPolicy = setting(OPEN, read.signup, "open, closed, or domains:example.com,example.org")
    signup_answer: str = setting(
        "plain", read.signup_answer, "plain, or neutral: mail tells whether the address is taken"
    )
    require_verified_email: bool = setting(
        False, read.switch, "whether an address is confirmed before the first sign-in"
    )
    self_deletion: bool = setting(True, read.switch, "whether people delete their own accounts")
    password_min_length: int = setting(
        15, read.integer(8, 64), "code points; 8 is for passwords beside a second factor"
    )
    breached_passwords: str = setting(
        "starter",
        read.text,
        "file made by `crm-auth passwords build-filter`, starter for the one that comes along, or off",
    )
    access_token_lifetime: timedelta = setting(timedelta(minutes=5), read.seconds(30, 900), "seconds")
    session_idle_lifetime: timedelta = setting(timedelta(hours=1), read.seconds(60, 31_536_000), "seconds unused")
    session_lifetime: timedelta = setting(timedelta(hours=24), read.seconds(60, 31_536_000), "seconds at all")
    remembered_session_idle_lifetime: timedelta = setting(
        timedelta(days=14), read.seconds(60, 31_536_000), "the same with `remember`"
    )
    remembered_session_lifetime: timedelta = setting(
        timedelta(days=90), read.seconds(60, 31_536_000), "the same with `remember`"
    )
    sessions_per_user: int = setting(
        50, read.integer(1, 1000), "live sessions of one user; the least recently used ends"
    )
    ended_sessions_kept: timedelta = setting(
        timedelta(days=7), read.seconds(0, 31_536_000), "seconds that sessions stay in the database after their end"
    )
    audit_kept: timedelta = setting(
        timedelta(days=400),
        read.seconds(2_592_000, 315_360_000),
        "seconds that the audit log goes back; 30 days at least",
    )
    audit_heads: str | None = setting(
        None,
        read.audit_heads,
        "where signed heads of the audit log go as well: file:///folder on other storage, or log",
    )
    password_scheme: str = setting(
        "argon2id", read.password_scheme, "argon2id or bcrypt, for new hashes; either is read, and adopted at sign-in"
    )
    bcrypt_cost: int = setting(DEFAULT_COST, read.integer(10, 14), "power of two of rounds, where bcrypt is the scheme")
    argon2_memory_kib: int = setting(19_456, read.integer(7_168, 4_194_304), "memory of one password check, in KiB")
    argon2_time_cost: int = setting(2, read.integer(1, 100), "passes over that memory")
    hash_workers: int | None = setting(
        None, read.integer(1, 256), "password checks at once in each worker process; its share of the processor cores"
    )
    hash_queue: int | None = setting(
        None, read.integer(0, 10_000), "password checks that may wait; 16 for each at work"
    )
    hash_wait: timedelta = setting(
        timedelta(seconds=1),
        read.seconds(1, 60),
        "seconds for which one may; who would wait longer is told to come back",
    )
    trusted_proxies: tuple[Network, ...] = setting(
        (), read.networks, "CIDR networks whose X-Forwarded-For counts, read right to left"
    )
    allowed_hosts: tuple[str, ...] = setting((), read.hosts, "values of Host that are answered; any by default")
    allowed_origins: tuple[str, ...] = setting(
        (), read.origins, "origins whose pages may call the service, as https://app.example.com; none by default"
    )
    request_timeout: timedelta = setting(
        timedelta(seconds=10), read.seconds(1, 300), "seconds for the head of a request, and for its body"
    )
    request_min_rate: int = setting(
        16 * 1024, read.integer(1, 1_073_741_824), "bytes of a body that give it one second more"
    )
    connections: int = setting(1000, read.integer(10, 100_000), "open connections of each worker process")
    mail_url: str | None = setting(
        None,
        read.mail_url,
        "smtp://user:password@host:587, smtps:// or file:///folder, a folder of data_dir by default",
        secret=True,
    )
    mail_from: str | None = setting(None, read.sender, "address that mails are from; no-reply at the public URL's host")
    mail_service_name: str | None = setting(None, read.line, "what mails call this service; the public URL's host")
    mail_templates: Path | None = setting(None, Path, "folder of texts and layouts that take the place of ours")
    notices: tuple[MailKind, ...] = setting(
        NOTICES, read.notices, "mail about an account's safety: all, none, or a list such as new_device", nothing="none"
    )
    worker: bool = setting(True, read.switch, "off where `crm-auth worker` runs apart")
    rate_limits: bool = setting(True, read.switch, "off for load tests only")
    sign_in_failures_per_account: int = setting(
        10, read.integer(1, 100), "wrong passwords in 10 minutes before waits grow; also of a source on one account"
    )
    sign_in_failures_per_device: int = setting(
        10, read.integer(1, 100), "the same on a device that signed in before, counted apart from everybody's"
    )
    sign_in_failures_per_source: int = setting(
        100,
        read.integer(1, 1_000_000),
        "wrong passwords in 10 minutes from one IPv4 address or IPv6 /64, on any account",
    )
    sign_in_failures_in_all: int = setting(
        6_000,
        read.integer(8, 100_000_000),
        "in 10 minutes; beyond it one failure each is all that sources and accounts get",
    )
    sign_in_longest_wait: timedelta = setting(
        timedelta(hours=1), read.seconds(60, 86_400), "seconds; up to this the waits behind wrong passwords grow"
    )
    device_lifetime: timedelta = setting(
        timedelta(days=180), read.seconds(60, 63_072_000), "seconds that a device is known after it signed in"
    )
    sign_ups_per_source: int = setting(60, read.integer(1, 1_000_000), "sign-ups in an hour from one address or /64")
    sign_ups_in_all: int = setting(3_000, read.integer(8, 100_000_000), "in an hour; beyond it one each at a time")
    recoveries_per_source: int = setting(60, read.integer(1, 1_000_000), "requests for mail in an hour, likewise")
    recoveries_in_all: int = setting(3_000, read.integer(8, 100_000_000), "in an hour; beyond it one each at a time")
    # Ten different accounts that fail from one address are a bad Monday in an office; fifteen, with hardly anybody who
    # gets in, are a list. All of a service of some hundred people fail less than sixty times in ten minutes, and those
    # who do not are held against their own week.
    stuffing: str = setting("on", read.stuffing, "on; tell: recognised and not slowed down; off")
    stuffing_accounts_per_source: int = setting(
        15,
        read.integer(3, 10_000),
        "accounts that fail from one source in ten minutes until that is credential stuffing",
    )
    stuffing_failures: int = setting(
        60, read.integer(10, 1_000_000), "failures from many sources in ten minutes until that is, at least"
    )
    stuffing_sources: int = setting(
        20, read.integer(3, 100_000), "sources, and accounts, that it takes for that at least"
    )
    stuffing_guesses_per_source: int = setting(
        5, read.integer(1, 1000), "failures in ten minutes of a source that is slowed down"
    )
    stuffing_guesses_in_all: int = setting(
        60, read.integer(1, 100_000), "failures in ten minutes of all unknown devices while all are slowed down"
    )
    operator_email: str | None = setting(None, read.email, "address that is told of credential stuffing")
    docs: bool = setting(True, read.switch, "the docs page")
    metrics: bool = setting(True, read.switch, "off: nobody reads /metrics")
    metrics_token: str | None = setting(
        None, read.metrics_token, "bearer token that /metrics is read with, from anywhere", secret=True
    )
    metrics_networks: tuple[Network, ...] | None = setting(
        None,
        read.networks,
        "CIDR networks /metrics is read from without it; this machine, while it is the public URL's",
    )
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
    def photo_store_url(self) -> str:
        """Where photos are kept: also with a database elsewhere by default beneath the data folder."""
        return self.photo_url or (self.data_dir.absolute() / "photos").as_uri()

    @property
    def metrics_readers(self) -> tuple[Network, ...]:
        """From where metrics are read without a token.

        By default this machine, and only for as long as it is also where clients reach the service: in front of one
        that the world reaches stands a proxy, from whose machine everybody would seem to come.
        """
        if self.metrics_networks is not None:
            return self.metrics_networks
        return LOOPBACK if urlsplit(self.public_url).hostname in _THIS_MACHINE else ()

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
        if self.is_embedded and self.database_migration_url:
            problems.append(
                "CRM_AUTH_DATABASE_MIGRATION_URL needs CRM_AUTH_DATABASE_URL beside it: the service's role."
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


def is_given(environment: Mapping[str, str], field_name: str) -> bool:
    """Whether the environment has the setting, itself or in a file."""
    return any(environment.get(variable(field_name) + suffix) for suffix in ("", _FILE))


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
