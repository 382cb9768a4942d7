"""``python -m benchmarks.likeness``: whether the time of an answer tells if an address has an account (S10, P04, L02).

Requests with an address that somebody has and with one that nobody has are sent in turn, the first of each pair by
lot, to the service in this process: no network blurs what there is to see. Beside the medians stands the
two-sided p value of the Mann-Whitney U test, for no difference between the two; values near nought are bad news.
"""

import argparse
import asyncio
import logging
import math
import random
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import bcrypt
import httpx

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient
from tests.support.database import running_server
from tests.support.rows import connected

REQUESTS = 500
"""Of each kind."""
WARM_UP = 20
LEGACY_COST = 10

Ask = Callable[[str], Awaitable[httpx.Response]]
"""Sends a request with an address."""


def p_value(some: list[float], others: list[float]) -> float:
    """Mann-Whitney U by its normal approximation, corrected for ties; two-sided."""
    pooled = sorted([(value, 0) for value in some] + [(value, 1) for value in others])
    ranks, ties, place = 0.0, 0.0, 0
    while place < len(pooled):
        end = place
        while end < len(pooled) and pooled[end][0] == pooled[place][0]:
            end += 1
        count, mean_rank = end - place, (place + end + 1) / 2
        ranks += mean_rank * sum(1 for _, whose in pooled[place:end] if whose == 0)
        ties += count**3 - count
        place = end
    n, m = len(some), len(others)
    u = ranks - n * (n + 1) / 2
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    return math.erfc(abs(u - n * m / 2) / math.sqrt(2 * variance))


async def compare(name: str, known: str, ask: Ask, requests: int) -> None:
    """Ask in turn, and print what there is to see."""
    times: dict[bool, list[float]] = {True: [], False: []}
    for number in range(requests + WARM_UP):
        for is_known in random.sample((True, False), 2):
            email = known if is_known else f"nobody.{number}@example.test"
            began = time.perf_counter()
            answer = await ask(email)
            taken = time.perf_counter() - began
            if answer.status_code not in {202, 401}:
                raise RuntimeError(f"{name}: {answer.status_code} {answer.text}")
            if number >= WARM_UP:
                times[is_known].append(taken * 1000)
    medians = {is_known: statistics.median(each) for is_known, each in times.items()}
    print(
        f"{name:>16}  known {medians[True]:7.3f} ms  unknown {medians[False]:7.3f} ms"
        f"  p {p_value(times[True], times[False]):.3f}",
        flush=True,
    )


async def measure(url: str, folder: Path, requests: int) -> None:
    """What is answered without a word on whether there is an account, with a person who signed up before."""
    settings = {"rate_limits": False, "mail_url": (folder / "mail").as_uri(), "photo_url": (folder / "p").as_uri()}
    ada = Person.new()
    async with served(settings_for(url, **settings)) as client:
        await client.sign_up(ada)
        await compare("sign-in", ada.email, lambda email: client.log_in(email, "a wrong password"), requests)
        await compare("password reset", ada.email, lambda email: _post(client, "password-resets", email), requests)
    async with served(settings_for(url, signup_answer="neutral", **settings)) as client:
        await compare("neutral sign-up", ada.email, lambda email: _sign_up(client, email), requests)


async def measure_legacy(url: str, folder: Path, requests: int) -> None:
    """A sign-in where the passwords were brought along from another service, as hashes of bcrypt."""
    settings = settings_for(url, rate_limits=False, mail_url=(folder / "mail").as_uri())
    ada = Person.new()
    async with served(settings) as client:
        await client.sign_up(ada)
    async with connected(url) as connection:
        secret = bcrypt.hashpw(ada.password.encode(), bcrypt.gensalt(LEGACY_COST)).decode()
        await connection.execute("UPDATE credentials SET secret = $1", secret)
    # What kinds of hashes there are is counted at the start.
    async with served(settings) as client:
        await compare("bcrypt sign-in", ada.email, lambda email: client.log_in(email, "a wrong password"), requests)


async def _post(client: ServiceClient, path: str, email: str) -> httpx.Response:
    return await client.http.post(f"/v1/{path}", json={"email": email})


async def _sign_up(client: ServiceClient, email: str) -> httpx.Response:
    # Names and passwords of the same length for both.
    name = f"p{random.getrandbits(60):016x}"
    return await client.sign_up(Person(email, name, "walnut ferry copper sunday 7"))


def main() -> None:
    """Print a line for each kind of request."""
    logging.disable()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=REQUESTS, help=f"of each kind; {REQUESTS} if not given")
    asked = parser.parse_args()
    with running_server() as database, tempfile.TemporaryDirectory() as folder:
        asyncio.run(_run(database.create, Path(folder), asked.requests))


async def _run(create: Callable[[], Awaitable[str]], folder: Path, requests: int) -> None:
    await measure(await create(), folder, requests)
    await measure_legacy(await create(), folder, requests)


if __name__ == "__main__":
    main()
