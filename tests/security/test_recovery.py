"""Links in mails over HTTP: what they lead to, what they are good for and how often, and whom they make the owner."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer, problem_of
from tests.support.database import DatabaseServer
from tests.support.mailbox import mails, messages, text_of, token_for
from tests.support.rows import connected

PUBLIC_URL = "https://auth.example/team"
NEW = "saffron ladder orbit velvet"
VERIFICATION, RESET, NEW_ADDRESS, FREEZE = "crm_ev_", "crm_pr_", "crm_ne_", "crm_af_"

FORGED_HOSTS = (
    {"Host": "evil.test"}, {"Host": "auth.example.evil.test"}, {"Host": "evil.test:443"},
    {"X-Forwarded-Host": "evil.test"}, {"X-Forwarded-Server": "evil.test"}, {"X-Forwarded-Prefix": "//evil.test"},
    {"X-Original-Host": "evil.test"}, {"X-Host": "evil.test"}, {"X-Original-URL": "//evil.test/"},
    {"Forwarded": "host=evil.test;proto=gopher"}, {"X-Forwarded-Proto": "gopher"},
    {"Origin": "https://evil.test", "Referer": "https://evil.test/"},
)  # fmt: skip


@pytest.fixture(scope="module")
async def database_url(database_server: DatabaseServer) -> AsyncIterator[str]:
    url = await database_server.create()
    yield url
    await database_server.drop(url)


@pytest.fixture(scope="module")
async def mailbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recovery") / "mail"


@pytest.fixture(scope="module")
async def client(database_url: str, mailbox: Path) -> AsyncIterator[ServiceClient]:
    settings = settings_for(
        database_url, rate_limits=False, worker=True, mail_url=mailbox.as_uri(), public_url=PUBLIC_URL
    )
    async with served(settings) as client:
        yield client


async def post(client: ServiceClient, path: str, **body: object) -> httpx.Response:
    return await client.http.post(path, json=body)


async def reset(client: ServiceClient, token: str, new_password: str = NEW) -> httpx.Response:
    return await post(client, "/v1/password-resets/confirm", token=token, new_password=new_password)


async def verify(client: ServiceClient, token: str, password: str) -> httpx.Response:
    return await post(client, "/v1/email-verifications/confirm", token=token, password=password)


async def proven(client: ServiceClient, mailbox: Path) -> Person:
    """Somebody whose address is theirs."""
    person = await client.registered()
    answer = await verify(client, await token_for(mailbox, person.email, VERIFICATION), person.password)
    assert answer.status_code == 200, answer.text
    return person


async def reset_token(client: ServiceClient, mailbox: Path, person: Person) -> str:
    assert (await post(client, "/v1/password-resets", email=person.email)).status_code == 202
    return await token_for(mailbox, person.email, RESET)


async def ask_for_address(client: ServiceClient, session: SignedIn, person: Person, new_email: str) -> None:
    body = {"new_email": new_email, "password": person.password}
    answer = await client.http.post("/v1/users/me/email", json=body, headers=bearer(session.access_token))
    assert answer.status_code == 202, answer.text


async def test_p06_k10_no_header_leads_a_link_elsewhere(client: ServiceClient, mailbox: Path) -> None:
    """Nor the issuer of a token. Each to somebody else, for of one kind nobody is sent more than three in an hour."""
    sent = []
    for headers in FORGED_HOSTS:
        ada = await client.registered()
        asked = await client.http.post("/v1/password-resets", json={"email": ada.email}, headers=headers)
        answer = await client.log_in(ada.email, ada.password, **headers)
        assert (asked.status_code, answer.status_code) == (202, 201)
        assert _issuer(answer.json()["access_token"]) == PUBLIC_URL
        await token_for(mailbox, ada.email, RESET)
        sent += await mails(mailbox, ada.email, 2)
    for mail in sent:
        assert "evil" not in mail.as_string()
        links = [word for word in text_of(mail).split() if "://" in word]
        assert all(link.startswith(f"{PUBLIC_URL}/") for link in links)


def _issuer(token: str) -> object:
    import base64  # noqa: PLC0415
    import json  # noqa: PLC0415

    claims = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"]


async def test_p02_p05_p07_a_reset_ends_all_sessions_and_links_and_signs_nobody_in(
    client: ServiceClient, mailbox: Path
) -> None:
    ada = await proven(client, mailbox)
    sessions = [await client.signed_in(ada) for _ in range(2)]
    earlier = await reset_token(client, mailbox, ada)
    await ask_for_address(client, sessions[0], ada, other := Person.new().email)
    change = await token_for(mailbox, other, NEW_ADDRESS)
    token = await _another(client, mailbox, ada, earlier)

    answers = await asyncio.gather(*(reset(client, token) for _ in range(16)))

    [done] = [answer for answer in answers if answer.status_code == 204]
    assert {answer.status_code for answer in answers} <= {204, 422, 503}, "503: more hashes at once than there may be"
    assert done.content == b""
    assert "set-cookie" not in done.headers
    for session in sessions:
        assert (await client.profile(session.access_token)).status_code == 401
        assert (await client.refresh(session.refresh_token)).status_code == 401
    for dead in (token, earlier):
        assert (await reset(client, dead, f"{NEW} once more")).status_code == 422
    assert (await verify(client, change, NEW)).status_code == 422
    assert (await client.log_in(ada.email, ada.password)).status_code == 401
    assert (await client.log_in(ada.email, NEW)).status_code == 201


async def _another(client: ServiceClient, mailbox: Path, person: Person, earlier: str) -> str:
    token = earlier
    async with asyncio.timeout(30):
        while token == earlier:
            token = await reset_token(client, mailbox, person)
    return token


async def test_p05_a_link_dies_with_the_address_it_was_mailed_to(client: ServiceClient, mailbox: Path) -> None:
    ada = await proven(client, mailbox)
    token = await reset_token(client, mailbox, ada)
    await ask_for_address(client, await client.signed_in(ada), ada, other := Person.new().email)
    assert (await verify(client, await token_for(mailbox, other, NEW_ADDRESS), ada.password)).status_code == 200
    assert (await reset(client, token)).status_code == 422


async def test_p05_a_link_is_stored_as_a_digest_and_lasts_half_an_hour(
    client: ServiceClient, mailbox: Path, database_url: str
) -> None:
    ada = await proven(client, mailbox)
    token = await reset_token(client, mailbox, ada)
    async with connected(database_url) as connection:
        rows = str(await connection.fetch("SELECT t::text FROM one_time_tokens AS t"))
        assert token.removeprefix(RESET) not in rows
        await connection.execute("UPDATE one_time_tokens SET expires_at = expires_at - interval '30 minutes'")
    assert (await reset(client, token)).status_code == 422


async def test_p10_p11_an_address_is_the_accounts_once_it_is_proven(client: ServiceClient, mailbox: Path) -> None:
    ada = await proven(client, mailbox)
    session, first, second = await client.signed_in(ada), Person.new().email, Person.new().email
    await ask_for_address(client, session, ada, first)
    stale = await token_for(mailbox, first, NEW_ADDRESS)
    await ask_for_address(client, session, ada, second)
    token = await token_for(mailbox, second, NEW_ADDRESS)

    assert (await client.profile(session.access_token)).json()["email"] == ada.email, "until then the old one stays"
    assert (await client.log_in(second, ada.password)).status_code == 401
    assert (await verify(client, stale, ada.password)).status_code == 422, "P11: not the one that was asked for since"
    assert (await verify(client, token, "never the password")).status_code == 401, "P10: the click alone moves nothing"
    assert (await verify(client, token, ada.password)).json()["email"] == second
    assert (await client.log_in(first, ada.password)).status_code == 401
    told = [text_of(mail) for mail in await mails(mailbox, ada.email, 3)]
    assert any(FREEZE in text for text in told), "the old address is told, with a way back"


async def test_p10_a_new_address_asks_for_the_password(client: ServiceClient, mailbox: Path) -> None:
    ada = await proven(client, mailbox)
    session, other = await client.signed_in(ada), Person.new().email
    for password in (None, "never the password"):
        body = {"new_email": other} | ({"password": password} if password else {})
        answer = await client.http.post("/v1/users/me/email", json=body, headers=bearer(session.access_token))
        assert answer.status_code == (403 if password else 422)
    assert messages(mailbox, other) == []


async def test_p11_a_verification_proves_the_address_it_was_mailed_to(client: ServiceClient, mailbox: Path) -> None:
    """Whatever the account's address is by then."""
    ada = await client.registered()
    old = await token_for(mailbox, ada.email, VERIFICATION)
    await ask_for_address(client, await client.signed_in(ada), ada, other := Person.new().email)
    moved = await verify(client, await token_for(mailbox, other, NEW_ADDRESS), ada.password)
    assert (moved.status_code, moved.json()["email"]) == (200, other)
    assert (await verify(client, old, ada.password)).status_code == 422


