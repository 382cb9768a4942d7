"""One log on standard error: JSON lines for machines, readable ones on a terminal.

Whatever a line is made of is a field's value, escaped by JSON, so that no input can forge a line (G03).
"""

import logging
import sys

import structlog

from bootstrap.settings import Settings
from bootstrap.tracebacks import trace_of

_QUIET = ("asyncio", "uvicorn.error", "alembic")
"""Told only from warnings on: what they have to say besides we say ourselves."""
_HEADS = "crm_auth.audit.heads"
"""Of the audit log: no lines to read, but kept here, whatever level was asked for."""
_EXCEPTIONS = structlog.processors.ExceptionRenderer(trace_of)


def configure(settings: Settings) -> None:
    """Send everything, the standard library's loggers included, through one formatter."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _EXCEPTIONS,
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(sort_keys=False)
        if is_json(settings)
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    level = settings.log_level.upper()
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    logging.getLogger(_HEADS).setLevel(logging.WARNING)


def show_no_variables() -> None:
    """Where the host application set up no structlog: tracebacks without variables, which hold passwords (G02).

    structlog's default shows them, and is for the machine of a developer.
    """
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _EXCEPTIONS,
            structlog.dev.ConsoleRenderer(colors=False),
        ]
    )


def is_json(settings: Settings) -> bool:
    """Whether lines are JSON: as asked for, or because nobody reads them on a terminal."""
    return settings.log_format == "json" or (settings.log_format == "auto" and not sys.stderr.isatty())
