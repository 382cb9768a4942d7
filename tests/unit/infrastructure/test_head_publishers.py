"""Where heads of the audit log go: written for good, or said not to be."""

import asyncio
import logging
from pathlib import Path
from threading import Event

import pytest

from bootstrap.logs import configure
from bootstrap.settings import Settings
from domain.audit.head import SignedHead
from infrastructure.audit import head_files
from infrastructure.audit.head_files import FILE_NAME, FileHeadPublisher
from infrastructure.audit.head_log import LogHeadPublisher

HEAD = SignedHead(body='{"number":1}', signature=b"signature")
LOGGER = "crm_auth.audit.heads"


async def test_g04_a_folder_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thawed, write = Event(), FileHeadPublisher._append
    monkeypatch.setattr(head_files, "LONGEST", 0.05)
    monkeypatch.setattr(FileHeadPublisher, "_append", lambda self, lines: (thawed.wait(10), write(self, lines)))
    publisher = FileHeadPublisher(tmp_path)
    for _ in range(2):
        with pytest.raises(OSError):
            await publisher.publish([HEAD])
    thawed.set()
    monkeypatch.setattr(head_files, "LONGEST", 10.0)
    await publisher.publish([HEAD])

    lines = (await asyncio.to_thread((tmp_path / FILE_NAME).read_text)).splitlines()
    assert set(lines) == {HEAD.line}


async def test_g04_no_log_level_leaves_heads_out(capsys: pytest.CaptureFixture[str]) -> None:
    root, kept = logging.getLogger(), logging.getLogger(LOGGER).level
    handlers, level = list(root.handlers), root.level
    try:
        configure(Settings(log_level="error", log_format="json"))
        await LogHeadPublisher().publish([HEAD])
        assert "number" in capsys.readouterr().err
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.getLogger(LOGGER).setLevel(kept)


async def test_g04_a_log_that_would_leave_them_out_is_no_place_for_them() -> None:
    logger = logging.getLogger(LOGGER)
    kept = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with pytest.raises(OSError, match="leaves out"):
            await LogHeadPublisher().publish([HEAD])
    finally:
        logger.setLevel(kept)