async def test_p14_no_token_passes_for_one_of_another_kind(client: ServiceClient, mailbox: Path) -> None:
    ada = await client.registered()
    session = await client.signed_in(ada)
    await ask_for_address(client, session, ada, other := Person.new().email)
    tokens = {
        "access": session.access_token,
        "refresh": session.refresh_token,
        "verification": await token_for(mailbox, ada.email, VERIFICATION),
        "reset": await reset_token(client, mailbox, ada),
        "address": await token_for(mailbox, other, NEW_ADDRESS),
    }
    before = (await client.profile(session.access_token)).json()
    for kind, token in tokens.items():
        if kind != "refresh":
            assert (await client.refresh(token)).status_code == 401, kind
        if kind != "access":
            assert (await client.profile(token)).status_code == 401, kind
        if kind != "reset":
            assert (await reset(client, token)).status_code == 422, kind
        if kind not in {"verification", "address"}:
            assert (await verify(client, token, ada.password)).status_code == 422, kind
            assert (await post(client, "/v1/email-verifications/reject", token=token)).status_code == 422, kind
        freeze = await client.http.post("/account-freeze", data={"token": token})
        assert freeze.status_code in {404, 422}, kind
    assert (await client.profile(session.access_token)).json() == before
    assert (await client.log_in(ada.email, ada.password)).status_code == 201


