"""One's own sessions over HTTP: seen and ended by their owner, and by nobody else (O02, O05 to O08)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer, problem_of
from tests.support.rows import connected, end_reason, event_types, let_pass


@pytest.fixture(scope="module")
async def database_url(database_server: Any) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, rate_limits=False)) as client:
        yield client


async def listed(client: ServiceClient, session: SignedIn, query: str = "") -> dict[str, Any]:
    answer = await client.http.get(f"/v1/sessions{query}", headers=bearer(session.access_token))
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def end(client: ServiceClient, session: SignedIn, what: str) -> httpx.Response:
    return await client.http.delete(f"/v1/sessions{what}", headers=bearer(session.access_token))


async def is_live(client: ServiceClient, session: SignedIn) -> bool:
    """By both tokens, which must agree."""
    read, refreshed = await client.session(session.access_token), await client.refresh(session.refresh_token)
    statuses = (read.status_code, refreshed.status_code)
    assert statuses in {(200, 200), (401, 401)}
    return statuses == (200, 200)


async def test_o05_a_user_sees_where_they_are_signed_in(client: ServiceClient) -> None:
    """O05: what, from where, since when and until when."""
    person = await client.registered()
    phone = SignedIn.of(await client.log_in(person.email, person.password, **{"User-Agent": "A phone"}))
    laptop = await client.signed_in(person)

    items = (await listed(client, phone))["items"]

    assert [item["id"] for item in items] == [str(laptop.session_id), str(phone.session_id)]
    assert [item["current"] for item in items] == [False, True]
    mine = (await client.session(phone.access_token)).json()
    assert items[1] == mine
    assert (mine["user_agent"], mine["ip_address"], mine["authentication_methods"]) == ("A phone", "127.0.0.1", ["pwd"])
    assert mine["created_at"] == mine["last_used_at"] < mine["idle_expires_at"] < mine["expires_at"]


async def test_o07_a_list_holds_nothing_that_opens_anything(client: ServiceClient, database_url: str) -> None:
    """O07: neither is an id a token."""
    session = await client.signed_in()
    async with connected(database_url) as connection:
        digest = await connection.fetchval("SELECT refresh_digest FROM sessions WHERE id = $1", session.session_id)
    answer = await client.http.get("/v1/sessions", headers=bearer(session.access_token))
    [item] = answer.json()["items"]
    assert set(item) == {
        "id", "created_at", "last_used_at", "idle_expires_at", "expires_at", "ip_address", "user_agent", "device",
        "current", "authentication_methods",
    }  # fmt: skip
    for secret in (session.refresh_token, session.access_token, digest.hex()):
        assert secret not in answer.text
    assert (await client.refresh(item["id"])).status_code == 401
    assert (await client.profile(item["id"])).status_code == 401
    assert answer.headers["cache-control"] == "no-store"


async def test_pages(client: ServiceClient) -> None:
    person = await client.registered()
    sessions = [await client.signed_in(person) for _ in range(5)]
    query, found, sizes = "?limit=2", [], []
    while query:
        page = await listed(client, sessions[0], query)
        found += [item["id"] for item in page["items"]]
        sizes.append(len(page["items"]))
        query = f"?limit=2&cursor={page['next_cursor']}" if page["next_cursor"] else ""
    assert found == [str(session.session_id) for session in reversed(sessions)]
    assert sizes == [2, 2, 1]


async def test_a_cursor_of_somebody_else_shows_nothing_of_theirs(client: ServiceClient) -> None:
    ada, mallory = await client.registered(), await client.signed_in()
    sessions = [await client.signed_in(ada) for _ in range(2)]
    cursor = (await listed(client, sessions[0], "?limit=1"))["next_cursor"]
    for stolen in (cursor, "A" * 32, f"f_{'_' * 30}"[:32]):
        answer = await client.http.get(f"/v1/sessions?cursor={stolen}", headers=bearer(mallory.access_token))
        assert answer.status_code in {200, 422}
        ids = {item["id"] for item in answer.json().get("items", [])}
        assert ids <= {str(mallory.session_id)}


@pytest.mark.parametrize("microseconds", [-(2**63), -62_135_596_800_000_000, 253_402_300_799_999_999, 2**63 - 1])
async def test_a_cursor_of_any_age_is_no_failure_of_ours(client: ServiceClient, microseconds: int) -> None:
    import base64  # noqa: PLC0415
    import struct  # noqa: PLC0415

    session = await client.signed_in()
    cursor = base64.urlsafe_b64encode(struct.pack(">q16s", microseconds, b"\xff" * 16)).decode()
    answer = await client.http.get(f"/v1/sessions?cursor={cursor}", headers=bearer(session.access_token))
    assert answer.status_code in {200, 422}


async def test_one_session_is_ended_from_another(client: ServiceClient, database_url: str) -> None:
    person = await client.registered()
    mine, lost, third = [await client.signed_in(person) for _ in range(3)]

    assert (await end(client, mine, f"/{lost.session_id}")).status_code == 204

    assert [await is_live(client, each) for each in (mine, lost, third)] == [True, False, True]
    assert await end_reason(database_url, lost.session_id) == "revoked"
    assert await event_types(database_url, lost.session_id) == ["session.started", "session.ended"]
    assert (await end(client, mine, f"/{lost.session_id}")).status_code == 404, "it has ended already"
    assert await event_types(database_url, lost.session_id) == ["session.started", "session.ended"]


async def test_the_current_session_ends_by_its_id(client: ServiceClient, database_url: str) -> None:
    mine = await client.signed_in()

    assert (await end(client, mine, f"/{mine.session_id}")).status_code == 204

    assert not await is_live(client, mine)
    assert await end_reason(database_url, mine.session_id) == "logged_out"
    assert problem_of(await end(client, mine, f"/{mine.session_id}"))["code"] == "invalid_token"


async def test_o06_what_is_not_ones_own_is_answered_alike(client: ServiceClient) -> None:
    """O06: in every byte but the request's own path and id."""
    person = await client.registered()
    mine, gone, idle = [await client.signed_in(person) for _ in range(3)]
    stranger = await client.signed_in()
    await client.log_out(gone.access_token)
    answers = []
    for path in (f"/{stranger.session_id}", f"/{gone.session_id}", "/0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01", "/1",
                 f"/{str(idle.session_id).upper()}"):  # fmt: skip
        answer = await end(client, mine, path)
        assert answer.status_code == 404
        problem = problem_of(answer)
        del problem["instance"]
        answers.append(problem)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["code"] == "session_not_found"
    assert await is_live(client, stranger)
    assert await is_live(client, idle)


