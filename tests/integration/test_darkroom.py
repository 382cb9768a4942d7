"""The darkroom with a decoder that a picture has taken over: it does whatever the picture says, which is Python."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from domain.errors import InvalidValue, Overloaded, ServiceUnavailable
from infrastructure.photos import darkroom, renderer
from infrastructure.photos.darkroom import Darkroom
from infrastructure.photos.frames import Outcome, Verdict
from infrastructure.photos.renderer import PillowPhotoRenderer
from tests.support.photos import picture

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks at processes in /proc")

TAKEN_OVER = """
import os, socket, signal, subprocess, sys, time, types
pillow = types.ModuleType("infrastructure.photos.pillow")
pillow.warm = lambda: None
def rendered(data):
    said = {}
    exec(data.decode(), globals(), said)
    return said.get("renditions", {64: repr(said.get("answer")).encode(), 256: b"", 512: b""})
pillow.rendered = rendered
import infrastructure.photos
infrastructure.photos.pillow = sys.modules["infrastructure.photos.pillow"] = pillow
"""
FOR_EVER = "import time; time.sleep(1000)"
SRC = Path(darkroom.__file__).parents[2]


@pytest.fixture
def taken_over(monkeypatch: pytest.MonkeyPatch) -> Iterator[Darkroom]:
    head, _, tail = darkroom._MAIN.partition("; ")
    tail, _, main = tail.partition("; from ")
    program = f"{head}; {tail}; exec({TAKEN_OVER!r}); from {main}" if main else ""
    assert program, darkroom._MAIN
    monkeypatch.setattr(darkroom, "_MAIN", program)
    room = Darkroom()
    yield room
    room.close()
    room.discard()


def develop(room: Darkroom, program: str, within: float = 8) -> Outcome:
    return room.develop(program.encode(), deadline=time.monotonic() + within)


def answer(outcome: Outcome) -> str:
    assert outcome.verdict is Verdict.RENDERED, outcome
    return outcome.renditions[0].decode()


def process_of(room: Darkroom) -> int:
    assert room._process is not None
    return room._process.pid


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - of another process, which sets no event
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("program", "verdict"),
    [
        pytest.param("bytearray(600 * 1024**2)", Verdict.TOO_LARGE, id="memory"),
        pytest.param("[bytes(100 * 1024**2) for _ in range(10)]", Verdict.TOO_LARGE, id="memory in parts"),
        pytest.param("raise ValueError", Verdict.UNREADABLE, id="an error"),
        pytest.param("raise SystemExit", Verdict.UNREADABLE, id="an exit"),
        pytest.param("os._exit(0)", Verdict.UNREADABLE, id="an end without a word"),
        pytest.param("os.kill(os.getpid(), signal.SIGSEGV)", Verdict.UNREADABLE, id="a crash"),
        pytest.param("os.abort()", Verdict.UNREADABLE, id="an abort"),
        pytest.param("os.kill(os.getpid(), signal.SIGKILL)", Verdict.KILLED, id="a kill"),
        pytest.param("open('/etc/passwd')", Verdict.UNREADABLE, id="a file"),
        pytest.param("open('/tmp/x', 'w')", Verdict.UNREADABLE, id="a file to write"),
        pytest.param("socket.socket()", Verdict.UNREADABLE, id="a socket"),
        pytest.param("subprocess.run(['/bin/true'])", Verdict.UNREADABLE, id="a program"),
        pytest.param("os.pipe()", Verdict.UNREADABLE, id="a pipe"),
        pytest.param("os.dup(2)", Verdict.UNREADABLE, id="a descriptor"),
        pytest.param("os.write(1, b'x')", Verdict.UNREADABLE, id="a word to the server"),
        pytest.param("os.read(0, 1)", Verdict.UNREADABLE, id="the next picture"),
        pytest.param("for fd in range(3, 30):\n try: os.write(fd, b'x' * 9)\n except OSError: pass",
                     Verdict.UNREADABLE, id="a false answer"),
        pytest.param("renditions = {n: bytes(9 * 1024**2) for n in range(3)}", Verdict.STARVED, id="an endless answer"),
        pytest.param("renditions = {}", Verdict.UNREADABLE, id="no rendition"),
        pytest.param(FOR_EVER, Verdict.STARVED, id="sleep"),
    ],
)  # fmt: skip
def test_what_a_picture_does_ends_with_it(taken_over: Darkroom, program: str, verdict: Verdict) -> None:
    began = time.monotonic()
    assert develop(taken_over, program).verdict is verdict
    assert time.monotonic() - began < 5

    before = process_of(taken_over)
    assert answer(develop(taken_over, "answer = 42")) == "42"
    assert process_of(taken_over) == before
    assert children_of(before) == []


def test_f04_time_on_the_processor_runs_out(taken_over: Darkroom) -> None:
    """Where others use it as well, the time passes first, and the picture is not to blame."""
    assert develop(taken_over, "while True: pass").verdict in {Verdict.TOO_SLOW, Verdict.STARVED}


def test_one_picture_knows_nothing_of_the_one_before(taken_over: Darkroom) -> None:
    develop(taken_over, "sys.seen = 'a secret'")

    assert answer(develop(taken_over, "answer = hasattr(sys, 'seen')")) == "False"


def test_f03_no_secret_and_no_descriptor_goes_along(taken_over: Darkroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRM_AUTH_SECRET_KEY", "a secret")

    said = answer(develop(taken_over, "answer = dict(os.environ)"))

    assert "secret" not in said.lower()
    pid = process_of(taken_over)
    assert b"secret" not in Path(f"/proc/{pid}/environ").read_bytes()
    assert {int(fd.name) for fd in Path(f"/proc/{pid}/fd").iterdir()} == {0, 1, 2}
    assert Path(f"/proc/{pid}/cwd").readlink() == Path("/")


def test_it_gives_way_and_goes_first_when_memory_runs_out(taken_over: Darkroom) -> None:
    develop(taken_over, "")
    pid = process_of(taken_over)

    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0) + 10
    assert Path(f"/proc/{pid}/oom_score_adj").read_text().strip() == "1000"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_to_the_whole_service_wait_for_the_server(taken_over: Darkroom, number: signal.Signals) -> None:
    develop(taken_over, "")
    pid = process_of(taken_over)

    os.kill(pid, number)

    assert answer(develop(taken_over, "answer = 42")) == "42"
    assert process_of(taken_over) == pid


@pytest.fixture
def photos(taken_over: Darkroom, monkeypatch: pytest.MonkeyPatch) -> Iterator[PillowPhotoRenderer]:
    monkeypatch.setattr(renderer, "read_header", lambda _: None)
    photos = PillowPhotoRenderer()
    photos._darkroom = taken_over
    with photos.opened():
        yield photos


async def begun(photos: PillowPhotoRenderer, program: str = FOR_EVER) -> "asyncio.Task[object]":
    """A picture that is being read by a process of its own."""
    task: asyncio.Task[object] = asyncio.create_task(photos.render(program.encode()))  # type: ignore[arg-type]
    room = photos._darkroom
    await until(lambda: room._process is not None and children_of(room._process.pid))
    return task


GOOD = b"renditions = {64: b'', 256: b'', 512: b''}"


async def test_what_is_no_rendition_is_not_believed(photos: PillowPhotoRenderer) -> None:
    with pytest.raises(InvalidValue):
        await photos.render(b"renditions = {n: b'<script>' for n in (64, 256, 512)}")


async def test_a_picture_whose_process_is_killed_may_be_tried_again(photos: PillowPhotoRenderer) -> None:
    task = await begun(photos)
    room = process_of(photos._darkroom)

    os.kill(children_of(room)[0], signal.SIGKILL)

    with pytest.raises(ServiceUnavailable) as refusal:
        await task
    assert refusal.value.retry_after
    with pytest.raises(InvalidValue):
        await photos.render(GOOD)
    assert process_of(photos._darkroom) == room


async def test_a_darkroom_that_is_killed_is_replaced_and_takes_its_picture_along(photos: PillowPhotoRenderer) -> None:
    task = await begun(photos, f"signal.setitimer(signal.ITIMER_REAL, 0); {FOR_EVER}")  # without its alarm
    room = process_of(photos._darkroom)
    [copy] = children_of(room)

    os.kill(room, signal.SIGKILL)

    with pytest.raises(ServiceUnavailable):
        await task
    await until(lambda: not alive(copy))
    with pytest.raises(InvalidValue):
        await photos.render(GOOD)
    assert process_of(photos._darkroom) != room


async def test_a_darkroom_that_is_killed_while_idle_is_not_noticed(photos: PillowPhotoRenderer) -> None:
    with pytest.raises(InvalidValue):
        await photos.render(GOOD)
    room = process_of(photos._darkroom)
    os.kill(room, signal.SIGKILL)
    await until(lambda: not alive(room))

    with pytest.raises(InvalidValue):
        await photos.render(GOOD)


async def test_a_darkroom_that_hangs_is_replaced(photos: PillowPhotoRenderer) -> None:
    with pytest.raises(InvalidValue):
        await photos.render(GOOD)
    room = process_of(photos._darkroom)
    os.kill(room, signal.SIGSTOP)

    with pytest.raises(Overloaded):
        await photos.render(GOOD * 200_000)

    assert not alive(room)
    with pytest.raises(InvalidValue):
        await photos.render(GOOD)


async def test_closing_does_not_wait_for_the_picture(photos: PillowPhotoRenderer) -> None:
    task = await begun(photos)
    room = process_of(photos._darkroom)
    began = time.monotonic()

    with photos.opened():
        pass

    assert time.monotonic() - began < renderer.LONGEST / 2
    with pytest.raises(ServiceUnavailable):
        await task
    assert not alive(room)


async def test_a_client_that_hangs_up_harms_nobody(photos: PillowPhotoRenderer) -> None:
    task = await begun(photos, "time.sleep(0.3)")
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(InvalidValue):
        await photos.render(GOOD)


async def test_f04_beyond_the_queue_is_overload_at_once(taken_over: Darkroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "read_header", lambda _: None)
    photos = PillowPhotoRenderer(queue_length=1, max_wait=10)
    photos._darkroom = taken_over
    with photos.opened():
        first = await begun(photos)
        second = asyncio.create_task(photos.render(GOOD))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded):
            await photos.render(GOOD)
        os.kill(children_of(process_of(taken_over))[0], signal.SIGKILL)
        with pytest.raises(ServiceUnavailable):
            await first
        with pytest.raises(InvalidValue):
            await second


async def test_without_pillow_photos_cannot_be_read_and_the_log_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(darkroom, "_MAIN", darkroom._MAIN.replace("sys.argv[1:3]", "sys.argv[1:2]"))
    with PillowPhotoRenderer().opened() as photos, pytest.raises(ServiceUnavailable):
        await photos.render(picture())

    assert "No module named 'PIL'" in caplog.text


SERVER = """
import asyncio, sys
from infrastructure.photos.renderer import PillowPhotoRenderer
from bootstrap import asgi
async def main():
    with PillowPhotoRenderer().opened() as photos:
        await photos.render(sys.stdin.buffer.read())
        print(photos._darkroom._process.pid, [name for name in sys.modules if name.startswith(("PIL", "obstore"))])
        sys.stdout.flush()
        await asyncio.sleep(1000)
asyncio.run(main())
"""


async def test_the_server_loads_no_decoder_and_takes_its_darkroom_along_when_it_is_killed() -> None:
    with subprocess.Popen(  # noqa: ASYNC220
        [sys.executable, "-c", SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(SRC)},
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(picture())
        server.stdin.close()
        pid, _, loaded = server.stdout.readline().decode().strip().partition(" ")
        assert alive(int(pid))
        server.kill()

    assert loaded == "[]"
    await until(lambda: not alive(int(pid)))


def test_f03_no_decoder_but_the_three_is_loaded() -> None:
    program = (
        "import sys; from infrastructure.photos import pillow; pillow.warm(); "
        "print(sorted(name[4:-11] for name, module in sys.modules.items() if name.endswith('ImagePlugin') and module))"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(SRC)}, capture_output=True, text=True, check=True
    )

    assert said.stdout.strip() == "['Jpeg', 'Png', 'Tiff', 'WebP']"