async def test_s16_the_owner_of_an_address_takes_it_from_whoever_signed_up_with_it(
    client: ServiceClient, mailbox: Path
) -> None:
    """A stranger claims the victim's address first; then the victim arrives."""
    mallory = await client.registered("victim")
    session = await client.signed_in(mallory)
    changed = {"display_name": "Mallory", "phone_number": "+442079460123"}
    await client.http.patch("/v1/users/me", json=changed, headers=bearer(session.access_token))
    pending = Person.new().email
    await ask_for_address(client, session, mallory, pending)
    verification = await token_for(mailbox, mallory.email, VERIFICATION)
    assert (await post(client, "/v1/email-verifications/confirm", token=verification)).status_code == 401

    assert (await reset(client, await reset_token(client, mailbox, mallory))).status_code == 204

    assert (await client.profile(session.access_token)).status_code == 401
    assert (await client.refresh(session.refresh_token)).status_code == 401
    assert (await client.log_in(mallory.username, mallory.password)).status_code == 401
    left = await token_for(mailbox, pending, NEW_ADDRESS)
    assert (await verify(client, left, mallory.password)).status_code in {401, 422}
    owner = (await client.log_in(mallory.email, NEW)).json()["user"]
    assert (owner["email_verified"], owner["display_name"], owner["phone_number"]) == (True, None, None)


async def test_p08_p09_asking_and_looking_change_nothing(client: ServiceClient, mailbox: Path) -> None:
    ada = await proven(client, mailbox)
    session = await client.signed_in(ada)
    token = await reset_token(client, mailbox, ada)
    for _ in range(5):
        assert (await client.http.get("/password-reset", params={"token": token})).status_code == 200
        assert (await client.http.head("/password-reset", params={"token": token})).status_code == 200
    assert (await client.profile(session.access_token)).status_code == 200
    assert (await client.log_in(ada.email, ada.password)).status_code == 201
    assert (await reset(client, token)).status_code == 204


async def test_p02_p03_a_new_password_ends_other_sessions_and_is_told(client: ServiceClient, mailbox: Path) -> None:
    ada = await proven(client, mailbox)
    mine, other = await client.signed_in(ada), await client.signed_in(ada)
    link = await reset_token(client, mailbox, ada)
    before = len(messages(mailbox, ada.email))
    body = {"current_password": ada.password, "new_password": NEW}
    answer = await client.http.put("/v1/users/me/password", json=body, headers=bearer(mine.access_token))
    after = SignedIn.of(answer)
    assert after.session_id not in {mine.session_id, other.session_id}
    assert (await client.profile(after.access_token)).status_code == 200
    for session in (mine, other):
        assert (await client.profile(session.access_token)).status_code == 401
        assert (await client.refresh(session.refresh_token)).status_code == 401
    assert problem_of(await reset(client, link))["errors"][0]["code"] == "invalid_token"
    told = (await mails(mailbox, ada.email, before + 1))[before:]
    assert all("token=" not in text_of(mail) for mail in told)
