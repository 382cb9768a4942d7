"""Settings come from the environment alone, and everything wrong with them is said at once."""

from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from ipaddress import ip_network
from pathlib import Path

import pytest

from application.mail.ports import Mail, MailText
from bootstrap.mail import mailer_of
from bootstrap.operations import ServiceOperations
from bootstrap.settings import Settings, SettingsError
from bootstrap.state import with_secret_key
from domain.accounts.signup_policy import CLOSED, OPEN, SignupPolicy
from domain.mail.kinds import NOTICES, MailKind
from tests.support.clock import MovableClock
from tests.support.fakes import parse_email

SECRET = "vT9qLw2xRk7uPz4mYc8nJd3hFb6sGa1e"
EXTERNAL = {"CRM_AUTH_DATABASE_URL": "postgresql://crm:pw@db/crm", "CRM_AUTH_SECRET_KEY": SECRET}


def problems_of(environment: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as refusal:
        Settings.from_environment(environment)
    return refusal.value.problems


def test_c02_nothing_need_be_set() -> None:
    settings = Settings.from_environment({"PATH": "/usr/bin"})
    assert settings.is_embedded
    assert settings.signup is OPEN
    assert settings.password_min_length == 15
    assert settings.access_token_lifetime == timedelta(minutes=5)


def test_settings_are_read() -> None:
    settings = Settings.from_environment(
        EXTERNAL
        | {
            "CRM_AUTH_TRUSTED_PROXIES": "10.0.0.0/8, 2001:db8::/32",
            "CRM_AUTH_SIGNUP": "domains:Example.com",
            "CRM_AUTH_RATE_LIMITS": "off",
            "CRM_AUTH_SESSION_LIFETIME": "7200",
            "CRM_AUTH_PUBLIC_URL": "https://auth.example.com/crm/",
        }
    )
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
    assert settings.signup == SignupPolicy(frozenset({"example.com"}))
    assert not settings.rate_limits
    assert settings.session_lifetime == timedelta(hours=2)
    assert settings.public_url == "https://auth.example.com/crm"


@pytest.mark.parametrize(
    ("text", "notices"),
    [
        ("all", NOTICES),
        ("none", ()),
        ("new_device, password_changed", (MailKind.NEW_DEVICE, MailKind.PASSWORD_CHANGED)),
    ],
)
def test_notices_are_switched(text: str, notices: tuple[MailKind, ...]) -> None:
    assert Settings.from_environment({"CRM_AUTH_NOTICES": text}).notices == notices


@pytest.mark.parametrize("text", ["email_changed", "new_device,", "off"])
def test_a_notice_that_there_is_not_is_refused(text: str) -> None:
    """``email_changed`` among them: whoever takes an account over would want that one switched off."""
    (problem,) = problems_of({"CRM_AUTH_NOTICES": text})
    assert problem.startswith("CRM_AUTH_NOTICES names ")


def test_sign_up_can_be_closed() -> None:
    assert Settings.from_environment({"CRM_AUTH_SIGNUP": "closed"}).signup is CLOSED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://db"),
        ("DATABASE_POOL_SIZE", "0"),
        ("DATABASE_POOL_SIZE", "ten"),
        ("DATABASE_POOL_SIZE", "\u0661"),
        ("ACCESS_TOKEN_LIFETIME", "901"),
        ("PASSWORD_MIN_LENGTH", "7"),
        ("PUBLIC_URL", "auth.example.com"),
        ("PUBLIC_URL", "https://user@auth.example.com"),
        ("RATE_LIMITS", "no"),
        ("SIGNUP", "domains:"),
        ("SIGNUP", "Open"),
        ("TRUSTED_PROXIES", "10.0.0.1/8"),
        ("SECRET_KEY", "short"),
        ("SECRET_KEY", f"{SECRET},changemechangemechangemechangeme"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(name: str, value: str) -> None:
    (problem,) = problems_of({f"CRM_AUTH_{name}": value})
    assert problem.startswith(f"CRM_AUTH_{name} ")


@pytest.mark.parametrize(
    "value",
    [
        "nonsense", "CRM <no-reply@example.com>", "a@example.com, b@example.com", "a@b@example.com", "@example.com",
        "no-reply@", "no reply@example.com", "no-reply@example.com\r\nBcc: victim@example.com", "jürgen@example.com",
        "no-reply@bücher.example", "a..b@example.com", "no-reply@example..com", '"no reply"@example.com',
    ],
)  # fmt: skip
def test_mail_is_from_one_plain_address(value: str) -> None:
    """Else each mail would fail, and nothing before that."""
    (problem,) = problems_of({"CRM_AUTH_MAIL_FROM": value})
    assert problem.startswith("CRM_AUTH_MAIL_FROM must be one plain e-mail address")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAIL_FROM", "no-reply@example.com"),
        ("MAIL_FROM", "CRM.o'neil+x@localhost"),
        ("MAIL_FROM", "crm@xn--bcher-kva.example"),
        ("PUBLIC_URL", "https://xn--bcher-kva.example/crm"),
        ("PUBLIC_URL", "http://my_host:8000"),
        ("PUBLIC_URL", "https://Auth.Example.com"),
        ("PUBLIC_URL", "http://[2001:db8::1]:8000"),
        ("PUBLIC_URL", "http://192.0.2.7"),
        ("MAIL_SERVICE_NAME", "Bücher & Söhne"),
    ],
)
async def test_mail_is_sent_with_whatever_is_accepted(tmp_path: Path, name: str, value: str) -> None:
    settings = Settings.from_environment({f"CRM_AUTH_{name}": value, "CRM_AUTH_DATA_DIR": str(tmp_path)})
    content = MailText(language="en", subject="Hello", text="Hello\n", html="<p>Hello</p>")
    mail = Mail(id="1.hello", to=parse_email("ada@example.com"), content=content)

    assert await mailer_of(settings, MovableClock()).send(mail) is None

    [written] = (tmp_path / "mail").glob("*.eml")
    sender = message_from_bytes(written.read_bytes(), policy=default)["from"].addresses[0]
    assert sender.addr_spec.isascii()


