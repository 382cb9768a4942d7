"""``make bench``: floor and service in turns, five times, medians of the processor time each request costs.

Each time is made of short turns, so that what else the machine does falls on both alike.
"""

import asyncio
import base64
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count

import asyncpg

from benchmarks.client import Connection, ask, connected, request
from benchmarks.servers import Server, crm_auth, floor
from tests.support.database import data_folder, running_server

REPETITIONS = 5
TURNS = 8
CONNECTIONS = 16
PROFILES = 4_096
REFRESHES = 4_096
STORM_CLIENTS = 32
STORM_SECONDS = 10.0
PASSWORD = "walnut ferry copper sunday"
GATES = {"own profile": 0.60, "refresh": 0.55}

_names = count()


@dataclass(frozen=True, slots=True)
class SignedIn:
    user_id: str
    session_id: str
    access_token: str
    refresh_token: str

    @property
    def floor_token(self) -> str:
        """The refresh token as the floor writes it: session, generation and secret, readable."""
        raw = base64.urlsafe_b64decode(self.refresh_token.removeprefix("crm_rt_"))
        return f"{raw[:16].hex()}.{int.from_bytes(raw[16:20])}.{raw[20:52].hex()}"


async def sign_in(port: int) -> SignedIn:
    name = f"bench{secrets.token_hex(4)}{next(_names)}"
    body = {"email": f"{name}@example.test", "username": name, "password": PASSWORD}
    assert (await ask(port, "POST", "/v1/users", body=body)).status == 201
    answer = await ask(port, "POST", "/v1/sessions", body={"identifier": name, "password": PASSWORD})
    told = answer.json()
    return SignedIn(told["user"]["id"], told["session"]["id"], told["access_token"], told["refresh_token"])


Client = Callable[[Connection], Awaitable[None]]


async def cost(server: Server, clients: Iterable[Client], requests: int) -> float:
    """Microseconds of processor time a request, over all clients at once."""

    async def run(client: Client) -> None:
        async with connected(server.port) as connection:
            await client(connection)

    before = server.cpu_seconds
    await asyncio.gather(*(run(client) for client in clients))
    return (server.cpu_seconds - before) / requests * 1e6


