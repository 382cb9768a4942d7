"""``python -m benchmarks.pictures``: what hostile pictures cost, over HTTP, and what others notice meanwhile.

For each picture: the answer to uploading it and its time, the peak memory of the process that read it (measured beside
the server, by a darkroom of this process), and the 99th percentile of others' own profile until the answer came.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from benchmarks.__main__ import SignedIn, p99, sign_in
from benchmarks.client import connected, request
from benchmarks.servers import Server, crm_auth
from domain.errors import InvalidValue
from infrastructure.photos.darkroom import Darkroom
from infrastructure.photos.picture_header import read_header
from tests.support.database import data_folder, running_server
from tests.support.hostile_pictures import HOSTILE_PICTURES, Hostile, jpeg
from tests.support.photos import picture

PATH = "/v1/users/me/photo"
READERS = 4
PAUSE = 0.005
BOMBS = 20
ROW = "{:<48} {:>10} {:<28} {:>8} {:>10} {:>10}"


@dataclass
class Others:
    """How long others waited for their own profile, in seconds, since the last ``clear``."""

    waits: list[float] = field(default_factory=list)

    async def read(self, ours: Server, reader: SignedIn) -> None:
        sent = request("GET", "/v1/users/me", token=reader.access_token)
        async with connected(ours.port) as connection:
            while True:
                begun = time.monotonic()
                assert (await connection.send(sent)).status == 200
                self.waits.append(time.monotonic() - begun)
                await asyncio.sleep(PAUSE)

    @property
    def p99_ms(self) -> float:
        return (p99(self.waits) if len(self.waits) > 1 else max(self.waits, default=0.0)) * 1000


@asynccontextmanager
async def others_reading(ours: Server) -> AsyncIterator[Others]:
    others, reader = Others(), await sign_in(ours.port)
    tasks = [asyncio.create_task(others.read(ours, reader)) for _ in range(READERS)]
    try:
        yield others
    finally:
        for task in tasks:
            task.cancel()


async def upload(ours: Server, owner: SignedIn, data: bytes) -> str:
    """Status and code of the answer. A server may answer and close before it has read all of a long body."""
    head = [
        f"PUT {PATH} HTTP/1.1", "host: 127.0.0.1", f"authorization: Bearer {owner.access_token}",
        "content-type: image/jpeg", f"content-length: {len(data)}", "", "",
    ]  # fmt: skip
    async with connected(ours.port) as connection:
        try:
            answer = await connection.send("\r\n".join(head).encode() + data)
        except (OSError, asyncio.IncompleteReadError) as error:
            return type(error).__name__
    told = json.loads(answer.body) if answer.body else {}
    codes = [told.get("code", ""), *(error["code"] for error in told.get("errors") or [])]
    return " ".join([str(answer.status), *filter(None, codes[-1:])])


def peak_mib(darkroom: Darkroom, data: bytes) -> str:
    """Of the process that read it; none was started for what the header gives away."""
    try:
        read_header(data)
    except InvalidValue:
        return "-"
    return f"{darkroom.develop(data, deadline=time.monotonic() + 30).peak_kib / 1024:.0f}"


async def row(ours: Server, owner: SignedIn, others: Others, darkroom: Darkroom, hostile: Hostile) -> None:
    data = await asyncio.to_thread(hostile.make)
    others.waits.clear()
    begun = time.monotonic()
    answer = await upload(ours, owner, data)
    took, waited = time.monotonic() - begun, others.p99_ms
    peak = await asyncio.to_thread(peak_mib, darkroom, data)
    print(ROW.format(hostile.name, len(data), answer, f"{took * 1e3:.0f}", peak, f"{waited:.0f}"), flush=True)


async def bombs_at_once(ours: Server, owner: SignedIn, others: Others) -> None:
    bomb = jpeg.scans_without_end()
    others.waits.clear()
    begun = time.monotonic()
    answers = await asyncio.gather(*(upload(ours, owner, bomb) for _ in range(BOMBS)))
    took = time.monotonic() - begun
    counted = ", ".join(f"{answers.count(answer)} x {answer}" for answer in sorted(set(answers)))
    print(f"{BOMBS} bombs at once: {counted}, the last after {took:.1f} s, own profile p99 {others.p99_ms:.0f} ms")


async def compare(ours: Server) -> None:
    darkroom, owner = Darkroom(), await sign_in(ours.port)
    print(f"resident memory of the server before: {ours.resident_mib:.0f} MiB")
    print(ROW.format("picture", "bytes", "answer", "ms", "peak MiB", "others ms"))
    try:
        async with others_reading(ours) as others:
            for hostile in (Hostile("a good one", picture), *HOSTILE_PICTURES):
                await row(ours, owner, others, darkroom, hostile)
            await bombs_at_once(ours, owner, others)
    finally:
        darkroom.close()
        darkroom.discard()
    print(f"resident memory of the server after: {ours.resident_mib:.0f} MiB")


def main() -> int:
    with running_server() as database, data_folder() as folder:
        environment = {
            "CRM_AUTH_DATABASE_URL": asyncio.run(database.create()),
            "CRM_AUTH_DATA_DIR": str(folder),
            "CRM_AUTH_RATE_LIMITS": "off",
        }
        with crm_auth(environment) as ours:
            asyncio.run(compare(ours))
    return 0


if __name__ == "__main__":
    sys.exit(main())
