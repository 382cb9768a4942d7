"""Sign-up and the own account on the wire."""

from typing import Any

import httpx
import pytest

from application.accounts.registration import Registration
from domain.accounts.errors import (
    EmailTaken,
    IdempotencyKeyReused,
    IdentifierTaken,
    RegisteredAccountDeleted,
    RequestInProgress,
    SignupClosed,
    UsernameTaken,
)
from domain.errors import DomainError, InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts, Violation
from tests.unit.interfaces.http.fake_service import BEARER, PEER, REGISTRATION, USER_ID, FakeService, client_of

USER = {
    "id": str(USER_ID),
    "email": "Ada@Example.test",
    "email_verified": False,
    "username": "Ada",
    "given_name": "Ada",
    "family_name": None,
    "display_name": None,
    "phone_number": None,
    "locale": None,
    "zoneinfo": "Europe/London",
    "picture": None,
    "status": "active",
    "created_at": "2030-01-01T12:00:00Z",
    "updated_at": "2030-01-01T12:00:00Z",
}


async def test_sign_up(client: httpx.AsyncClient, service: FakeService) -> None:
    optional: dict[str, Any] = {
        "given_name": "Ada",
        "family_name": "Lovelace",
        "display_name": None,
        "phone_number": "+442079460123",
        "locale": "en-GB",
        "zoneinfo": "Europe/London",
    }
    answer = await client.post("/v1/users", json=REGISTRATION | optional, headers={"User-Agent": "Ada's browser"})
    assert (answer.status_code, answer.json()) == (201, USER)
    assert answer.headers["location"] == "/v1/users/me"
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    [(registration, origin, key)] = service.register_user.calls
    assert (registration, key) == (Registration(**REGISTRATION, **optional), None)
    assert (origin.ip_address, origin.user_agent) == (PEER, "Ada's browser")
    assert origin.request_id == answer.headers["x-request-id"]


async def test_the_location_is_right_under_a_mount(service: FakeService) -> None:
    async with client_of(service.app(), root_path="/auth") as client:
        answer = await client.post("/auth/v1/users", json=REGISTRATION)
    assert answer.headers["location"] == "/auth/v1/users/me"


@pytest.mark.parametrize("key", ["k", "8e03978e-40d5-43dd-bc93-6894a57f9324", '"quoted"', "!" * 255, "~"])
async def test_a_key_is_passed_on_as_it_was_sent(client: httpx.AsyncClient, service: FakeService, key: str) -> None:
    answer = await client.post("/v1/users", json=REGISTRATION, headers={"Idempotency-Key": key})
    assert answer.status_code == 201
    assert service.register_user.calls[0][2] == key


@pytest.mark.parametrize(
    "keys", [[b""], [b" "], [b"a b"], [b"x" * 256], [b"\xc3\xa9"], [b"a\tb"], [b"a", b"a"], [b"a", b"b"]]
)
async def test_what_is_no_key_is_refused(client: httpx.AsyncClient, service: FakeService, keys: list[bytes]) -> None:
    headers = [(b"Idempotency-Key", key) for key in keys]
    answer = await client.post("/v1/users", json=REGISTRATION, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert service.register_user.calls == []


@pytest.mark.parametrize(
    ("refusal", "status", "code", "pointers"),
    [
        (IdentifierTaken.of(email=True, username=True), 409, "email_taken", ["/email", "/username"]),
        (IdentifierTaken.of(email=True, username=False), 409, EmailTaken.code, ["/email"]),
        (IdentifierTaken.of(email=False, username=True), 409, UsernameTaken.code, ["/username"]),
        (SignupClosed(), 403, "signup_closed", []),
        (RequestInProgress(), 409, "request_in_progress", []),
        (RegisteredAccountDeleted(), 409, "account_deleted", []),
        (IdempotencyKeyReused(), 422, "idempotency_key_reused", []),
        (
            InvalidInput(
                violations=[Violation("password", "password_common", "Common."), Violation("email", "x", "X.")]
            ),
            422,
            "invalid_input",
            ["/password", "/email"],
        ),
    ],
)
async def test_refusals(
    client: httpx.AsyncClient, service: FakeService, refusal: DomainError, status: int, code: str, pointers: list[str]
) -> None:
    service.register_user.outcome = refusal
    answer = await client.post("/v1/users", json=REGISTRATION)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [error["pointer"] for error in answer.json().get("errors", [])] == pointers
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("refusal", "status", "retry_after"),
    [
        (TooManyAttempts(retry_after=17), 429, "17"),
        (TooManyAttempts(), 429, "60"),
        (ServiceUnavailable(), 503, "5"),
        (Overloaded(retry_after=0), 503, "5"),
        (Overloaded(retry_after=2), 503, "2"),
        (RequestInProgress(retry_after=3), 409, "3"),
    ],
)
async def test_refusals_that_pass_say_when(
    client: httpx.AsyncClient, service: FakeService, refusal: DomainError, status: int, retry_after: str
) -> None:
    service.register_user.outcome = refusal
    answer = await client.post("/v1/users", json=REGISTRATION)
    assert (answer.status_code, answer.headers["retry-after"]) == (status, retry_after)


async def test_own_account(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/users/me", headers=BEARER)
    assert (answer.status_code, answer.json()) == (200, USER)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-length"] == str(len(answer.content))
