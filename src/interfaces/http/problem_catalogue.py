"""Every code that an answer can carry, and what a client makes of it: for people, as a page and as a document.

A code that is not explained here fails a test.
"""

from collections.abc import Iterator
from functools import cache
from html import escape

from litestar import MediaType, get
from litestar.response.base import ASGIResponse

from domain.errors import DomainError
from interfaces.http.problems import TRANSPORT_PROBLEMS, ProblemType

PROBLEM_MEANINGS = {
    "bad_request": "The request is broken below the level of its body, as by an impossible `Host`. Mend the client.",
    "host_not_allowed": "The operator lists the names of the service, and the `Host` of the request is none of them."
    " Use the service's own address; an operator looks at `CRM_AUTH_ALLOWED_HOSTS`, and at what a proxy passes on.",
    "request_timeout": "The head or the body of the request came too slowly. Send it again, over a better line.",
    "head_too_large": "The request has more than 16 KiB of path, query and headers, or more than 100 headers.",
    "malformed_json": "The body is empty, not UTF-8, not JSON, nested too deeply, or names a field twice."
    " Mend the client.",
    "malformed_form": "The body is not a whole `multipart/form-data`, has too many parts or two of one name, or texts"
    " that are not UTF-8. Mend the client.",
    "invalid_idempotency_key": "`Idempotency-Key` was sent twice, or is not 1 to 255 visible ASCII characters."
    " Mend the client.",
    "authentication_required": "No access token was sent. Sign in, and send it as `Authorization: Bearer`.",
    "invalid_token": "The access token has expired, is not ours, or its session has ended."
    " Refresh the session; when that is refused too, sign in.",
    "invalid_credentials": "The identifier or the password is wrong, or the account may not sign in."
    " Which of them is never told.",
    "invalid_refresh_token": "The refresh token has expired, was replaced, is not ours, or its session has ended."
    " Sign in.",
    "additional_authentication_required": "The password was right, and another authenticator is asked for.",
    "email_not_verified": "The password was right, and the operator opens sessions only once the e-mail address is"
    " confirmed. The link is in the mail; `POST /v1/email-verifications` sends another.",
    "wrong_password": "The caller's own password was asked for, and it is another. Ten such of a session have to wait.",
    "self_deletion_off": "The operator deletes accounts; ask them.",
    "signup_closed": "The operator admits no sign-up, or none with such an address.",
    "not_found": "No resource has this path, or none that the caller may see.",
    "photo_not_found": "No account has a photo at this address, or not any more.",
    "session_not_found": "No session of the account has this id, or it has ended. Read the list again.",
    "user_not_found": "No account has this id, e-mail address or username. Only the command line answers so.",
    "audit_log_altered": "Somebody else wrote into the audit log. Only the command line answers so.",
    "status_unchanged": "The account is disabled, or active, already. Only the command line answers so.",
    "method_not_allowed": "`Allow` lists the methods that the resource has.",
    "email_taken": "The e-mail address belongs to an account. `errors` names each identifier that is taken.",
    "username_taken": "The username belongs to an account, or did: one that was given up stays reserved.",
    "request_in_progress": "The first request with this `Idempotency-Key` has no answer yet."
    " Send it again after `Retry-After`.",
    "account_deleted": "The account that the request with this `Idempotency-Key` made has been deleted since."
    " To sign up again, take another key.",
    "content_too_large": "The body has more bytes than this call reads.",
    "unsupported_media_type": "Send the body as one of the types that the call declares: `application/json` for"
    " most, `image/jpeg`, `image/png` or `image/webp` for a photo.",
    "invalid_input": "`errors` lists every refused field with a code of its own, see below.",
    "idempotency_key_reused": "This `Idempotency-Key` was used for a request with other fields."
    " Take a new key for each request, and the same one only to send the same again.",
    "invalid_value": "A value is refused by its own rules.",
    "too_many_attempts": "A limit is used up. Wait for as long as `Retry-After` says.",
    "internal_error": "A fault of this service. Its operator finds it in the log by `X-Request-ID`.",
    "service_unavailable": "A part that the answer depends on is away. Try again after `Retry-After`.",
    "overloaded": "More work waits than can be done in time. Try again after `Retry-After`.",
}
"""By the code of the problem."""