async def costs_in_turns(sides: Sequence[tuple[Server, Sequence[Client]]], requests: int) -> tuple[float, ...]:
    """The same of each server with its clients, which take turns; each client goes on where it was."""
    turns = [[await cost(server, clients, requests // TURNS) for server, clients in sides] for _ in range(TURNS)]
    return tuple(statistics.mean(costs) for costs in zip(*turns, strict=True))


def repeating(sent: bytes, times: int) -> Client:
    async def client(connection: Connection) -> None:
        for _ in range(times):
            assert (await connection.send(sent)).status == 200

    return client


def refreshing(path: str, first: str, times: int) -> Client:
    token = first

    async def client(connection: Connection) -> None:
        nonlocal token
        for _ in range(times):
            answer = await connection.send(request("POST", path, body={"refresh_token": token}))
            assert answer.status == 200, answer
            token = answer.json()["refresh_token"]

    return client


async def compare(ours: Server, least: Server, url: str) -> bool:
    people = [await sign_in(ours.port) for _ in range(CONNECTIONS)]
    minted = [(await ask(least.port, "GET", f"/mint?{who.user_id},{who.session_id}")).body.decode() for who in people]
    costs: dict[str, list[tuple[float, ...]]] = {"own profile": [], "refresh": []}
    profiles, refreshes = PROFILES // TURNS // CONNECTIONS, REFRESHES // TURNS // CONNECTIONS
    for repetition in range(REPETITIONS + 1):
        await renew(ours, people)
        await all_told(url)
        own = [repeating(request("GET", "/v1/users/me", token=who.access_token), profiles) for who in people]
        bare = [repeating(request("GET", "/profile", token=token), profiles) for token in minted]
        profile = await costs_in_turns(((least, bare), (ours, own)), PROFILES)
        chains = [await sign_in(ours.port) for _ in range(2 * CONNECTIONS)]
        await all_told(url)
        bare = [refreshing("/refresh", who.floor_token, refreshes) for who in chains[:CONNECTIONS]]
        own = [refreshing("/v1/sessions/refresh", who.refresh_token, refreshes) for who in chains[CONNECTIONS:]]
        refresh = await costs_in_turns(((least, bare), (ours, own)), REFRESHES)
        if repetition > 0:  # The first warms statements, caches and pools.
            costs["own profile"].append(profile)
            costs["refresh"].append(refresh)
    return all([report(journey, pairs) for journey, pairs in costs.items()])  # noqa: C419 - report all of them


async def all_told(url: str) -> None:
    """Until the mails of those who signed up are sent: they would take the cores from whichever side is measured."""
    connection = await asyncpg.connect(url)
    try:
        while await connection.fetchval("SELECT count(*) FROM deliveries"):  # noqa: ASYNC110 - nothing tells us
            await asyncio.sleep(0.05)
    finally:
        await connection.close()


async def renew(ours: Server, people: list[SignedIn]) -> None:
    """Access tokens live five minutes; a slow machine measures longer than that."""
    for place, who in enumerate(people):
        answer = await ask(ours.port, "POST", "/v1/sessions/refresh", body={"refresh_token": who.refresh_token})
        told = answer.json()
        people[place] = SignedIn(who.user_id, who.session_id, told["access_token"], told["refresh_token"])


def report(journey: str, pairs: list[tuple[float, ...]]) -> bool:
    least, ours = (statistics.median(side) for side in zip(*pairs, strict=True))
    ratio = statistics.median(floor_cost / own_cost for floor_cost, own_cost in pairs)
    verdict = "met" if ratio >= GATES[journey] else "MISSED"
    runs = " ".join(f"{floor_cost:.0f}/{own_cost:.0f}" for floor_cost, own_cost in pairs)
    print(f"{journey}: floor {least:.0f} us, crm-auth {ours:.0f} us, floor/ours {ratio:.2f}", end=" ")
    print(f"(gate {GATES[journey]:.2f} {verdict}; runs {runs})", flush=True)
    return ratio >= GATES[journey]


async def storm(ours: Server) -> bool:
    """Own profile alone, and while 32 clients sign in as fast as they are let."""
    idle = ours.resident_mib
    reader = await sign_in(ours.port)
    crowd = []
    for _ in range(STORM_CLIENTS):
        name = f"storm{secrets.token_hex(5)}"
        body = {"email": f"{name}@example.test", "username": name, "password": PASSWORD}
        assert (await ask(ours.port, "POST", "/v1/users", body=body)).status == 201
        crowd.append(request("POST", "/v1/sessions", body={"identifier": name, "password": PASSWORD}))
    alone = await latencies(ours, reader, STORM_SECONDS / 2)
    statuses: dict[int, int] = {}
    stop = asyncio.Event()
    clients = [asyncio.create_task(sign_in_until(ours, sent, stop, statuses)) for sent in crowd]
    during = await latencies(ours, reader, STORM_SECONDS)
    stop.set()
    await asyncio.gather(*clients)
    ratio = p99(during) / p99(alone)
    print(f"login storm, {STORM_CLIENTS} clients, {STORM_SECONDS:.0f} s: sign-ins by status {statuses}")
    print(
        f"own profile p50/p99 alone {p50(alone) * 1e3:.1f}/{p99(alone) * 1e3:.1f} ms ({len(alone)} requests),"
        f" during {p50(during) * 1e3:.1f}/{p99(during) * 1e3:.1f} ms ({len(during)}); p99 ratio {ratio:.1f}"
        f" (gate 4 {'met' if ratio <= 4 else 'MISSED'})"
    )
    after = ours.resident_mib
    met = idle <= 130 and after <= 200
    verdict = "met" if met else "MISSED"
    print(f"resident memory: {idle:.0f} MiB before, {after:.0f} MiB after (gates 130, 200 {verdict})")
    return ratio <= 4 and met


async def latencies(ours: Server, reader: SignedIn, seconds: float) -> list[float]:
    sent = request("GET", "/v1/users/me", token=reader.access_token)
    measured: list[float] = []
    end = time.monotonic() + seconds

    async def read() -> None:
        async with connected(ours.port) as connection:
            while (begun := time.monotonic()) < end:
                assert (await connection.send(sent)).status == 200
                measured.append(time.monotonic() - begun)

    await asyncio.gather(*(read() for _ in range(CONNECTIONS)))
    return measured


async def sign_in_until(ours: Server, sent: bytes, stop: asyncio.Event, statuses: dict[int, int]) -> None:
    async with connected(ours.port) as connection:
        while not stop.is_set():
            status = (await connection.send(sent)).status
            statuses[status] = statuses.get(status, 0) + 1


def p50(values: list[float]) -> float:
    return statistics.median(values)


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def starts() -> None:
    with data_folder() as folder:
        environment = {"CRM_AUTH_DATA_DIR": str(folder)}
        for name in ("cold, making its database", "warm"):
            with crm_auth(environment) as server:
                print(f"start to first healthy answer, {name}: {server.started_in:.2f} s", flush=True)


def main() -> int:
    starts()
    with running_server() as database:
        url = asyncio.run(database.create())
        environment = {"CRM_AUTH_DATABASE_URL": url, "CRM_AUTH_LOG_LEVEL": "info"}
        # Sign-up is limited by source, and all the people of a benchmark sign up from one.
        with crm_auth(environment | {"CRM_AUTH_RATE_LIMITS": "off"}) as ours:
            met = asyncio.run(storm(ours))
        with crm_auth(environment | {"CRM_AUTH_RATE_LIMITS": "off"}) as ours, floor(url) as least:
            met = asyncio.run(compare(ours, least, url)) and met
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
