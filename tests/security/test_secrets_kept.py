"""Where passwords and tokens must never be found: in the database, in the log. And that a spent token stays spent."""

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta

import httpx
import pytest
import structlog

from application.origin import Origin
from application.sessions.log_in import LogIn, LogInRequest
from tests.support.application import served, settings_for
from tests.support.client import Person, ServiceClient, SignedIn, bearer, client_of
from tests.support.rows import connected, dump, end_reason, forget_attempts, let_pass
from tests.support.server import SECRET_KEY, Server, until

LATE = timedelta(seconds=11)


@pytest.fixture
async def client(guarded_server: Server, guarded_database: str) -> AsyncIterator[ServiceClient]:
    await forget_attempts(guarded_database)
    async with client_of(guarded_server.url) as client:
        yield client


async def test_r06_a_spent_token_stays_spent_over_a_restart(
    client: ServiceClient, guarded_server: Server, guarded_database: str
) -> None:
    """R06: and the one just replaced still gives the same successor."""
    first = await client.signed_in()
    second = SignedIn.of(await client.refresh(first.refresh_token))
    third = SignedIn.of(await client.refresh(second.refresh_token))
    await let_pass(guarded_database, first.session_id, LATE)
    guarded_server.restart()
    async with client_of(guarded_server.url) as later:
        again = SignedIn.of(await later.refresh(second.refresh_token))
        assert again.refresh_token == third.refresh_token
        assert (await later.refresh(first.refresh_token)).status_code == 401
        assert (await later.refresh(third.refresh_token)).status_code == 401
        assert (await later.profile(again.access_token)).status_code == 401
    assert await end_reason(guarded_database, first.session_id) == "refresh_token_reused"


def _forms_of(secret: bytes) -> Iterator[str]:
    """As a dump might hold it."""
    yield secret.hex()
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.urlsafe_b64encode(secret).decode().rstrip("=")


def _secrets_of(session: SignedIn) -> Iterator[str]:
    yield session.refresh_token
    token = base64.urlsafe_b64decode(session.refresh_token.removeprefix("crm_rt_"))
    yield from _forms_of(token)
    yield from _forms_of(token[20:52])  # the secret in it
    yield session.access_token
    yield from session.access_token.split(".")[1:]  # claims and signature


async def test_g02_g05_r08_a_dump_opens_nothing(client: ServiceClient, guarded_database: str) -> None:
    """R08: whoever reads all tables finds neither passwords nor tokens, nor what they can be made of."""
    ada = await client.registered()
    session = await client.signed_in(ada)
    sessions = [session]
    for _ in range(3):
        sessions.append(SignedIn.of(await client.refresh(sessions[-1].refresh_token)))
    await client.log_in(ada.password, ada.password)  # the password where the name belongs
    text = await dump(guarded_database)
    assert ada.email in text, "it is the right dump"
    assert str(session.session_id) in text
    secrets = [secret for one in sessions for secret in _secrets_of(one)]
    secrets += [ada.password, *_forms_of(ada.password.encode()), SECRET_KEY, *_forms_of(SECRET_KEY.encode())]
    secrets += [hashlib.new(name, ada.password.encode()).hexdigest() for name in ("md5", "sha1", "sha256", "sha512")]
    for secret in secrets:
        assert secret not in text


async def test_r08_a_digest_from_the_dump_is_no_token(client: ServiceClient, guarded_database: str) -> None:
    """R08: what is kept of a token cannot be presented in its place."""
    session = await client.signed_in()
    async with connected(guarded_database) as connection:
        digest = await connection.fetchval("SELECT refresh_digest FROM sessions WHERE id = $1", session.session_id)
    token = base64.urlsafe_b64decode(session.refresh_token.removeprefix("crm_rt_"))
    assert hashlib.sha256(token[20:52]).digest() == digest, "the test looks at the right thing"
    forged = token[:20] + digest + token[52:]
    for text in (base64.urlsafe_b64encode(forged).decode(), digest.hex(), base64.urlsafe_b64encode(digest).decode()):
        for presented in (text, f"crm_rt_{text}"):
            assert (await client.refresh(presented)).status_code == 401
    assert (await client.refresh(session.refresh_token)).status_code == 200


HEADERS = (
    "Authorization", "Cookie", "User-Agent", "Referer", "Origin", "X-Request-ID", "X-Forwarded-For", "Forwarded",
    "Accept", "Accept-Language", "Content-Type", "If-None-Match", "Idempotency-Key", "X-Anything",
)  # fmt: skip
FIELDS = {
    "/v1/users": (
        "email", "username", "password", "given_name", "family_name", "display_name", "phone_number", "locale",
        "zoneinfo",
    ),
    "/v1/sessions": ("identifier", "password", "remember"),
    "/v1/sessions/refresh": ("refresh_token",),
}  # fmt: skip


