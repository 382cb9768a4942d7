"""A client of the service, as an application would write one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from uuid import UUID

import httpx

PATIENCE = 60.0
"""Seconds for an answer of a service that is well; the machine may be busy with other things."""

_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signs up. ``Person.new()`` gives another one each time."""

    email: str
    username: str
    password: str

    @classmethod
    def new(cls, name: str = "ada") -> "Person":
        number = next(_numbers)
        return cls(f"{name}.{number}@example.test", f"{name}.{number}", f"walnut ferry copper sunday {number}")

    @property
    def registration(self) -> dict[str, Any]:
        return {"email": self.email, "username": self.username, "password": self.password}


@dataclass(frozen=True, slots=True)
class SignedIn:
    """What signing in gave."""

    access_token: str
    refresh_token: str
    session_id: UUID
    user_id: UUID

    @classmethod
    def of(cls, answer: httpx.Response) -> "SignedIn":
        """Of a token response; fails the test for any other answer."""
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        body = answer.json()
        return cls(body["access_token"], body["refresh_token"], UUID(body["session"]["id"]), UUID(body["user"]["id"]))


class ServiceClient:
    """The calls of the main job; ``http`` is for all others."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http

    async def sign_up(self, person: Person, **more: Any) -> httpx.Response:
        return await self.http.post("/v1/users", json=person.registration | more)

    async def log_in(self, identifier: str, password: str, **headers: str) -> httpx.Response:
        body = {"identifier": identifier, "password": password}
        return await self.http.post("/v1/sessions", json=body, headers=headers)

    async def refresh(self, refresh_token: str) -> httpx.Response:
        return await self.http.post("/v1/sessions/refresh", json={"refresh_token": refresh_token})

    async def profile(self, access_token: str) -> httpx.Response:
        return await self.http.get("/v1/users/me", headers=bearer(access_token))

    async def session(self, access_token: str) -> httpx.Response:
        return await self.http.get("/v1/sessions/current", headers=bearer(access_token))

    async def log_out(self, access_token: str) -> httpx.Response:
        return await self.http.delete("/v1/sessions/current", headers=bearer(access_token))

    async def registered(self, name: str = "ada") -> Person:
        """Somebody new who has signed up."""
        person = Person.new(name)
        answer = await self.sign_up(person)
        assert answer.status_code == 201, f"{answer.status_code} {answer.text}"
        return person

    async def signed_in(self, person: Person | None = None) -> SignedIn:
        """A session, of somebody new unless told."""
        person = person or await self.registered()
        return SignedIn.of(await self.log_in(person.username, person.password))


def bearer(access_token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {access_token}"}


@asynccontextmanager
async def client_of(base_url: str, *, connections: int = 100) -> AsyncIterator[ServiceClient]:
    """A client over the network; it keeps up to that many connections open and follows no proxy settings."""
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections)
    async with httpx.AsyncClient(base_url=base_url, timeout=PATIENCE, limits=limits, trust_env=False) as http:
        yield ServiceClient(http)


def problem_of(answer: httpx.Response) -> dict[str, Any]:
    """The problem document, after a look at what all of them have in common (RFC 9457)."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["type"].endswith(f"/errors#{problem['code']}")
    assert problem["instance"] == answer.request.url.path
    assert problem["title"]
    assert problem["detail"]
    assert answer.headers["x-request-id"]
    assert answer.headers["cache-control"] == "no-store"
    return problem
