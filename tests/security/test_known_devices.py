"""Whom strangers' guesses keep out, and what the answers of limited routes tell."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from litestar import Litestar

from bootstrap.asgi import create_app
from infrastructure.metrics.catalogue import LIMITS_REFUSED
from interfaces.http.device_token import COOKIE
from tests.support.application import alive, client_in_process, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer

WRONG = "never the password of anybody"
NEW = "saffron ladder orbit velvet"
BURST = 10


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Litestar]:
    app = create_app(settings_for(database_url))
    async with alive(app):
        yield app


@pytest.fixture
async def owner(app: Litestar) -> AsyncIterator[ServiceClient]:
    async with client_in_process(app, "192.0.2.10") as client:
        yield client


@pytest.fixture
async def stranger(app: Litestar) -> AsyncIterator[ServiceClient]:
    async with client_in_process(app, "203.0.113.66") as client:
        yield client


def device_of(answer: httpx.Response) -> dict[str, str]:
    """The device of a sign-in, as a header of the next one."""
    return {"X-Device-Token": answer.headers["x-device-token"]}


async def use_up(client: ServiceClient, person: Person, **headers: str) -> int:
    """Guess until refused; how many passwords were looked at."""
    looked_at = 0
    while (await client.log_in(person.email, WRONG, **headers)).status_code == 401:
        looked_at += 1
    return looked_at


async def test_l06_strangers_keep_no_known_device_out(owner: ServiceClient, stranger: ServiceClient) -> None:
    """Neither from afar nor from behind the same address."""
    ada = await owner.registered()
    device = device_of(await owner.log_in(ada.email, ada.password))
    assert await use_up(stranger, ada) == BURST
    await use_up(owner, ada)
    assert (await owner.log_in(ada.email, ada.password)).status_code == 429

    for _ in range(12):
        answer = await owner.log_in(ada.username, ada.password, **device)
        assert answer.status_code == 201
        assert answer.headers["x-device-token"] != device["X-Device-Token"]
    assert (await owner.log_in(ada.email, ada.password, Cookie=f"a=b; {COOKIE}={device['X-Device-Token']}")).is_success


async def test_d02_a_device_of_another_account_is_no_way_around_what_is_refused_already(
    owner: ServiceClient, stranger: ServiceClient
) -> None:
    ada, mallory = await owner.registered(), await stranger.registered("mallory")
    device = device_of(await stranger.log_in(mallory.email, mallory.password))
    assert await use_up(stranger, ada, **device) == BURST
    asked, repeated = (LIMITS_REFUSED.values.get((name,), 0) for name in ("sign_in.pair", "sign-in repeated"))

    for _ in range(3):
        assert (await stranger.log_in(ada.email, WRONG, **device)).status_code == 429

    assert LIMITS_REFUSED.values["sign_in.pair",] == asked
    assert LIMITS_REFUSED.values["sign-in repeated",] == repeated + 3
    assert (await stranger.log_in(mallory.email, mallory.password, **device)).status_code == 201


async def test_l01_whoever_is_refused_is_told_of_the_reset_whether_there_is_an_account(
    owner: ServiceClient, stranger: ServiceClient
) -> None:
    """Behind a hundred failures in a row no waiting helps."""
    ada = await owner.registered()
    details = set()
    for name in (ada.email, "nobody@example.test"):
        while (answer := await stranger.log_in(name, WRONG)).status_code == 401:
            pass
        details |= {answer.json()["detail"], (await stranger.log_in(name, WRONG)).json()["detail"]}
    assert details == {"Too many attempts. Wait, or reset your password."}


async def test_l06_the_header_counts_before_the_cookie(owner: ServiceClient, stranger: ServiceClient) -> None:
    ada = await owner.registered()
    good = device_of(await owner.log_in(ada.email, ada.password))["X-Device-Token"]
    await use_up(stranger, ada)
    await use_up(owner, ada)

    async def status(header: str, cookie: str) -> int:
        headers = {"X-Device-Token": header, "Cookie": f"{COOKIE}={cookie}"}
        return (await owner.log_in(ada.email, ada.password, **headers)).status_code

    assert await status(good, "none") == 201
    assert await status("none", good) == 429


async def test_l06_what_is_no_token_of_this_account_is_as_good_as_none(
    owner: ServiceClient, stranger: ServiceClient
) -> None:
    ada, mallory = await owner.registered(), await stranger.registered()
    text = device_of(await owner.log_in(ada.email, ada.password))["X-Device-Token"]
    foreign = device_of(await stranger.log_in(mallory.email, mallory.password))["X-Device-Token"]
    plain = await stranger.log_in(ada.email, WRONG)
    for token in (foreign, text[:-1], text[:-1] + "!", text.upper(), "crm_dv_" + "A" * 84, "", "x" * 5000):
        answer = await stranger.log_in(ada.email, WRONG, **{"X-Device-Token": token})
        assert (answer.status_code, answer.content) == (401, plain.content), token
    assert await use_up(stranger, ada) == BURST - 8, "and counted as if there were none"


async def test_l06_another_password_makes_it_worthless_and_gives_a_new_one(
    owner: ServiceClient, stranger: ServiceClient
) -> None:
    ada = await owner.registered()
    signed_in = await owner.log_in(ada.email, ada.password)
    body = {"current_password": ada.password, "new_password": NEW}
    session = SignedIn.of(signed_in)
    changed = await owner.http.put("/v1/users/me/password", json=body, headers=bearer(session.access_token))
    assert changed.status_code == 200
    await use_up(stranger, ada)
    await use_up(owner, ada)

    assert (await owner.log_in(ada.email, NEW, **device_of(signed_in))).status_code == 429
    assert (await owner.log_in(ada.email, NEW, **device_of(changed))).status_code == 201


async def test_l06_it_opens_nothing(owner: ServiceClient) -> None:
    ada = await owner.registered()
    device = device_of(await owner.log_in(ada.email, ada.password))
    token = device["X-Device-Token"]

    assert (await owner.log_in(ada.email, WRONG, **device)).status_code == 401
    assert (await owner.http.get("/v1/users/me", headers=device)).status_code == 401
    assert (await owner.http.get("/v1/users/me", headers=bearer(token))).status_code == 401
    assert (await owner.refresh(token)).status_code == 401


async def test_l06_guesses_do_not_keep_the_owner_from_changing_the_password(
    owner: ServiceClient, stranger: ServiceClient
) -> None:
    ada = await owner.registered()
    session = await owner.signed_in(ada)
    await use_up(stranger, ada)
    await use_up(owner, ada)

    body = {"current_password": ada.password, "new_password": NEW}
    answer = await owner.http.put("/v1/users/me/password", json=body, headers=bearer(session.access_token))

    assert answer.status_code == 200
    assert answer.headers["ratelimit"].startswith('"reauthentication";r=')


async def test_g02_no_token_of_a_device_is_logged(
    owner: ServiceClient, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    ada = await owner.registered()
    device = device_of(await owner.log_in(ada.email, ada.password))
    await owner.log_in(ada.email, WRONG, **device)
    await owner.log_in(ada.email, WRONG, **{"X-Device-Token": device["X-Device-Token"][:-1]})

    said = "".join(capsys.readouterr()) + caplog.text
    assert device["X-Device-Token"][:40] not in said


FIELDS = re.compile(r'"(?P<policy>[a-z-]+)";r=(?P<left>\d+);t=(?P<seconds>\d+)')


def told(answer: httpx.Response) -> tuple[str, int, int]:
    match = FIELDS.fullmatch(answer.headers["ratelimit"])
    assert match, answer.headers["ratelimit"]
    assert answer.headers["ratelimit-policy"].startswith(f'"{match["policy"]}";q=')
    return match["policy"], int(match["left"]), int(match["seconds"])


async def test_d06_every_answer_of_a_limited_route_tells_what_is_left(stranger: ServiceClient) -> None:
    for left in reversed(range(BURST)):
        answer = await stranger.log_in("nobody@example.test", WRONG)
        assert "ratelimit" not in answer.headers, f"{left} are left, which would tell names of one account from others"
        assert answer.headers["ratelimit-policy"] == '"sign-in";q=10;w=600'
    for _ in range(3):
        refused = await stranger.log_in("nobody@example.test", WRONG)
        assert refused.status_code == 429
        assert told(refused) == ("sign-in", 0, int(refused.headers["retry-after"]))
    signed_up = await stranger.sign_up(Person.new())
    assert (signed_up.status_code, told(signed_up)[:2]) == (201, ("sign-up", 59))
    asked = await stranger.http.post("/v1/password-resets", json={"email": "nobody@example.test"})
    assert (asked.status_code, told(asked)[:2]) == (202, ("recovery", 59))
    assert "ratelimit" not in (await stranger.http.get("/health/live")).headers


async def test_l01_d06_what_is_left_tells_neither_accounts_nor_what_their_owners_failed_at(
    owner: ServiceClient, stranger: ServiceClient
) -> None:
    ada = await owner.registered()
    for _ in range(4):
        assert (await owner.log_in(ada.email, WRONG)).status_code == 401
    for _ in range(3):
        known = await stranger.log_in(ada.email, WRONG)
        unknown = await stranger.log_in("nobody@example.test", WRONG)
        assert _without_request_id(known) == _without_request_id(unknown)


def _without_request_id(answer: httpx.Response) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = [(name, value) for name, value in answer.headers.multi_items() if name not in {"date", "x-request-id"}]
    return answer.status_code, headers, answer.content
