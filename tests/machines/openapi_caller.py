"""Who calls the service for schemathesis: somebody with an account who signs in again whenever their session ends."""

import os
from collections.abc import Mapping
from typing import Any

import httpx

from tests.support.client import PATIENCE, Person
from tests.support.photos import picture

SERVICE_URL = "MACHINES_SERVICE_URL"
"""Where the service is that is searched."""

ENDING = frozenset({"logOut", "endSession", "endAllSessions"})
"""What may end the session that the caller is in."""


class Caller:
    """Keeps up with what the answers change: tokens, names, the password, the photo."""

    def __init__(self) -> None:
        self.http = httpx.Client(base_url=os.environ[SERVICE_URL], trust_env=False, timeout=PATIENCE)
        self.user: dict[str, Any] | None = None
        self.session: dict[str, Any] | None = None
        self.passwords: dict[str, str] = {}
        """Of whoever signed up, by the user's id."""
        self.photo_id: str | None = None
        self.access_tokens: dict[str, str] = {}
        """The first of each session, by its id."""

    @property
    def access_token(self) -> str:
        """Of a session that lives, as far as is known."""
        if self.session is None:
            self.session = self._sign_in()
            self.user = self.session["user"]
        token: str = self.session["access_token"]
        return token

    @property
    def credentials(self) -> dict[str, str]:
        """What the caller signs in with."""
        if self.user is None:
            self._sign_up()
        assert self.user is not None
        return {"identifier": self.user["email"], "password": self.passwords[self.user["id"]]}

    def learn(self, operation_id: str, sent: Any, answer: Any) -> None:
        """From a request that was granted."""
        if operation_id == "registerUser" and answer:
            self.passwords[answer["id"]] = sent["password"]
        elif isinstance(answer, dict) and "refresh_token" in answer:
            self._go_on_in(operation_id, sent, answer)
        elif operation_id == "deleteAccount":
            self.start_again()
        elif operation_id in ENDING:
            self.session = None
        elif operation_id in {"changeProfile", "setPhoto"}:
            self.user = answer
            self.photo_id = (answer["picture"] or "").rpartition("/")[2] or self.photo_id

    def start_again(self) -> None:
        """As somebody new."""
        self.user = self.session = None

    def _go_on_in(self, operation_id: str, sent: Any, session: dict[str, Any]) -> None:
        """Unless it is the session of somebody from before, whose password is not known any more."""
        user_id = session["user"]["id"]
        self.access_tokens[session["session"]["id"]] = session["access_token"]
        if operation_id == "changePassword":
            self.passwords[user_id] = sent["new_password"]
        if user_id in self.passwords:
            self.session, self.user = session, session["user"]

    def _sign_up(self) -> None:
        person = Person.new(f"machine.{os.getpid()}")
        answer = self.http.post("/v1/users", json=person.registration).raise_for_status()
        self.user = answer.json()
        self.passwords[answer.json()["id"]] = person.password

    def _sign_in(self) -> dict[str, Any]:
        answer = self.http.post("/v1/sessions", json=self.credentials)
        session: dict[str, Any] = answer.raise_for_status().json()
        return session


def acceptable(operation_id: str, caller: Caller, body: Mapping[str, Any]) -> dict[str, Any]:
    """Of the fields of that body those that no schema can tell, so that more than refusals is seen."""
    known = caller.credentials
    match operation_id:
        case "registerUser":
            return Person.new(f"other.{os.getpid()}").registration
        case "logIn" if body["password"] not in caller.passwords.values():
            return known
        case "refreshSession" if caller.session and not body["refresh_token"].startswith("crm_rt_"):
            return {"refresh_token": caller.session["refresh_token"]}
        case "changePassword":
            return {"current_password": known["password"], "new_password": Person.new().password}
        case "deleteAccount" | "requestEmailChange":
            return {"password": known["password"]}
        case _:
            return {}


def acceptable_path(operation_id: str, caller: Caller) -> dict[str, str]:
    """Of the parameters of that path those that name something that is there."""
    if operation_id == "viewPhoto" and caller.photo_id:
        return {"photo_id": caller.photo_id}
    if operation_id == "endSession" and caller.session:
        return {"session_id": caller.session["session"]["id"]}
    return {}


def acceptable_photo(media_type: str) -> bytes:
    """A picture of that type."""
    return picture(media_type.removeprefix("image/").upper())
