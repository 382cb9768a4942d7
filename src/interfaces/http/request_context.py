"""What is known of a request whoever handles it: its id, its path as the client sent it, where it comes from."""

import re
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import quote, unquote

from litestar import Request
from litestar.types import Scope
from uuid_utils import uuid7

from application.origin import Origin
from domain.limits import Quota
from interfaces.http.client_address import ClientAddress
from interfaces.http.device_token import device_token_of

USER_AGENT_MAX_LENGTH = 256

UNMATCHED = "unmatched"

SERVER_TAKES_VIEWS = "crm_auth.server_takes_views"
"""Set in the `state` of a request by a server that writes a memoryview as it does bytes."""
_KEY = "crm_auth.request_context"
_REQUEST_ID = re.compile(rb"(?!crm_)[A-Za-z0-9_-]{1,64}")
"""All that we hand out and is secret begins with `crm_`, or has a dot in it as access tokens do."""
_PATH_CHARACTERS = "/%:@!$&'()*+,;=~"


class RequestContext:
    """Made at the edge of the application; costs next to nothing until it is asked."""

    __slots__ = ("_client_address", "_path", "_scope", "public_url", "quota", "request_id")

    def __init__(self, scope: Scope, client_address: ClientAddress, public_url: str) -> None:
        self._scope = scope
        # Kept, because the router puts its own reading into the scope.
        self._path = scope["path"]
        self._client_address = client_address
        self.public_url = public_url
        """Where clients reach the service, without a last slash: the only source of absolute links (P06)."""
        self.request_id = _request_id(scope["headers"])
        self.quota: Quota | None = None
        """What the limit that was asked last says, for the answer to tell."""
        scope.setdefault("state", {})[_KEY] = self

    def let_go(self) -> None:
        """The request is answered. The scope holds this as this holds the scope: let neither wait for the collector."""
        self._scope["state"].pop(_KEY, None)

    @property
    def path(self) -> str:
        """The path as received, percent-encoded, without the query; printable ASCII whatever the client sent."""
        return quote(self._scope.get("raw_path") or self._path, safe=_PATH_CHARACTERS)

    @property
    def mount_path(self) -> str:
        """What a path starts with when the application is mounted in another one, as `/auth`; `""` when it is not.

        ASGI has `root_path` for it. Litestar's own mounts leave that empty and cut the path, so there the prefix is
        what the received path has more. It is made of whole segments: `//` would make a link leave the host.
        """
        prefix = self._scope.get("root_path", "") or self._cut_off()
        return quote("".join(f"/{segment}" for segment in prefix.split("/") if segment), safe=_PATH_CHARACTERS)

    def _cut_off(self) -> str:
        raw_path = self._scope.get("raw_path")
        received = unquote(raw_path.decode("latin-1")).rstrip("/") if raw_path else ""
        own = self._path.rstrip("/")
        return received[: len(received) - len(own)] if received.endswith(own) else ""

    @property
    def server_takes_views(self) -> bool:
        """Whether content may be given to the server as a view of it, which copies nothing."""
        return SERVER_TAKES_VIEWS in self._scope["state"]

    @property
    def is_forwarded_by_a_stranger(self) -> bool:
        """Whether the request came by a proxy that is not trusted, whose address is then taken for the client's."""
        return self._client_address.is_forwarded_by_a_stranger(self._scope)

    @property
    def origin(self) -> Origin:
        """Where the request comes from, in the words of the application."""
        return Origin(
            ip_address=self._client_address.of(self._scope),
            user_agent=_user_agent(self._scope["headers"]),
            request_id=self.request_id,
            device_token=device_token_of(self._scope["headers"]),
            report=self._report,
        )

    def _report(self, quota: Quota) -> None:
        self.quota = quota


def context_of(request: Request[Any, Any, Any]) -> RequestContext:
    """The context of a request."""
    return cast("RequestContext", request.scope["state"][_KEY])


def origin_of(request: Request[Any, Any, Any]) -> Origin:
    """Where a request comes from.

    A function and not an injected dependency: Litestar resolves two dependencies of one handler in a task group of
    its own, which costs more than all the rest of a request's way through this package.
    """
    return context_of(request).origin


def route_path(scope: Scope) -> str:
    """The path as its route spells it; `unmatched` as long as, or because, no route was found."""
    return cast("dict[str, str]", scope).get("path_template", UNMATCHED)


def _request_id(headers: Iterable[tuple[bytes, bytes]]) -> str:
    """The caller's id when it can neither forge a log (G03) nor bring a token of ours into it (G02).

    Else a new one, which sorts by time.
    """
    given = [value for name, value in headers if name == b"x-request-id"]
    if len(given) == 1 and _REQUEST_ID.fullmatch(given[0]):
        return given[0].decode("ascii")
    return uuid7().hex


def _user_agent(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """As the client names itself, printable and cut: it is stored, and shown in lists of sessions (F02)."""
    for name, value in headers:
        if name == b"user-agent":
            text = value.decode("utf-8", "replace")
            if not text.isprintable():
                text = "".join(character for character in text if character.isprintable())
            return text[:USER_AGENT_MAX_LENGTH] or None
    return None
