"""How one answer leads to the next request, as OpenAPI links: what of it goes where.

Clients that follow them need no prose, and machines that search for faults walk along them. The access token of a
session's answer goes into `Authorization`, which links cannot say.
"""

from typing import Any

_SESSION_ANSWERS = (("logIn", "201"), ("refreshSession", "200"), ("changePassword", "200"))


def links_of(operation_id: str, status: str) -> dict[str, dict[str, Any]]:
    """The links of that answer by name; empty for most."""
    return _LINKS.get((operation_id, status), {})


def _link(operation_id: str, description: str, **more: Any) -> dict[str, Any]:
    return {"operationId": operation_id, "description": description, **more}


def _links_of_session() -> dict[str, dict[str, Any]]:
    """Of an answer that has tokens."""
    by_id = {"session_id": "$response.body#/session/id"}
    return {
        "refresh": _link(
            "refreshSession",
            "The refresh token is exchanged for the next one.",
            requestBody={"refresh_token": "$response.body#/refresh_token"},
        ),
        "end": _link("endSession", "The session is ended by its id, from this or another one.", parameters=by_id),
        "read": _link("viewCurrentSession", "With the access token, until the session ends."),
        "profile": _link("viewProfile", "With the access token, until the session ends."),
        "list": _link("listSessions", "With the access token, until the session ends."),
        "logOut": _link("logOut", "Ends it: neither of its tokens works from then on."),
    }


_LINKS: dict[tuple[str, str], dict[str, dict[str, Any]]] = {
    **{answer: _links_of_session() for answer in _SESSION_ANSWERS},
    ("registerUser", "201"): {
        "logIn": _link(
            "logIn",
            "With what was typed, by e-mail address or username.",
            requestBody={"identifier": "$request.body#/username", "password": "$request.body#/password"},
        )
    },
    ("listSessions", "200"): {
        "next": _link(
            "listSessions", "The next page, if there is one.", parameters={"cursor": "$response.body#/next_cursor"}
        ),
        "end": _link(
            "endSession", "Any of the sessions can be ended.", parameters={"session_id": "$response.body#/items/0/id"}
        ),
    },
    ("setPhoto", "200"): {
        "profile": _link("viewProfile", "`picture` is where the photo is."),
        "remove": _link("removePhoto", "It is gone at once."),
    },
}
