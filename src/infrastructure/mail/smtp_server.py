"""Where mail goes, as the operator writes it."""

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where mail goes. ``tls`` from the first byte, else STARTTLS: demanded, or off for a relay on the same host."""

    host: str
    port: int
    tls: bool
    start_tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def from_url(cls, url: str) -> "SmtpServer":
        """``smtp://user:password@host:587`` demands STARTTLS, with ``?starttls=off`` it has none; ``smtps://`` is TLS.

        Raises ValueError, with a text for the operator.
        """
        parts = urlsplit(url)
        tls = parts.scheme == "smtps"
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname or parts.path not in {"", "/"}:
            raise ValueError("must be smtp://host, smtps://host or file:///folder")
        if parts.query not in {"", "starttls=off"} or (tls and parts.query):
            raise ValueError("has a part that is not known; ?starttls=off is, behind smtp://")
        start_tls = not tls and parts.query != "starttls=off"
        if parts.username and not (tls or start_tls):
            raise ValueError("would send a password in clear; leave starttls on")
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if tls else 587),
            tls=tls,
            start_tls=start_tls,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
        )
