"""What schemathesis is told of the service besides its document: who calls, and which refusals no schema can foretell.

``SCHEMATHESIS_HOOKS`` names this module; ``test_openapi.py`` runs it.
"""

from collections import Counter
from typing import Any

import schemathesis
from schemathesis import Case, HookContext, Response
from schemathesis.auths import AuthContext
from schemathesis.core.failures import Failure
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import RejectedPositiveData

from tests.machines.openapi_caller import Caller, acceptable, acceptable_path, acceptable_photo

REFUSALS = {
    "invalid_cursor": "only what `next_cursor` gave is a cursor",
    "invalid_token": "only what a mail brought is a token of a link",
    "invalid_photo": "whether bytes are a picture is seen by decoding them",
    "invalid_email": "of the addresses that the format admits we take those that a mail can reach",
    "invalid_name": "which characters print is said by tables of Unicode",
    "invalid_phone_number": "which numbers there are is said by the numbering plans",
    "invalid_locale": "which subtags there are is said by the registry of IANA",
    "invalid_zoneinfo": "which zones there are is said by the database of IANA",
    "password_too_short": "how long it has to be is a setting, and is judged after NFC",
    "password_too_long": "it is bytes that are counted, after NFC",
    "invalid_password": "which characters are control characters is said by tables of Unicode",
    "password_common": "no schema knows what is guessed first",
    "password_breached": "no schema knows what was published",
    "password_repeated": "no schema knows what is guessed first",
    "password_sequence": "no schema knows what is guessed first",
    "password_keyboard_walk": "no schema knows what is guessed first",
    "password_guessable": "no schema knows what is guessed first",
    "password_derived": "no schema compares fields",
    "password_unchanged": "no schema compares fields",
    "username_changed_too_often": "how often it changed before is said by what was sent before",
    "idempotency_key_reused": "what a key was used for before is said by what was sent before",
}
"""Why a request that the document admits may be refused all the same: by the code of each refused field, or of all."""

caller = Caller()
_seen: Counter[str] = Counter()
_given: set[str] = set()


@schemathesis.auth(refresh_interval=None)
class BearerAuth:
    """The caller's access token."""

    def get(self, case: Case, _context: AuthContext) -> str:
        return _authorization(case)

    def set(self, case: Case, authorization: str, _context: AuthContext) -> None:
        case.headers["Authorization"] = authorization


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:
    """Every other request that is to be accepted is made acceptable, where a schema cannot do it."""
    operation_id = _operation_id(case)
    if case.headers.get("Authorization") in _given:
        # What was current when the case was made may have ended since.
        case.headers["Authorization"] = _authorization(case)
    if case.meta is None or case.meta.generation.mode.is_negative:
        return
    _seen[operation_id] += 1
    if _seen[operation_id] % 2 and case.meta.phase.name is not TestPhase.STATEFUL:
        return
    # A form that has a file is not looked at again: changed, it would count as one that is to be refused.
    if isinstance(case.body, dict) and "photo" not in case.body:
        if fields := acceptable(operation_id, caller, case.body):
            case.body = case.body | fields
    elif operation_id == "setPhoto" and isinstance(case.body, bytes) and case.media_type:
        case.body = acceptable_photo(case.media_type)
    elif case.meta.phase.name is not TestPhase.STATEFUL:
        case.path_parameters = case.path_parameters | acceptable_path(operation_id, caller)


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:
    """The caller goes on with what an answer brought."""
    if response.status_code not in {200, 201, 204}:
        return
    if case.method != case.operation.method.upper():
        # By another method than its own it is another operation, and may have ended anything.
        caller.start_again()
        return
    is_json = response.headers.get("content-type", [""])[0].startswith("application/json")
    caller.learn(_operation_id(case), case.body, response.json() if is_json else None)


@schemathesis.hook
def filter_failure(context: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """False for a refusal that no schema can foretell, of every field that is refused."""
    if not isinstance(failure, RejectedPositiveData) or response.status_code != 422:
        return True
    problem = response.json()
    codes = {error["code"] for error in problem.get("errors") or [problem]}
    return not codes <= REFUSALS.keys()


def _authorization(case: Case) -> str:
    """Of the session that is named, if it is one of those that began here, for it is somebody else's otherwise."""
    named = (case.path_parameters or {}).get("session_id")
    given = f"Bearer {caller.access_tokens.get(named) or caller.access_token}"
    _given.add(given)
    return given


def _operation_id(case: Case) -> str:
    operation_id: str = case.operation.definition.raw["operationId"]
    return operation_id
