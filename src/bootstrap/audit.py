"""The audit log as the settings ask for it."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from application.audit.ports import HeadPublisher
from bootstrap.settings import Settings
from infrastructure.audit.head_files import FileHeadPublisher
from infrastructure.audit.head_log import LogHeadPublisher


def head_publishers_of(settings: Settings) -> Sequence[HeadPublisher]:
    """Where heads go beside the database: a folder, the log, or nowhere."""
    where = settings.audit_heads
    if where is None:
        return ()
    return (LogHeadPublisher() if where == "log" else FileHeadPublisher(Path(unquote(urlsplit(where).path))),)
