"""`CRM_AUTH_REQUIRE_VERIFIED_EMAIL=on` over HTTP: who is told that an address is unproven, and who is not."""

from collections.abc import AsyncIterator

import pytest

from tests.support.application import served, settings_for
from tests.support.client import ServiceClient, problem_of
from tests.support.rows import connected


@pytest.fixture
async def client(database_url: str) -> AsyncIterator[ServiceClient]:
    async with served(settings_for(database_url, require_verified_email=True)) as client:
        yield client


async def test_no_sign_in_before_the_address_is_confirmed(client: ServiceClient, database_url: str) -> None:
    ada = await client.registered()

    refused = await client.log_in(ada.email, ada.password)
    assert refused.status_code == 403
    assert problem_of(refused)["code"] == "email_not_verified"
    async with connected(database_url) as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 0
        await connection.execute("UPDATE users SET email_verified = true")

    assert (await client.log_in(ada.username, ada.password)).status_code == 201


async def test_l01_a_wrong_password_of_an_unproven_account_is_like_any_other(client: ServiceClient) -> None:
    """L01: in every byte."""
    ada = await client.registered()
    answers = [await client.log_in(identifier, "a wrong password") for identifier in (ada.email, "nobody@example.test")]

    assert answers[0].status_code == 401
    assert answers[0].content == answers[1].content
    unlike = {"x-request-id", "date"}
    seen = [{(k, v) for k, v in answer.headers.items() if k not in unlike} for answer in answers]
    assert seen[0] == seen[1]
