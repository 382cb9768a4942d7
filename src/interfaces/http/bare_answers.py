"""Answers to what never became a request: broken, late or too large before the application could see it (H11)."""

from msgspec import json
from uuid_utils import uuid7

from interfaces.http.middleware import DEFAULT_HEADERS
from interfaces.http.other_origins import Headers
from interfaces.http.problems import PROBLEM_MEDIA_TYPE, Problem, ProblemType, problem_headers

_PHRASES = {400: b"Bad Request", 408: b"Request Timeout", 431: b"Request Header Fields Too Large",
            503: b"Service Unavailable"}  # fmt: skip


def bare_answer(problem: ProblemType, servers_own: Headers) -> bytes:
    """The whole answer as HTTP/1.1 has it: a problem document like any other, after which the connection ends.

    `servers_own` are the headers that the server puts before each answer, as `date`. The path is not known.
    """
    document = Problem(
        type=f"/errors#{problem.code}",
        title=problem.title,
        status=problem.status,
        detail=problem.title,
        instance="/",
        code=problem.code,
    )
    body = json.encode(document)
    headers = [
        *servers_own,
        (b"content-type", PROBLEM_MEDIA_TYPE.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"connection", b"close"),
        *((name.lower().encode(), value.encode()) for name, value in problem_headers(problem).items()),
        *DEFAULT_HEADERS,
        (b"x-request-id", uuid7().hex.encode()),
    ]
    lines = [b"HTTP/1.1 %d %s" % (problem.status, _PHRASES[problem.status])]
    lines += [name + b": " + value for name, value in headers]
    return b"\r\n".join([*lines, b"", body])