def test_a_public_url_is_in_ascii() -> None:
    (problem,) = problems_of({"CRM_AUTH_PUBLIC_URL": "https://bücher.example"})
    assert "IDNA form" in problem
    assert "xn--" in problem


@pytest.mark.parametrize("host", ["a b", "a..b", "auth.example.com:port", "auth.example.com:123456", "@a", "[::1"])
def test_a_public_url_has_a_host(host: str) -> None:
    (problem,) = problems_of({"CRM_AUTH_PUBLIC_URL": f"https://{host}"})
    assert problem.startswith("CRM_AUTH_PUBLIC_URL ")


def test_what_mails_call_the_service_is_one_line() -> None:
    (problem,) = problems_of({"CRM_AUTH_MAIL_SERVICE_NAME": "CRM\nBcc: victim@example.com"})
    assert problem.startswith("CRM_AUTH_MAIL_SERVICE_NAME must be one line")


def test_an_unknown_setting_is_refused_with_its_name() -> None:
    assert problems_of({"CRM_AUTH_RATE_LIMIT": "on"}) == ["CRM_AUTH_RATE_LIMIT is not a setting of this version."]


def test_service_links_of_kubernetes_are_no_settings() -> None:
    links = {
        "CRM_AUTH_SERVICE_HOST": "10.1.2.3",
        "CRM_AUTH_SERVICE_PORT": "8000",
        "CRM_AUTH_SERVICE_PORT_HTTP": "8000",
        "CRM_AUTH_PORT": "tcp://10.1.2.3:8000",
        "CRM_AUTH_PORT_8000_TCP": "tcp://10.1.2.3:8000",
        "CRM_AUTH_PORT_8000_TCP_ADDR": "10.1.2.3",
    }
    assert Settings.from_environment(links) == Settings.from_environment({})


def test_all_problems_are_said_at_once() -> None:
    assert len(problems_of({"CRM_AUTH_NONSENSE": "1", "CRM_AUTH_DOCS": "yes", "CRM_AUTH_HASH_WORKERS": "0"})) == 3


def test_c01_an_external_database_demands_a_secret_key() -> None:
    (problem,) = problems_of({"CRM_AUTH_DATABASE_URL": EXTERNAL["CRM_AUTH_DATABASE_URL"]})
    assert problem.startswith("CRM_AUTH_SECRET_KEY is missing")