async def _put_everywhere(client: ServiceClient, canary: str) -> set[int]:
    """In every field, as a field, in every header, in the query, and as a whole body; the statuses answered."""
    answers: list[httpx.Response] = []
    for path, fields in FIELDS.items():
        bodies: list[object] = [{field: canary} for field in fields]
        bodies += [dict.fromkeys(fields, canary), {canary: "x"}, {"password": [canary]}, canary, [canary]]
        answers += [await client.http.post(path, json=body) for body in bodies]
        answers.append(await client.http.post(path, content=f'{{"password": "{canary}', headers={}))
        answers.append(await client.http.post(path, json={}, params={"token": canary, canary: "x"}))
        answers += [await client.http.post(path, json={}, headers={name: canary}) for name in HEADERS]
    for path in ("/v1/users/me", "/v1/sessions/current", "/nowhere"):
        answers += [await client.http.get(path, headers={name: canary}) for name in HEADERS]
        answers.append(await client.http.get(path, headers=bearer(canary.replace(" ", "_"))))
        answers.append(await client.http.get(path, params={"access_token": canary}))
        answers.append(await client.http.get(f"{path}/{canary}"))
    return {answer.status_code for answer in answers}


async def test_g02_the_log_holds_no_secret(
    client: ServiceClient, guarded_server: Server, guarded_database: str
) -> None:
    """G02: at its most talkative, also when the service itself fails."""
    ada = await client.registered()
    session = await client.signed_in(ada)
    newer = SignedIn.of(await client.refresh(session.refresh_token))
    canaries = [ada.password, session.refresh_token, newer.refresh_token, session.access_token]
    statuses: set[int] = set()
    for canary in canaries:
        await forget_attempts(guarded_database)
        statuses |= await _put_everywhere(client, canary)
    assert 500 not in statuses
    async with connected(guarded_database) as connection:
        await connection.execute("ALTER TABLE users RENAME TO users_away")
        try:
            failed = [
                await client.sign_up(ada),
                await client.log_in(ada.email, ada.password),
                await client.refresh(newer.refresh_token),
                await client.profile(newer.access_token),
            ]
        finally:
            await connection.execute("ALTER TABLE users_away RENAME TO users")
    assert [answer.status_code for answer in failed] == [500] * 4
    for answer in failed:
        assert "users" not in answer.text.replace("/v1/users", ""), "H02: and the answer tells nothing"
    log = await _log_with(guarded_server, failed[-1].headers["x-request-id"])
    assert "UndefinedTableError" in log, "it is the right log"
    secrets = [*canaries, *_secrets_of(session), *_secrets_of(newer), SECRET_KEY]
    for secret in secrets:
        assert secret not in log
    assert "postgresql://" not in log


async def _log_with(server: Server, text: str) -> str:
    """The log, once it has come to that."""
    await asyncio.to_thread(until, lambda: text in server.log)
    return server.log


async def test_g02_what_a_library_says_while_it_fails_is_not_told(
    database_url: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their exceptions quote what they were given."""
    structlog.reset_defaults()  # What tests before this one set up is no host's doing.
    ada = Person.new()

    async def fails(_self: LogIn, request: LogInRequest, _origin: Origin) -> None:
        try:
            int(request.password)
        except ValueError as error:
            raise KeyError(request.password) from error

    monkeypatch.setattr(LogIn, "__call__", fails)
    async with served(settings_for(database_url)) as host:
        assert (await host.log_in(ada.email, ada.password)).status_code == 500
    printed = capfd.readouterr()
    text = printed.out + printed.err
    assert "request_failed" in text, "it is told"
    assert "KeyError" in text
    assert "ValueError" in text
    assert ada.password not in text


async def test_g02_a_host_without_logging_of_its_own_prints_no_secret(
    database_url: str, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """G02, mounted in an application that set up nothing: a failure shows no variables of ours."""
    structlog.reset_defaults()  # What tests before this one set up is no host's doing.
    ada = Person.new()
    async with served(settings_for(database_url)) as host:
        assert (await host.sign_up(ada)).status_code == 201
        async with connected(database_url) as connection:
            await connection.execute("ALTER TABLE users RENAME TO users_away")
        assert (await host.log_in(ada.email, ada.password)).status_code == 500
        assert (await host.sign_up(ada)).status_code == 500
    printed = capfd.readouterr()
    for text in (printed.out, printed.err, caplog.text):
        assert ada.password not in text
        assert "walnut ferry" not in text, "nor a part of it"
