"""Photos in S3: what is stored, and what happens while S3 is away."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import ServiceUnavailable
from domain.photos.photo import PhotoSize
from infrastructure.photos import s3_store
from infrastructure.photos.s3_store import S3PhotoStore
from tests.support.s3 import BUCKET, ENVIRONMENT, client, running_s3

ID = "k3q9"
RENDITIONS = {size: bytes([size % 251]) * size for size in PhotoSize}
SRC = Path(s3_store.__file__).parents[2]


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with running_s3() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        yield url


async def assert_away(store: S3PhotoStore) -> None:
    for work in (store.put(ID, RENDITIONS), store.get(ID, PhotoSize.SMALL), store.delete(ID)):
        began = time.monotonic()
        with pytest.raises(ServiceUnavailable) as refusal:
            await work
        assert time.monotonic() - began < 3
        assert refusal.value.retry_after


async def test_objects_have_their_type_and_give_no_address_away(s3: str) -> None:
    await S3PhotoStore(BUCKET, "some/prefix").put(ID, RENDITIONS)

    bucket = client(s3)
    names = [found["Key"] for found in bucket.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert len(names) == 3
    for name in names:
        assert name.startswith("some/prefix/")
        assert ID not in name
        assert bucket.head_object(Bucket=BUCKET, Key=name)["ContentType"] == "image/webp"


async def test_without_a_prefix_it_is_the_bucket_itself(s3: str) -> None:
    store = S3PhotoStore(BUCKET)
    await store.put(ID, RENDITIONS)

    assert await store.get(ID, PhotoSize.SMALL) == RENDITIONS[PhotoSize.SMALL]
    await store.delete(ID)
    assert "Contents" not in client(s3).list_objects_v2(Bucket=BUCKET)


async def test_a_missing_bucket_is_a_store_that_is_away(s3: str, caplog: pytest.LogCaptureFixture) -> None:
    """Not a photo that is gone: a misspelt bucket must not look like photos that were removed."""
    await assert_away(S3PhotoStore("another-bucket"))

    assert "another-bucket" in caplog.text


async def test_one_that_refuses_connections_is_away_until_it_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    store = S3PhotoStore(BUCKET)

    await assert_away(store)

    with running_s3(port=port):
        await store.put(ID, RENDITIONS)
        assert await store.get(ID, PhotoSize.SMALL) == RENDITIONS[PhotoSize.SMALL]


async def test_one_that_never_answers_is_away(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{listener.getsockname()[1]}")
        await assert_away(S3PhotoStore(BUCKET))
    assert "secret" not in caplog.text


async def test_one_that_answers_with_faults_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fault(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(fault, "127.0.0.1", 0) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        await assert_away(S3PhotoStore(BUCKET))


async def test_plain_http_is_spoken_on_this_machine_only(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    met = []
    async with await asyncio.start_server(lambda *streams: met.append(streams), "127.0.0.1", 0) as server:
        # It leads here, and is no name of this machine for who reads it.
        endpoint = f"0.0.0.0:{server.sockets[0].getsockname()[1]}"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{endpoint}")
        await assert_away(S3PhotoStore(BUCKET))

        assert met == []
    assert f"{endpoint}: plain HTTP to another machine needs AWS_ALLOW_HTTP=true" in caplog.text


def test_the_library_is_not_loaded_before_it_is_used() -> None:
    program = (
        "import sys; from infrastructure.photos.store_url import photo_store; "
        "photo_store('s3://photos/x'); photo_store('file:///x'); sys.exit('obstore' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], env={"PYTHONPATH": str(SRC)}, check=False).returncode == 0
