"""``python -m benchmarks.stuffing``: lists of passwords tried on a real server beside people who sign in.

Both kinds of attack, each on a server of its own behind a trusted proxy: how soon it is recognised, how many guesses
are judged before and after that, and what people on known and on new devices notice. 90 seconds each by default.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random

import asyncpg

from benchmarks.client import connected
from benchmarks.servers import crm_auth
from tests.support.database import running_server

PASSWORD = "walnut ferry copper sunday"
PEOPLE = 24
TYPOS = 0.05
GUESSES_A_SECOND = 8.0
SIGN_INS_A_SECOND = 2.0
SECONDS = 90.0
SEEDED = Random(7)  # noqa: S311 - typing errors


@dataclass
class Tally:
    """Answers by second since the attack began."""

    began: float = field(default_factory=time.monotonic)
    answers: list[tuple[float, int]] = field(default_factory=list)

    def note(self, status: int) -> None:
        self.answers.append((time.monotonic() - self.began, status))

    def judged(self, since: float, until: float) -> int:
        return sum(status == 401 for at, status in self.answers if since <= at < until)

    def refused(self) -> int:
        return sum(status == 429 for _, status in self.answers)


def message(path: str, body: str, source: str, extra: str = "") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nhost: auth.test\r\ncontent-type: application/json\r\nx-forwarded-for: {source}\r\n"
    return f"{head}{extra}content-length: {len(body)}\r\n\r\n{body}".encode()


def one_source() -> Iterator[str]:
    while True:
        yield "203.0.113.7"


def many_sources() -> Iterator[str]:
    """Each makes three guesses, ten minutes apart at this rate: no limit of one source sees it."""
    for number in count():
        yield f"203.0.{number // 250 % 250}.{number % 250 + 1}"


async def attack(port: int, sources: Iterator[str], tally: Tally) -> None:
    async with connected(port) as connection:
        for number in count():
            body = f'{{"identifier": "victim{number}", "password": "stolen elsewhere {number}"}}'
            begun = time.monotonic()
            tally.note((await connection.send(message("/v1/sessions", body, next(sources)))).status)
            await asyncio.sleep(max(0.0, 1 / GUESSES_A_SECOND - (time.monotonic() - begun)))


async def people(port: int, known: dict[str, str], tally: Tally, *, on_known_devices: bool) -> None:
    """They mistype one in twenty, and try again."""
    async with connected(port) as connection:
        for number in count():
            name = f"person{number % PEOPLE}"
            place = number % PEOPLE + (1 if on_known_devices else 101)
            extra = f"x-device-token: {known[name]}\r\n" if on_known_devices else ""
            if SEEDED.random() < TYPOS:
                await connection.send(message("/v1/sessions", sign_in(name, "walnut"), f"198.51.100.{place}", extra))
            answer = await connection.send(
                message("/v1/sessions", sign_in(name, PASSWORD), f"198.51.100.{place}", extra)
            )
            tally.note(answer.status)
            await asyncio.sleep(1 / SIGN_INS_A_SECOND)


def sign_in(name: str, password: str) -> str:
    return f'{{"identifier": "{name}", "password": "{password}"}}'


async def signed_up(port: int) -> dict[str, str]:
    """Their devices' tokens."""
    known = {}
    for number in range(PEOPLE):
        name = f"person{number}"
        body = f'{{"email": "{name}@example.test", "username": "{name}", "password": "{PASSWORD}"}}'
        async with connected(port) as connection:
            assert (await connection.send(message("/v1/users", body, f"198.51.100.{number + 1}"))).status == 201
        known[name] = await device_of(
            port, message("/v1/sessions", sign_in(name, PASSWORD), f"198.51.100.{number + 1}")
        )
    return known


async def device_of(port: int, sent: bytes) -> str:
    """The token that a sign-in tells; tried again while the machine is busy."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        writer.close()
        fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}
        if token := fields.get("x-device-token"):
            return token
        await asyncio.sleep(0.5)


async def recognised(url: str, tally: Tally) -> float:
    connection = await asyncpg.connect(url)
    try:
        while not await connection.fetchval("SELECT count(*) FROM stuffing_episodes"):  # noqa: ASYNC110 - others make it
            await asyncio.sleep(0.1)
        return time.monotonic() - tally.began
    finally:
        await connection.close()


async def run(kind: str, sources: Callable[[], Iterator[str]], port: int, url: str) -> bool:
    known = await signed_up(port)
    guesses, at_home, elsewhere = Tally(), Tally(), Tally()
    tasks = [
        asyncio.create_task(attack(port, sources(), guesses)),
        asyncio.create_task(people(port, known, at_home, on_known_devices=True)),
        asyncio.create_task(people(port, known, elsewhere, on_known_devices=False)),
    ]
    found = asyncio.create_task(recognised(url, guesses))
    await asyncio.sleep(SECONDS)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if not found.done():
        found.cancel()
        print(f"{kind}: NOT RECOGNISED in {SECONDS:.0f} s")
        return False
    at = found.result()
    slowed = at + 3
    before, between = guesses.judged(0, at), guesses.judged(at, slowed)
    after = guesses.judged(slowed, SECONDS)
    print(
        f"{kind}: recognised after {at:.1f} s; guesses judged: {before} before, {between} in the 3 s after,"
        f" then {after} in {SECONDS - slowed:.0f} s ({after / (SECONDS - slowed) * 60:.1f} a minute; refused"
        f" {guesses.refused()} of {len(guesses.answers)})"
    )
    print(
        f"  people: known devices {at_home.refused()} of {len(at_home.answers)} refused,"
        f" new devices {elsewhere.refused()} of {len(elsewhere.answers)} refused",
        flush=True,
    )
    return at_home.refused() == 0


def main() -> int:
    met = True
    with running_server() as database:
        for kind, sources in (("one source", one_source), ("many sources", many_sources)):
            url = asyncio.run(database.create())
            environment = {
                "CRM_AUTH_DATABASE_URL": url,
                "CRM_AUTH_LOG_LEVEL": "warning",
                "CRM_AUTH_TRUSTED_PROXIES": "127.0.0.1/32",
            }
            with crm_auth(environment) as server:
                met = asyncio.run(run(kind, sources, server.port, url)) and met
            asyncio.run(database.drop(url))
    return 0 if met else 1


if __name__ == "__main__":
    SECONDS = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    sys.exit(main())
