"""The product's main job over HTTP: sign up, sign in, read the own profile, refresh, sign out."""

import http.client
import json
import secrets
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from image_check.processes import CheckFailed


@dataclass(frozen=True, slots=True)
class Service:
    """The service on loopback."""

    port: int

    def ask(self, method: str, path: str, body: object = None, *, token: str | None = None) -> tuple[int, Any]:
        """Status and decoded body; OSError when nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(content) if content else None

    def healthy(self) -> bool | None:
        """True once the service answers, None before."""
        try:
            status, _ = self.ask("GET", "/health/live")
        except (OSError, http.client.HTTPException):
            return None
        return True if status == HTTPStatus.OK else None


_PASSWORD = "tundra oboe lantern marzipan"
"""Not by chance: of 65,536 good ones the filter of breached passwords refuses one (decision record 0028)."""


def main_job(service: Service) -> None:
    """Walks the journey once with an account of its own; CheckFailed at the first answer that is not the contract's."""
    name = f"ada-{secrets.token_hex(6)}"
    account = {"email": f"{name}@example.com", "username": name, "password": _PASSWORD}
    _expect(service, 201, "POST", "/v1/users", account)
    _expect(service, 409, "POST", "/v1/users", account)
    _expect(service, 401, "POST", "/v1/sessions", {"identifier": name, "password": "not the password of ada"})
    signed_in = _expect(service, 201, "POST", "/v1/sessions", {"identifier": name, "password": account["password"]})
    profile = _expect(service, 200, "GET", "/v1/users/me", token=signed_in["access_token"])
    if (profile["username"], profile["email"]) != (name, account["email"]):
        raise CheckFailed(f"own profile shows somebody else: {profile}")
    refreshed = _expect(service, 200, "POST", "/v1/sessions/refresh", {"refresh_token": signed_in["refresh_token"]})
    if refreshed["refresh_token"] == signed_in["refresh_token"]:
        raise CheckFailed("refresh did not rotate the token")
    _expect(service, 204, "DELETE", "/v1/sessions/current", token=refreshed["access_token"])
    _expect(service, 401, "GET", "/v1/users/me", token=refreshed["access_token"])
    _expect(service, 401, "POST", "/v1/sessions/refresh", {"refresh_token": refreshed["refresh_token"]})


def _expect(
    service: Service, wanted: int, method: str, path: str, body: object = None, *, token: str | None = None
) -> Any:
    status, answer = service.ask(method, path, body, token=token)
    if status != wanted:
        told = [answer.get("code"), answer.get("errors")] if isinstance(answer, dict) else answer
        raise CheckFailed(f"{method} {path}: {status} {told}, expected {wanted}")
    return answer