async def test_an_expired_session_is_not_there(client: ServiceClient, database_url: str) -> None:
    person = await client.registered()
    mine, idle = [await client.signed_in(person) for _ in range(2)]
    await let_pass(database_url, idle.session_id, timedelta(hours=1))

    assert [item["id"] for item in (await listed(client, mine))["items"]] == [str(mine.session_id)]
    assert (await end(client, mine, f"/{idle.session_id}")).status_code == 404


async def test_malformed_ids_do_not_let_the_signed_out_ask(client: ServiceClient) -> None:
    mine = await client.signed_in()
    await client.log_out(mine.access_token)
    for path in ("/1", f"/{mine.session_id}", "", "?except=current"):
        assert problem_of(await end(client, mine, path))["code"] == "invalid_token"


@pytest.mark.parametrize(("query", "survives"), [("", False), ("?except=current", True)])
async def test_everywhere(client: ServiceClient, database_url: str, query: str, *, survives: bool) -> None:
    person = await client.registered()
    mine, *others = [await client.signed_in(person) for _ in range(4)]
    stranger = await client.signed_in()

    assert (await end(client, mine, query)).status_code == 204

    assert await is_live(client, mine) is survives
    assert await is_live(client, stranger)
    assert [await is_live(client, other) for other in others] == [False] * 3
    assert {await end_reason(database_url, other.session_id) for other in others} == {"revoked"}
    assert await end_reason(database_url, mine.session_id) == (None if survives else "logged_out")
    for session in (*others, *([] if survives else [mine])):
        assert await event_types(database_url, session.session_id) == ["session.started", "session.ended"]


async def _refresh_on(client: ServiceClient, session: SignedIn) -> SignedIn:
    """Refresh until refused; the last tokens there were."""
    while (answer := await client.refresh(session.refresh_token)).status_code == 200:
        session = SignedIn.of(answer)
    assert problem_of(answer)["code"] == "invalid_refresh_token"
    return session


async def _sign_in_on(client: ServiceClient, person: Person, done: asyncio.Event) -> list[SignedIn]:
    opened = []
    while not done.is_set():
        opened.append(await client.signed_in(person))
    return opened


async def test_o02_o08_x13_no_session_survives_its_end_raced_with_refreshes_and_sign_ins(client: ServiceClient) -> None:
    """O02, O08: whatever was begun before the end of all was acknowledged is ended or came after it."""
    for _ in range(5):
        person = await client.registered()
        mine, *others = [await client.signed_in(person) for _ in range(9)]
        done = asyncio.Event()
        refreshing = [asyncio.create_task(_refresh_on(client, other)) for other in others]
        signing_in = [asyncio.create_task(_sign_in_on(client, person, done)) for _ in range(2)]
        before = await client.signed_in(person)

        assert (await end(client, mine, "?except=current")).status_code == 204
        done.set()

        last = await asyncio.gather(*refreshing)
        assert [await is_live(client, session) for session in (before, *last)] == [False] * 9
        opened = [session for sessions in await asyncio.gather(*signing_in) for session in sessions]
        listed_ids = {UUID(item["id"]) for item in (await listed(client, mine, "?limit=100"))["items"]}
        live = {session.session_id for session in opened if await is_live(client, session)}
        assert listed_ids == live | {mine.session_id}
        assert await is_live(client, mine)


async def test_of_many_who_end_one_session_one_is_told_so(client: ServiceClient, database_url: str) -> None:
    person = await client.registered()
    mine, lost = [await client.signed_in(person) for _ in range(2)]

    answers = await asyncio.gather(*(end(client, mine, f"/{lost.session_id}") for _ in range(8)))

    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 7
    assert await event_types(database_url, lost.session_id) == ["session.started", "session.ended"]


async def test_o08_one_worker_sees_what_another_ended(database_url: str, client: ServiceClient) -> None:
    """O08: nothing is remembered in a process."""
    person = await client.registered()
    mine, lost = [await client.signed_in(person) for _ in range(2)]
    async with served(settings_for(database_url, rate_limits=False)) as elsewhere:
        assert await is_live(elsewhere, lost)
        assert (await end(client, mine, f"/{lost.session_id}")).status_code == 204
        assert (await elsewhere.profile(lost.access_token)).status_code == 401
