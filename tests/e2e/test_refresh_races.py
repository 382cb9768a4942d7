"""Many at once, over HTTP and two workers: one chain of refresh tokens, one account, and a sign-out that counts."""

import asyncio
import os
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import WORKERS
from tests.support.client import Person, ServiceClient, SignedIn, client_of, problem_of
from tests.support.figures import figure
from tests.support.rows import end_reason, event_types, let_pass
from tests.support.server import Server

ROUNDS = int(os.environ.get("TEST_REFRESH_ROUNDS", "10"))
AT_ONCE = 64
LATE = timedelta(seconds=11)
"""More than the grace within which a repeat is taken for a lost answer."""


async def _warm(client: ServiceClient) -> None:
    """Open all the connections, so that requests which are sent at once also arrive at once."""
    await asyncio.gather(*(client.http.get("/health/ready") for _ in range(AT_ONCE)))


async def test_r01_r02_r13_x13_refreshing_at_once_gives_one_successor_and_signs_nobody_out(
    server: Server, database_url: str
) -> None:
    """R02, R13: whoever of the 64 asks first, all are told the same."""
    async with client_of(server.url, connections=AT_ONCE) as client:
        session = await client.signed_in()
        await _warm(client)
        assert _workers_reached(server) == WORKERS
        statuses: Counter[int] = Counter()
        successors_per_round: Counter[int] = Counter()
        for _ in range(ROUNDS):
            answers = await asyncio.gather(*(client.refresh(session.refresh_token) for _ in range(AT_ONCE)))
            statuses.update(answer.status_code for answer in answers)
            given = [SignedIn.of(answer) for answer in answers if answer.is_success]
            successors_per_round[len({one.refresh_token for one in given})] += 1
            assert given, statuses
            session = given[-1]
        assert statuses == {200: AT_ONCE * ROUNDS}
        assert successors_per_round == {1: ROUNDS}
        assert (await client.session(session.access_token)).status_code == 200
        assert (await client.refresh(session.refresh_token)).status_code == 200
        assert await event_types(database_url, session.session_id) == ["session.started"]
        figure(f"{ROUNDS} rounds of {AT_ONCE}: {dict(statuses)}, distinct successors {dict(successors_per_round)}")


def _workers_reached(server: Server) -> int:
    """How many worker processes hold connections of clients."""
    if sys.platform != "linux":
        return WORKERS
    of_clients = _sockets_at(server.port)
    held = Counter(pid for pid in _children(server.process.pid) if of_clients & _sockets_of(pid))
    return len(held)


