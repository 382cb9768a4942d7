"""What was measured on the way, for those who ask: ``pytest -o log_cli=true --log-cli-level=WARNING`` shows it."""

import logging

_LOG = logging.getLogger("figures")


def figure(text: str) -> None:
    """Say one; it is no verdict, that is the assertion's beside it."""
    _LOG.warning("%s", text)
