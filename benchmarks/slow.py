"""Five hundred clients that send half a request, again and again: ``python -m benchmarks.slow [SECONDS]``.

A third sends half a head, a third half a body and one byte a second of it, a third nothing; whoever is hung up on
begins anew. Meanwhile others sign in, read their profile and refresh, as in ``benchmarks.storm``.
"""

import asyncio
import sys
from collections import Counter
from itertools import cycle

from benchmarks.openloop import Answered, Crowd, p99
from benchmarks.servers import Server, crm_auth
from benchmarks.storm import Seen, coming_from_everywhere, others, people, resident_mib_of_tree
from tests.support.database import running_server

SECONDS = 30.0
CLIENTS = 500
SIGN_INS_A_SECOND = 2
HEAD = b"POST /v1/sessions HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\n"
HALVES = (HEAD, HEAD + b"Content-Length: 1000\r\n\r\n" + b'{"identifier": "', b"")


async def half_sent(port: int, half: bytes, ended: Counter[str], until: float) -> None:
    """Keep a connection for as long as one can, and then another."""
    loop = asyncio.get_running_loop()
    while loop.time() < until:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(half)
            answer = asyncio.create_task(reader.read(12))
            while not answer.done() and loop.time() < until:
                await asyncio.wait([answer], timeout=1)
                if b"Length" in half and not answer.done():
                    writer.write(b" ")
            ended[answer.result()[9:12].decode() or "closed" if answer.done() else "still there"] += 1
            answer.cancel()
            writer.transport.abort()
        except OSError:
            ended["reset"] += 1


async def measured(server: Server, seconds: float, clients: int) -> tuple[Seen, Counter[str], float]:
    crowd, loop, seen, ended = Crowd(server.port), asyncio.get_running_loop(), Seen(), Counter[str]()
    sign_ins = coming_from_everywhere(await people(crowd))
    first = await crowd.ask(next(sign_ins))
    until = loop.time() + seconds
    slow = [
        asyncio.create_task(half_sent(server.port, half, ended, until))
        for half, _ in zip(cycle(HALVES), range(clients))
    ]
    await asyncio.gather(
        others(crowd, first, seen, until),
        crowd.every(1 / SIGN_INS_A_SECOND, sign_ins, seen.sign_ins.append, until),
    )
    peak = resident_mib_of_tree(server.pid)
    await asyncio.gather(*slow)
    await crowd.drained()
    crowd.close()
    return seen, ended, peak


def told(name: str, seen: Seen, resident: float) -> bool:
    def of(answers: list[Answered]) -> str:
        refused = sum(answer.status not in {200, 201} for answer in answers)
        return f"{p99(answers) * 1e3:.0f} ms ({refused} of {len(answers)} refused)"

    print(
        f"{name}: p99 of profile {of(seen.profiles)}, refresh {of(seen.refreshes)}, sign-in {of(seen.sign_ins)};",
        end=" ",
    )
    print(f"{resident:.0f} MiB", flush=True)
    return all(answer.status in {200, 201} for answer in seen.profiles + seen.refreshes + seen.sign_ins)


def main() -> int:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    with running_server() as database:
        environment = {
            "CRM_AUTH_DATABASE_URL": asyncio.run(database.create()),
            "CRM_AUTH_TRUSTED_PROXIES": "127.0.0.1/32",
        }
        with crm_auth(environment) as server:
            alone, _, before = asyncio.run(measured(server, seconds / 3, 0))
            told("alone", alone, before)
            beside, ended, peak = asyncio.run(measured(server, seconds, CLIENTS))
            served = told(f"beside {CLIENTS} half-sent requests", beside, peak)
            print(f"how these ended: {dict(ended)}")
    quick = p99(beside.profiles) < 0.5 and p99(beside.refreshes) < 0.5
    print("met" if served and quick else "MISSED", "nobody refused, p99 of profile and refresh below 500 ms")
    return 0 if served and quick else 1


if __name__ == "__main__":
    sys.exit(main())
