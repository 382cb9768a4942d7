"""A session that ends while something it asked for waits: nothing of it is done (S16, P02).

Whoever takes an account over by a reset, or changes its password, holds its rows for a moment. What a stranger's
session sent in that moment must not be written behind that.
"""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import asyncpg
import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer
from tests.support.photos import picture
from tests.support.rows import connected

Call = Callable[[ServiceClient, Person, SignedIn, UUID], Awaitable[httpx.Response]]

WAITS = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')
"""
STATE = """
SELECT u.username, u.display_name, u.photo_id, (SELECT array_agg(e.email) FROM email_changes AS e) AS new_emails,
    (SELECT count(*) FROM sessions WHERE ended_at IS NULL) AS live, (SELECT count(*) FROM events) AS events
FROM users AS u WHERE u.id = $1
"""


def change_profile(client: ServiceClient, _: Person, session: SignedIn, __: UUID) -> Awaitable[httpx.Response]:
    body = {"display_name": "Somebody else", "username": "somebody.else"}
    return client.http.patch("/v1/users/me", json=body, headers=bearer(session.access_token))


def set_photo(client: ServiceClient, _: Person, session: SignedIn, __: UUID) -> Awaitable[httpx.Response]:
    headers = bearer(session.access_token) | {"Content-Type": "image/png"}
    return client.http.put("/v1/users/me/photo", content=picture(), headers=headers)


def ask_for_another_address(
    client: ServiceClient, person: Person, session: SignedIn, _: UUID
) -> Awaitable[httpx.Response]:
    body = {"new_email": "somebody.else@example.test", "password": person.password}
    return client.http.post("/v1/users/me/email", json=body, headers=bearer(session.access_token))


def end_another_session(client: ServiceClient, _: Person, session: SignedIn, other: UUID) -> Awaitable[httpx.Response]:
    return client.http.delete(f"/v1/sessions/{other}", headers=bearer(session.access_token))


def end_all_sessions(client: ServiceClient, _: Person, session: SignedIn, __: UUID) -> Awaitable[httpx.Response]:
    return client.http.delete("/v1/sessions", headers=bearer(session.access_token))


def delete_account(client: ServiceClient, person: Person, session: SignedIn, _: UUID) -> Awaitable[httpx.Response]:
    body = {"password": person.password}
    return client.http.post("/v1/users/me/deletion", json=body, headers=bearer(session.access_token))


@pytest.mark.parametrize(
    "call",
    [change_profile, set_photo, ask_for_another_address, end_another_session, end_all_sessions, delete_account],
)
async def test_s16_p02_x13_a_session_that_has_ended_meanwhile_does_nothing(database_url: str, call: Call) -> None:
    async with served(settings_for(database_url)) as client, connected(database_url) as looking:
        person = await client.registered()
        session, other = await client.signed_in(person), await client.signed_in(person)
        async with connected(database_url) as holding, holding.transaction():
            await holding.execute("SELECT FROM users WHERE id = $1 FOR UPDATE", session.user_id)
            calling = asyncio.ensure_future(call(client, person, session, other.session_id))
            await _until_it_waits(looking, calling)
            ends = "UPDATE sessions SET ended_at = now(), end_reason = 'password_reset' WHERE id = $1"
            await holding.execute(ends, session.session_id)
            left = await holding.fetchrow(STATE, session.user_id)
        answer = await calling

        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")
        assert await looking.fetchrow(STATE, session.user_id) == left


async def _until_it_waits(
    looking: "asyncpg.Connection[asyncpg.Record]", calling: "asyncio.Future[httpx.Response]"
) -> None:
    async with asyncio.timeout(10):
        while not await looking.fetchval(WAITS):
            assert not calling.done()
            await asyncio.sleep(0.01)
