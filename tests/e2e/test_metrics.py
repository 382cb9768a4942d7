"""What is told of a server with two worker processes, whichever of them is asked."""

import re
from secrets import token_hex

from prometheus_client.parser import text_string_to_metric_families

from bootstrap.asgi import create_app
from bootstrap.container import make_container
from tests.support.application import alive, client_in_process, settings_for
from tests.support.client import Person, ServiceClient, SignedIn
from tests.support.database import DatabaseServer
from tests.support.server import Server

Figures = dict[tuple[str, tuple[str, ...]], float]


async def figures_of(client: ServiceClient) -> Figures:
    answer = await client.http.get("/metrics", headers={"Connection": "close"})
    assert answer.status_code == 200
    return {
        (
            sample.name.removeprefix("crm_auth_"),
            tuple(value for _, value in sorted(sample.labels.items())),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def test_any_worker_tells_what_all_have_done(client: ServiceClient, server: Server) -> None:
    before = await figures_of(client)
    people = [await client.registered() for _ in range(3)]
    for person in people:
        signed_in = SignedIn.of(await client.log_in(person.username, person.password, Connection="close"))
        assert (await client.refresh(signed_in.refresh_token)).status_code == 200
        assert (await client.log_in(person.username, "not the password at all")).status_code == 401
        assert (await client.refresh(signed_in.refresh_token + "x")).status_code == 401

    wanted = {
        ("sign_ups_total", ("succeeded",)): 1,
        ("sign_ins_total", ("succeeded",)): 1,
        ("sign_ins_total", ("invalid_credentials",)): 1,
        ("refreshes_total", ("succeeded",)): 1,
        ("refreshes_total", ("invalid_refresh_token",)): 1,
        ("http_requests_total", ("POST", "/v1/sessions", "201")): 1,
        ("http_request_duration_seconds_count", ("POST", "/v1/sessions")): 2,
    }
    wanted = {key: each * len(people) for key, each in wanted.items()}
    grown: dict[tuple[str, tuple[str, ...]], float] = {}
    for _ in range(100):
        # What another worker did last is told a moment later.
        now = await figures_of(client)
        grown = {key: now.get(key, 0) - before.get(key, 0) for key in wanted}
        if grown == wanted:
            break
    assert grown == wanted
    assert now["database_connections", ("limit",)] == 2 * int(server.settings["CRM_AUTH_DATABASE_POOL_SIZE"])


async def test_counters_never_go_back(client: ServiceClient) -> None:
    last: Figures = {}
    for _ in range(20):
        now = await figures_of(client)
        counters = {key: value for key, value in now.items() if re.search("_(total|count|bucket)$", key[0])}
        assert not [key for key, value in last.items() if counters[key] < value]
        last = counters


async def test_g02_nothing_that_was_sent_is_told(client: ServiceClient) -> None:
    canary = f"canary{token_hex(4)}"
    person = Person(email=f"{canary}@example.test", username=canary, password=f"{canary} walnut ferry copper")
    assert (await client.sign_up(person)).status_code == 201
    headers = {"User-Agent": canary, "X-Request-ID": canary, "X-Forwarded-For": canary, "Referer": canary}
    signed_in = SignedIn.of(await client.log_in(person.email, person.password, **headers))
    await client.log_in(canary, canary)
    await client.http.get(f"/{canary}?{canary}", headers=headers)
    await client.http.request(canary.upper(), f"/v1/sessions/{canary}", headers={"Authorization": f"Bearer {canary}"})
    await client.refresh(signed_in.refresh_token)

    text = (await client.http.get("/metrics")).text

    assert canary not in text.lower()
    assert not re.search(r"127\.0\.0\.1|@|crm_rt_|eyJ", text)


async def test_ended_sessions_are_told_by_their_reason(database_server: DatabaseServer) -> None:
    url = await database_server.create()
    container = make_container(settings_for(url))
    app = create_app(container.settings(), container)
    async with alive(app), client_in_process(app) as client:
        signed_in = await client.signed_in()
        await client.log_out(signed_in.access_token)
        await container.adapters.session_ends().look()
        told = await figures_of(client)
    await database_server.drop(url)
    assert told["sessions_ended_last_hour", ("logged_out",)] == 1
    assert told["sessions_ended_last_hour", ("refresh_token_reused",)] == 0
