"""One line for each request."""

import sys
from contextlib import suppress
from datetime import UTC, datetime

from msgspec import json
from msgspec.structs import asdict

from bootstrap.logs import is_json
from bootstrap.settings import Settings
from interfaces.http.middleware import AccessLog, AccessRecord, log_access


def access_log(settings: Settings) -> AccessLog | None:
    """What writes the line, if the level asks for it.

    JSON goes past the logging machinery, whose way costs more than the rest of a request's way through HTTP.
    """
    if settings.log_level not in {"debug", "info"}:
        return None
    return _write_json if is_json(settings) else log_access


def _write_json(record: AccessRecord) -> None:
    line = {
        "event": "request",
        **asdict(record),
        "level": "info",
        "logger": "crm_auth.http",
        "timestamp": datetime.now(UTC),
    }
    # Whoever reads the log may have gone; the request is answered all the same.
    with suppress(OSError, ValueError):
        sys.stderr.buffer.write(json.encode(line) + b"\n")
        sys.stderr.buffer.flush()