def _sockets_at(port: int) -> set[str]:
    """The inodes of the established connections to that port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"}


def _sockets_of(pid: int) -> set[str]:
    found = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return found


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("first", ["owner", "thief"])
async def test_r04_owner_and_thief_taking_turns_end_the_session_within_two_generations(
    client: ServiceClient, database_url: str, first: str
) -> None:
    """R04: each comes late, so neither can be told from a phone that slept; but not twice running."""
    ada = await client.registered()
    elsewhere = await client.signed_in(ada)
    stolen = await client.signed_in(ada)
    holders = {"owner": stolen.refresh_token, "thief": stolen.refresh_token}
    turns = ["owner", "thief"] if first == "owner" else ["thief", "owner"]
    tokens, answers = [stolen], list[httpx.Response]()
    for turn in turns * 3:
        answer = await client.refresh(holders[turn])
        answers.append(answer)
        if not answer.is_success:
            break
        tokens.append(SignedIn.of(answer))
        holders[turn] = tokens[-1].refresh_token
        await let_pass(database_url, stolen.session_id, LATE)
    assert answers[-1].status_code == 401
    generations = {token.refresh_token for token in tokens}
    assert len(generations) <= 3, "the stolen one and two generations after it"
    await _assert_dead(client, tokens)
    assert await end_reason(database_url, stolen.session_id) == "refresh_token_reused"
    assert await event_types(database_url, stolen.session_id) == ["session.started", "session.ended"]
    assert (await client.refresh(elsewhere.refresh_token)).status_code == 200, "R05: that session only"


async def test_r04_a_token_replaced_long_ago_ends_the_session(client: ServiceClient, database_url: str) -> None:
    """R04: nobody honest comes back with it."""
    kept = await client.signed_in()
    second = SignedIn.of(await client.refresh(kept.refresh_token))
    await let_pass(database_url, kept.session_id, LATE)
    third = SignedIn.of(await client.refresh(second.refresh_token))
    await let_pass(database_url, kept.session_id, LATE)
    assert (await client.refresh(kept.refresh_token)).status_code == 401
    await _assert_dead(client, [kept, second, third])


async def test_r03_a_lost_answer_is_asked_for_again_however_late(client: ServiceClient, database_url: str) -> None:
    """R03: the same successor, and the chain goes on."""
    session = await client.signed_in()
    lost = SignedIn.of(await client.refresh(session.refresh_token))
    await let_pass(database_url, session.session_id, timedelta(minutes=30))
    again = SignedIn.of(await client.refresh(session.refresh_token))
    assert again.refresh_token == lost.refresh_token
    assert (await client.refresh(again.refresh_token)).status_code == 200


@pytest.mark.parametrize("attempt", range(5))
async def test_o01_o02_x13_sign_out_racing_with_refreshes_leaves_a_dead_session(
    client: ServiceClient, database_url: str, attempt: int
) -> None:
    """O02: whichever came first."""
    session = await client.signed_in()
    before, after = attempt * 2, 8 - attempt * 2
    refreshes = [client.refresh(session.refresh_token) for _ in range(8)]
    answers = await asyncio.gather(
        *refreshes[:before], client.log_out(session.access_token), *refreshes[before : before + after]
    )
    assert answers[before].status_code == 204
    others = [answer for answer in answers if answer is not answers[before]]
    assert {answer.status_code for answer in others} <= {200, 401}
    given = [SignedIn.of(answer) for answer in others if answer.is_success]
    assert len({one.refresh_token for one in given}) <= 1
    await _assert_dead(client, [session, *given])
    assert await end_reason(database_url, session.session_id) == "logged_out"


async def _assert_dead(client: ServiceClient, tokens: list[SignedIn]) -> None:
    for token in tokens:
        refused = await client.refresh(token.refresh_token)
        assert (refused.status_code, problem_of(refused)["code"]) == (401, "invalid_refresh_token")
        assert (await client.session(token.access_token)).status_code == 401
        assert (await client.profile(token.access_token)).status_code == 401


async def test_s12_x13_sixteen_sign_ups_at_once_for_one_identity(server: Server) -> None:
    """S12: one is created, the others are told that both identifiers are taken."""
    wanted = Person.new("grace")
    async with client_of(server.url) as client:
        await _warm(client)
        people = [
            Person(str.title(wanted.email) if number % 2 else wanted.email.upper(), wanted.username, wanted.password)
            for number in range(16)
        ]
        answers = await asyncio.gather(*map(client.sign_up, people))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}
        for answer in answers:
            if answer.status_code == 409:
                problem = problem_of(answer)
                assert problem["code"] == "email_taken"
                assert {error["pointer"] for error in problem["errors"]} == {"/email", "/username"}
        assert (await client.log_in(wanted.email, wanted.password)).status_code == 201


@pytest.mark.parametrize("shared", ["email", "username"])
async def test_s12_x13_sixteen_sign_ups_at_once_for_one_identifier(server: Server, shared: str) -> None:
    """S12: by address and by name; the loser is told which one it is."""
    wanted = Person.new("grace")
    async with client_of(server.url) as client:
        await _warm(client)
        others = [Person.new("hopper") for _ in range(16)]
        people = [
            Person(wanted.email, other.username, other.password)
            if shared == "email"
            else Person(other.email, wanted.username.swapcase() if number % 2 else wanted.username, other.password)
            for number, other in enumerate(others)
        ]
        answers = await asyncio.gather(*map(client.sign_up, people))
        assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 15}
        for answer in answers:
            if answer.status_code == 409:
                problem = problem_of(answer)
                assert problem["code"] == f"{shared}_taken"
                assert [error["pointer"] for error in problem["errors"]] == [f"/{shared}"]
        losers = [person for person, answer in zip(people, answers, strict=True) if answer.status_code == 409]
        refused = await client.log_in(losers[0].username if shared == "email" else losers[0].email, wanted.password)
        assert refused.status_code == 401, "nothing of a loser is left"