FIELD_MEANINGS = {
    "missing": "The field is required.",
    "wrong_type": "The field is of another JSON type. Nothing is converted.",
    "unknown_field": "There is no such field.",
    "unknown_parameter": "The query has no such parameter.",
    "repeated_parameter": "The query has this parameter more than once.",
    "invalid_limit": "Not a whole number from 1 to 100.",
    "invalid_cursor": "Not a `next_cursor` of this list. Begin again without one.",
    "invalid_except": "Not `current`.",
    "invalid_email": "Not an address that mail can be sent to.",
    "email_unchanged": "The new address is the one that the account has.",
    "invalid_username": "Not 3 to 32 ASCII letters, digits, `.`, `_`, `-`, or not a letter or digit at both ends.",
    "username_changed_too_often": "The username has changed three times in 30 days; `detail` says from when it can"
    " again.",
    "invalid_password": "Has control characters or is not Unicode text.",
    "password_too_short": "Has fewer characters than the operator demands, 15 by default.",
    "password_too_long": "Has more than 1,024 bytes in UTF-8.",
    "password_common": "Is among the passwords that are tried first.",
    "password_repeated": "Repeats itself.",
    "password_sequence": "Follows a sequence.",
    "password_keyboard_walk": "Follows the keys of the keyboard.",
    "password_derived": "Is built from the other fields or the name of the service.",
    "password_guessable": "Is easy to guess in another way.",
    "password_breached": "Is in a list of passwords that were published in breaches of other services.",
    "password_unchanged": "Is the password that the account has.",
    "invalid_token": "The link's token was used, has expired, or is not whole. Ask for a new link.",
    "invalid_name": "Not 1 to 100 printable characters, or has white space at an end.",
    "invalid_phone_number": "Not a number with `+`, a country code there is and as many digits as numbers have there,"
    " as `+44 20 7946 0123`.",
    "invalid_locale": "Not a BCP 47 tag of registered subtags, as `en-GB`.",
    "invalid_zoneinfo": "Not a name of the IANA time zone database, as `Europe/London`.",
    "invalid_photo": "Not a JPEG, PNG or WebP picture, damaged, or too large to be decoded.",
    "invalid_size": "Not one of the sizes that photos have.",
    "email_taken": "The address belongs to an account.",
    "username_taken": "The username belongs to an account, or did.",
}
"""By the code of one entry of `errors`."""

_INTRODUCTION = (
    "Every refusal is a problem document (RFC 9457), `application/problem+json`."
    " Branch on its `code`; the sentences may change. Codes stay."
)


def known_problems() -> list[ProblemType]:
    """All there are, by status and code: those of the transport, and one for each domain error."""
    found = {*TRANSPORT_PROBLEMS, *(ProblemType.of(error) for error in _concrete(DomainError))}
    return sorted(found, key=lambda problem: (problem.status, problem.code))


def errors_markdown() -> str:
    """The reference of codes, as it stands in `docs/errors.md`."""
    problems = [
        f"| {problem.status} | `{problem.code}` | {problem.title} | {PROBLEM_MEANINGS[problem.code]} |"
        for problem in known_problems()
    ]
    fields = [f"| `{code}` | {meaning} |" for code, meaning in FIELD_MEANINGS.items()]
    return "\n".join(
        [
            "# Errors",
            "",
            _INTRODUCTION,
            "",
            "| status | code | title | what it means |",
            "| --- | --- | --- | --- |",
            *problems,
            "",
            "## Fields",
            "",
            "The entries of `errors`, each with the JSON pointer of the field:",
            "",
            "| code | what it means |",
            "| --- | --- |",
            *fields,
            "",
        ]
    )


@get("/errors", include_in_schema=False)
async def errors_page() -> ASGIResponse:
    """The same for a browser: what the `type` of a problem leads to, with no other page needed."""
    return ASGIResponse(
        body=_errors_html(), media_type=MediaType.HTML, headers={"Cache-Control": "public, max-age=3600"}
    )


@cache
def _errors_html() -> bytes:
    problems = "".join(
        _entry(problem.code, f"{problem.status}. {problem.title} {PROBLEM_MEANINGS[problem.code]}")
        for problem in known_problems()
    )
    fields = "".join(_entry(f"field-{code}", meaning, code) for code, meaning in FIELD_MEANINGS.items())
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors</title>'
        f"<h1>Errors</h1><p>{_prose(_INTRODUCTION)}</p><dl>{problems}</dl><h2>Fields</h2><dl>{fields}</dl></html>"
    ).encode()


def _entry(anchor: str, text: str, code: str | None = None) -> str:
    return f'<dt id="{escape(anchor)}"><code>{escape(code or anchor)}</code><dd>{_prose(text)}'


def _prose(text: str) -> str:
    """Sentences with code in backquotes, as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))


def _concrete(error: type[DomainError]) -> Iterator[type[DomainError]]:
    if "code" in vars(error):
        yield error
    for narrower in error.__subclasses__():
        yield from _concrete(narrower)
