"""Signing keys and secrets that change while people are signed in."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from itertools import product

import jwt
import pytest

from application.origin import NOWHERE
from bootstrap import lifespan
from bootstrap.asgi import create_app
from bootstrap.container import Container, make_container
from infrastructure.postgres import idempotency_keys
from infrastructure.tokens.key_ring import KeyRing
from infrastructure.tokens.key_rotation import KeyRotation
from tests.support.application import alive, client_in_process, served, settings_for
from tests.support.client import ServiceClient
from tests.support.database import DatabaseServer
from tests.support.rows import connected
from tests.support.server import SECRET_KEY, run_crm_auth, settings_on

OTHER_SECRET_KEY = "Zt4Yw8Qe2Rk6Mn0Pb5Vc9Xs3Lf7Hj1Gd4Ua8Ti2Ro6E"


@pytest.fixture
async def fresh(database_server: DatabaseServer) -> AsyncIterator[str]:
    """A database of the test's own: keys are not to change under the server that other tests share."""
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@asynccontextmanager
async def node(database_url: str) -> AsyncIterator[tuple[Container, ServiceClient]]:
    settings = settings_for(database_url)
    container = make_container(settings)
    app = create_app(settings, container)
    async with alive(app), client_in_process(app) as client:
        yield container, client


def kid_of(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_k07_a_planned_rotation_refuses_no_token(fresh: str) -> None:
    """Whichever node has heard of it and whichever has not: what one signs, all take."""
    async with node(fresh) as (one, client), node(fresh) as (two, other_client):
        rings: list[KeyRing] = [each.adapters.key_ring() for each in (one, two)]
        rotation: KeyRotation = one.adapters.key_rotation()
        before = await client.signed_in()
        for _ in range(2):
            await rotation.rotate(NOWHERE, at_once=True)
            for ring in rings:
                for signer, verifier in product(rings, rings):
                    token = signer.signing.sign(b"payload", "at+jwt")
                    key = verifier.verifying(kid_of(token))
                    assert key is not None
                    assert key.verify(token) == b"payload"
                await ring.reload()
                for each in (client, other_client):
                    assert (await each.profile(before.access_token)).status_code == 200, "of the key before"
        after = await client.signed_in()
        assert kid_of(after.access_token) != kid_of(before.access_token)
        assert (await other_client.profile(after.access_token)).status_code == 200
        published = {key["kid"] for key in (await client.http.get("/.well-known/jwks.json")).json()["keys"]}
        assert {kid_of(before.access_token), kid_of(after.access_token)} < published


async def test_k08_a_revoked_key_is_worth_nothing_and_nobody_is_signed_out(fresh: str) -> None:
    """Within the half minute after which each node loads the keys again."""
    assert lifespan.UPKEEP_INTERVAL.total_seconds() <= 30
    async with node(fresh) as (container, client):
        ada = await client.signed_in()
        assert (await client.profile(ada.access_token)).status_code == 200, "and its verification is remembered"
        await container.adapters.key_rotation().revoke(kid_of(ada.access_token), NOWHERE)
        await container.adapters.key_ring().reload()
        refused = await client.profile(ada.access_token)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_token")
        published = (await client.http.get("/.well-known/jwks.json")).json()["keys"]
        assert kid_of(ada.access_token) not in {key["kid"] for key in published}
        refreshed = await client.refresh(ada.refresh_token)
        assert refreshed.status_code == 200
        assert (await client.profile(refreshed.json()["access_token"])).status_code == 200


async def test_k08_no_purge_holds_a_revocation_up(fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hangs = asyncio.Event()

    async def hang(_: object) -> None:
        hangs.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(idempotency_keys, "purge", hang)
    monkeypatch.setattr(lifespan, "UPKEEP_INTERVAL", timedelta(milliseconds=20))
    async with node(fresh) as (container, client), asyncio.timeout(30):
        ada = await client.signed_in()
        await hangs.wait()
        await container.adapters.key_rotation().revoke(kid_of(ada.access_token), NOWHERE)
        while (await client.profile(ada.access_token)).status_code != 401:  # noqa: ASYNC110 - asks as a client would
            await asyncio.sleep(0.01)


def _keys(url: str, *arguments: str, **changes: str) -> tuple[int, dict[str, list[dict[str, str]]], str]:
    run = run_crm_auth("keys", *arguments, "--json", settings=settings_on(url, **changes))
    return run.returncode, json.loads(run.stdout or "{}"), run.stderr


async def test_k07_k08_the_commands(fresh: str) -> None:
    async with served(settings_for(fresh)):
        pass
    code, listed, _ = await asyncio.to_thread(_keys, fresh, "list")
    assert (code, sorted(key["state"] for key in listed["items"])) == (0, ["active", "next"])
    code, _, said = await asyncio.to_thread(_keys, fresh, "rotate")
    assert (code, "--at-once" in said) == (1, True), "the next key is too new"
    code, rotated, _ = await asyncio.to_thread(_keys, fresh, "rotate", "--at-once")
    states = {key["state"]: key["kid"] for key in rotated["items"]}
    assert (code, sorted(states)) == (0, ["active", "next", "retired"])
    # C07: also with a secret that opens none of them, with which the service does not start.
    code, revoked, _ = await asyncio.to_thread(
        _keys, fresh, "revoke", states["active"], "--yes", secret_key=OTHER_SECRET_KEY
    )
    assert code == 0
    assert {key["kid"]: key["state"] for key in revoked["items"]}[states["active"]] == "revoked"
    assert sorted(key["state"] for key in revoked["items"]) == ["active", "next", "retired", "revoked"]
    assert (await asyncio.to_thread(_keys, fresh, "revoke", "nothing", "--yes"))[0] == 3
    async with connected(fresh) as connection:
        rows = await connection.fetch(
            "SELECT type, data ->> 'actor' AS actor FROM events"
            " WHERE type IN ('signing_key.rotated', 'signing_key.revoked') ORDER BY position"
        )
    assert [row["type"] for row in rows] == ["signing_key.rotated", "signing_key.revoked"]
    assert all(row["actor"].startswith("operator:") for row in rows)


async def test_c07_the_secret_key_changes_and_sessions_go_on(fresh: str) -> None:
    """By the steps of the operator guide; what was not used in between is what ends."""
    async with served(settings_for(fresh, secret_key=(SECRET_KEY,))) as client:
        used, unused = await client.signed_in(), await client.signed_in()
    async with served(settings_for(fresh, secret_key=(SECRET_KEY, OTHER_SECRET_KEY))) as client:
        assert (await client.profile(used.access_token)).status_code == 200
    async with served(settings_for(fresh, secret_key=(OTHER_SECRET_KEY, SECRET_KEY))) as client:
        assert (await client.profile(used.access_token)).status_code == 200, "the signing key was sealed anew"
        refreshed = await client.refresh(used.refresh_token)
        assert refreshed.status_code == 200
    async with served(settings_for(fresh, secret_key=(OTHER_SECRET_KEY,))) as client:
        assert (await client.profile(used.access_token)).status_code == 200
        assert (await client.refresh(refreshed.json()["refresh_token"])).status_code == 200
        refused = await client.refresh(unused.refresh_token)
        assert (refused.status_code, refused.json()["code"]) == (401, "invalid_refresh_token")
