"""Mail over TLS and STARTTLS with a name and a password, against a server whose certificate is one of our own."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from domain.errors import ServiceUnavailable
from infrastructure.mail.message import Sender
from infrastructure.mail.smtp import SmtpMailer
from infrastructure.mail.smtp_server import SmtpServer
from tests.contract.test_mailer import mail
from tests.support.clock import MovableClock
from tests.support.smtp import Inbox, smtp_server

PASSWORD = "p@ss:wörd/"
# What the server says of a connection that was TLS from the first byte, which it does not count as one.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
SENDER = Sender(address="no-reply@auth.example.test")


def self_made(folder: Path, name: str, host: str = "127.0.0.1") -> Path:
    """Certificate and key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return file


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    return self_made(tmp_path, "ours")


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def context(certificate: Path) -> ssl.SSLContext:
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(certificate)
    return served


@pytest.fixture(params=["smtp", "smtps"])
def url(request: pytest.FixtureRequest, certificate: Path, inbox: Inbox) -> Iterator[str]:
    """Of a server that takes mail over TLS alone, and only from whoever knows the password."""
    scheme: str = request.param
    with smtp_server(inbox, tls=context(certificate), implicit=scheme == "smtps", password=PASSWORD) as server:
        yield f"{scheme}://crm:p%40ss%3Aw%C3%B6rd%2F@127.0.0.1:{server.port}"


async def send(url: str) -> str | None:
    mailer = SmtpMailer(SmtpServer.from_url(url), SENDER, MovableClock())
    try:
        return await mailer.send(mail())
    finally:
        await mailer.close()


async def test_mail_is_sent_where_the_certificate_is_trusted(
    url: str, certificate: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert await send(url) is None

    assert len(inbox.messages) == 1


async def test_nothing_is_sent_where_it_is_not(url: str, inbox: Inbox) -> None:
    """Or whoever is on the way reads reset links, and the password."""
    with pytest.raises(ServiceUnavailable):
        await send(url)

    assert inbox.messages == []


async def test_nothing_is_sent_to_a_certificate_of_another_issuer(
    url: str, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(self_made(tmp_path, "another")))

    with pytest.raises(ServiceUnavailable):
        await send(url)

    assert inbox.messages == []


@pytest.mark.parametrize("certificate_host", ["192.0.2.1"])
async def test_nothing_is_sent_to_a_certificate_of_another_host(
    certificate_host: str, inbox: Inbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = self_made(tmp_path, "elsewhere", certificate_host)
    monkeypatch.setenv("SSL_CERT_FILE", str(elsewhere))
    with smtp_server(inbox, tls=context(elsewhere), implicit=True) as server, pytest.raises(ServiceUnavailable):
        await send(f"smtps://127.0.0.1:{server.port}")

    assert inbox.messages == []


async def test_a_wrong_password_is_worth_another_try_and_is_told_to_the_operator(
    url: str, certificate: Path, inbox: Inbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever changes it on the server first is to lose no mail."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with pytest.raises(ServiceUnavailable):
        await send(url.replace("p%40ss", "wrong"))

    assert inbox.messages == []
    assert "CRM_AUTH_MAIL_URL" in caplog.text
    assert "wrong" not in caplog.text