def test_c07_a_secret_may_be_kept_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(f"{SECRET}\n")
    file.chmod(0o640)
    assert Settings.from_environment({"CRM_AUTH_SECRET_KEY_FILE": str(file)}).secret_key == (SECRET,)


def test_c01_a_secret_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    file.chmod(0o644)
    (problem,) = problems_of({"CRM_AUTH_SECRET_KEY_FILE": str(file)})
    assert "readable by everybody" in problem


def test_a_file_that_is_missing_is_said(tmp_path: Path) -> None:
    (problem,) = problems_of({"CRM_AUTH_SECRET_KEY_FILE": str(tmp_path / "missing")})
    assert problem.startswith("CRM_AUTH_SECRET_KEY_FILE: ")


def test_a_setting_given_twice_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of({"CRM_AUTH_SECRET_KEY": SECRET, "CRM_AUTH_SECRET_KEY_FILE": str(tmp_path)})
    assert "both given" in problem


def test_the_embedded_default_makes_its_own_secret_once(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CRM_AUTH_DATA_DIR": str(tmp_path / "data")})
    first = with_secret_key(settings).secret_key
    assert with_secret_key(settings).secret_key == first
    assert (tmp_path / "data" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_c01_a_kept_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = Settings.from_environment({"CRM_AUTH_DATA_DIR": str(tmp_path)})
    with_secret_key(settings)
    (tmp_path / "secret_key").chmod(0o644)
    with pytest.raises(SettingsError, match="readable by others"):
        with_secret_key(settings)


def test_g02_a_secret_shows_in_no_representation() -> None:
    assert SECRET not in repr(Settings.from_environment(EXTERNAL))
    assert "pw@db" not in repr(Settings.from_environment(EXTERNAL))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PASSWORD_SCHEME", "scrypt", "must be argon2id or bcrypt"),
        ("BCRYPT_COST", "9", "from 10 to 14"),
        ("BCRYPT_COST", "15", "from 10 to 14"),
    ],
)
def test_schemes_of_passwords(name: str, value: str, said: str) -> None:
    given = Settings.from_environment({"CRM_AUTH_PASSWORD_SCHEME": "bcrypt", "CRM_AUTH_BCRYPT_COST": "14"})
    assert (given.password_scheme, given.bcrypt_cost) == ("bcrypt", 14)
    [problem] = problems_of({f"CRM_AUTH_{name}": value})
    assert said in problem


def test_c02_what_is_not_set_is_the_safe_choice() -> None:
    settings = Settings.from_environment({})
    assert settings.rate_limits
    assert settings.log_level == "info"
    assert (settings.allowed_origins, settings.trusted_proxies) == ((), ())
    assert settings.password_scheme == "argon2id"
    assert settings.access_token_lifetime <= timedelta(minutes=15)


@pytest.mark.parametrize("text", ["none", "all", "new_device,password_changed"])
def test_what_is_printed_of_notices_can_be_set(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {"CRM_AUTH_NOTICES": text})
    printed = {item.variable: item.value for item in ServiceOperations().settings()}

    again = Settings.from_environment({"CRM_AUTH_NOTICES": printed["CRM_AUTH_NOTICES"]})

    assert again.notices == Settings.from_environment({"CRM_AUTH_NOTICES": text}).notices


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "http://127.0.0.1:9123"),
        ({"CRM_AUTH_PUBLIC_URL": ""}, "http://127.0.0.1:9123"),
        ({"CRM_AUTH_PUBLIC_URL": "http://127.0.0.1:8000"}, "http://127.0.0.1:8000"),
        ({"CRM_AUTH_PUBLIC_URL": "https://auth.example.test"}, "https://auth.example.test"),
    ],
)
def test_a_server_without_a_public_url_is_at_its_port(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[str] = []
    monkeypatch.setattr("os.environ", environment)
    monkeypatch.setattr("bootstrap.server.serve", lambda settings, **_: served.append(settings.public_url))

    ServiceOperations().serve(host="127.0.0.1", port=9123, workers=1)

    assert served == [expected]
