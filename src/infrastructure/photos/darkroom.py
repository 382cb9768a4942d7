"""The server's side of the darkroom: start its process when the first picture comes, and again after it died."""

import importlib.util
import logging
import os
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from domain.errors import ServiceUnavailable
from infrastructure.photos import frames
from infrastructure.photos.frames import BrokenFrame, Outcome

_LOG = logging.getLogger("crm_auth.photos")
_START_LIMIT = 10.0  # seconds; it takes a third of one
_SPARE = 0.3  # seconds of the time there is, for handing over the picture and what became of it

# Found by the folders that hold our packages and Pillow, so that it works installed, in the image, and from a checkout.
# Behind the standard library, of which nothing can be replaced so.
_IMPORT_ROOT = Path(__file__).resolve().parents[2]
_MAIN = (
    "import sys; sys.path += sys.argv[1:3]; from infrastructure.photos.darkroom_process import main; sys.exit(main())"
)
_KEPT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
"""Variables without which some interpreters do not start. All others stay here, secrets among them."""


class Darkroom:
    """One darkroom process, used by one thread at a time; ``close`` may come from another one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._closed = False

    def open(self) -> None:
        """Allow a process to be started again after ``close``."""
        with self._lock:
            self._closed = False

    def close(self) -> None:
        """End the process at once, with the picture it may be at; ``develop`` then raises ServiceUnavailable."""
        with self._lock:
            self._closed = True
            if self._process is not None:
                self._process.kill()

    def develop(self, data: bytes, *, deadline: float) -> Outcome:
        """What became of the picture.

        It gets the time until ``deadline``, a time of ``time.monotonic``. Raises TimeoutError when even the process
        says nothing by then, and ServiceUnavailable when it cannot be started or died; the next picture gets a new one.
        """
        process = self._running()
        try:
            to, back = _pipes(process)
            frames.send_limit(to, deadline - time.monotonic() - _SPARE, deadline=deadline)
            frames.send(to, data, deadline=deadline)
            return Outcome.unpacked(frames.receive(back, at_most=frames.MAX_OUTCOME_BYTES, deadline=deadline))
        except BrokenFrame:
            self._discard(process)
            _LOG.warning("the process that reads pictures ended with status %s", process.returncode)
            raise unavailable() from None
        except BaseException:
            self._discard(process)
            raise

    def discard(self) -> None:
        """End the process and wait for it; once no thread uses it any more."""
        if self._process is not None:
            self._discard(self._process)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None and self._process.poll() is not None:
            self._discard(self._process)  # it was killed while it had nothing to do
        if self._process is None:
            with self._lock:
                if self._closed:
                    raise unavailable()
                self._process = _launch()
            self._greet(self._process)
        return self._process

    def _greet(self, process: subprocess.Popen[bytes]) -> None:
        said = b"nothing"
        with suppress(BrokenFrame, TimeoutError):
            deadline = time.monotonic() + _START_LIMIT
            said = frames.receive(_pipes(process)[1], at_most=frames.MAX_GREETING_BYTES, deadline=deadline)
        if said != frames.READY:
            self._discard(process)
            _LOG.error("the process that reads pictures does not start; it said: %s", said.decode(errors="replace"))
            raise unavailable()

    def _discard(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()  # the copy that is at work, if any, ends with it
        with process, self._lock:
            self._process = None


def unavailable() -> ServiceUnavailable:
    """The answer when it is not the picture's fault."""
    return ServiceUnavailable("Photos cannot be read at the moment.", retry_after=2)


def _launch() -> subprocess.Popen[bytes]:
    """This interpreter without site packages (-S) and environment (-I), so that nothing in the way can alter it."""
    spec = importlib.util.find_spec("PIL")
    if spec is None or not spec.submodule_search_locations:
        _LOG.error("Pillow is not installed: no photo can be read")
        raise unavailable()
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
    try:
        process = subprocess.Popen(  # noqa: S603 - this interpreter, and code of ours
            [
                sys.executable, "-I", "-S", "-c", _MAIN,
                str(_IMPORT_ROOT), str(Path(spec.submodule_search_locations[0]).parent), "crm-auth darkroom",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # decoders write about other people's pictures there
            bufsize=0,
            cwd="/",
            env=environment | {"MALLOC_ARENA_MAX": "1", "LC_ALL": "C"},
            start_new_session=True,
        )  # fmt: skip
    except OSError as error:
        _LOG.error("the process that reads pictures cannot be started: %s", error.strerror)
        raise unavailable() from None
    for descriptor in _pipes(process):
        os.set_blocking(descriptor, False)
    return process


def _pipes(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """To the process and from it."""
    assert process.stdin is not None  # noqa: S101 - pipes, by the call that made it
    assert process.stdout is not None  # noqa: S101
    return process.stdin.fileno(), process.stdout.fileno()
