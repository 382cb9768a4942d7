"""Thousands of guesses at one account, and its owner at home: ``python -m benchmarks.guesses [GUESSES]``.

Against a real server of two workers, on all its defaults. First from one peer that nobody trusts, which claims other
addresses in every header that there is for it; then behind a trusted proxy, from other IPv6 addresses each time, half
of them within one /64 and half each in a /64 of its own. Meanwhile the owner signs in every few seconds, on a device
that signed in before, from the address that the guesses come from.

How many passwords reached the hasher is read from the service's own ``/metrics``, and has to be what was answered 401.
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.support.client import Person, ServiceClient, client_of
from tests.support.database import DatabaseServer, data_folder, running_server
from tests.support.server import running_server as running_service
from tests.support.server import settings_on

HeadersOf = Callable[[int], dict[str, str]]

GUESSES = 1_000
AT_ONCE = 16
OWNER_EVERY = 2.0
"""Seconds."""
WRONG = "never the password of anybody"
HEADERS = (
    "X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Client-IP", "True-Client-IP", "CF-Connecting-IP",
    "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Originating-IP", "X-Forwarded", "Via",
)  # fmt: skip
CHECKS = "crm_auth_password_hash_wait_seconds_count"


def claimed(number: int) -> dict[str, str]:
    """A peer that nobody trusts says that it is somebody else, each time another."""
    address = f"198.51.{number // 250 % 256}.{number % 250}"
    return {name: f"for={address};proto=https" if name == "Forwarded" else address for name in HEADERS}


def rotated(number: int) -> dict[str, str]:
    """As a proxy says: within one /64 and in one of its own by turns."""
    site = 0x20010DB8_0000_0000 + (0 if number % 2 else number)
    return {"X-Forwarded-For": str(IPv6Address((site << 64) + random.getrandbits(64)))}


class Owner:
    """Signs in all the while, by the newest token of the device, and counts what came of it."""

    def __init__(self, client: ServiceClient, person: Person, headers: Mapping[str, str]) -> None:
        self.client, self.person, self.headers = client, person, dict(headers)
        self.statuses: Counter[int] = Counter()
        self.slowest = 0.0
        self.is_done = False

    async def sign_in(self) -> None:
        """A 503 is what a busy machine says, and is tried again, as a client does."""
        began = time.perf_counter()
        while True:
            answer = await self.client.log_in(self.person.email, self.person.password, **self.headers)
            self.statuses[answer.status_code] += 1
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
            await asyncio.sleep(int(answer.headers["retry-after"]))
        self.slowest = max(self.slowest, time.perf_counter() - began)
        if token := answer.headers.get("x-device-token"):
            self.headers["X-Device-Token"] = token

    async def go_on(self) -> None:
        while not self.is_done:
            await self.sign_in()
            await asyncio.sleep(OWNER_EVERY)


async def guess_all(
    client: ServiceClient, person: Person, numbers: range, headers_of: HeadersOf
) -> tuple[Counter[int], list[float]]:
    statuses: Counter[int] = Counter()
    took: list[float] = []
    waiting = iter(numbers)
    names = (person.email, person.username, person.email.upper())

    async def guess() -> None:
        for number in waiting:
            began = time.perf_counter()
            answer = await client.log_in(names[number % 3], f"{WRONG} {number}", **headers_of(number))
            took.append(time.perf_counter() - began)
            statuses[answer.status_code] += 1

    await asyncio.gather(*(guess() for _ in range(AT_ONCE)))
    return statuses, took


async def hashed(client: ServiceClient) -> int:
    """How many passwords have been hashed or checked so far, by the service's own count."""
    lines = (await client.http.get("/metrics")).text.splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith(CHECKS))


async def attack(url: str, name: str, guesses: int, headers_of: HeadersOf, owners: Mapping[str, str]) -> bool:
    async with client_of(url, connections=AT_ONCE + 4) as client:
        person = await client.registered("owner")
        owner = Owner(client, person, owners)
        await owner.sign_in()
        before, began = await hashed(client), time.perf_counter()
        at_home = asyncio.create_task(owner.go_on())
        known = owner.statuses[201]
        statuses, took = await guess_all(client, person, range(guesses), headers_of)
        seconds = time.perf_counter() - began
        # Not in the middle of one, which would be counted on one side only.
        owner.is_done = True
        await at_home
        await owner.sign_in()
        reached = await hashed(client) - before - (owner.statuses[201] - known)
    took.sort()
    print(f"{name}: {guesses:,} guesses in {seconds:.0f} s")
    print(f"  answers: {dict(sorted(statuses.items()))}; median {took[len(took) // 2] * 1000:.1f} ms")
    print(f"  passwords that reached the hasher: {reached}")
    print(f"  the owner, on a known device: {dict(owner.statuses)}, the slowest {owner.slowest:.2f} s", flush=True)
    return set(owner.statuses) <= {201, 503} and reached == statuses[401]


async def run(server: DatabaseServer, guesses: int) -> bool:
    good = True
    for name, more, make, owners in (
        ("headers of a peer that is not trusted", {}, claimed, {}),
        (
            "IPv6 addresses behind a trusted proxy",
            {"trusted_proxies": "127.0.0.1/32"},
            rotated,
            {"X-Forwarded-For": "2001:db8::1"},
        ),
    ):
        url = await server.create()
        with TemporaryDirectory() as folder:
            settings = settings_on(url, database_pool_size="8", hash_wait="1", **more)
            with running_service(settings, workers=2, log=Path(folder) / "log") as service:
                good &= await attack(service.url, name, guesses, make, owners)
        await server.drop(url)
    return good


def main() -> None:
    guesses = int(sys.argv[1]) if len(sys.argv) > 1 else GUESSES
    with data_folder(), running_server() as server:
        sys.exit(0 if asyncio.run(run(server, guesses)) else 1)


if __name__ == "__main__":
    main()
