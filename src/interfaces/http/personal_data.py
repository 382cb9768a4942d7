"""What the law gives people: all that is held on them, and an end of it."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, SkipValidation
from litestar.response import Stream
from msgspec import json

from application.accounts.delete_own_account import DeleteOwnAccount
from application.accounts.export_account import AccountExport, ExportAccount
from domain.accounts.errors import SelfDeletionOff
from domain.credentials.errors import WrongPassword
from domain.errors import Overloaded, TooManyAttempts
from domain.events import RecordedEvent
from domain.sessions.session import Session
from interfaces.http import wire
from interfaces.http.accounts import TAG, user_on_the_wire
from interfaces.http.authentication import CallersRequest
from interfaces.http.bodies import JsonBody
from interfaces.http.problem_responses import BODY_PROBLEMS, CALLER_PROBLEMS, problems
from interfaces.http.request_context import RequestContext, context_of, origin_of

_EXPORTED = "The document, to be saved."


@post(
    "/v1/users/me/deletion",
    operation_id="deleteAccount",
    tags=[TAG],
    summary="Delete your account",
    description="For good, and at once: every session ends, the photo and all that is held on you is gone. The"
    " username is nobody's from then on. After ten wrong `password` in a session its waits grow.",
    dto=JsonBody[wire.AccountDeletion],
    status_code=204,
    response_description="The account is gone.",
    responses=problems(*BODY_PROBLEMS, *CALLER_PROBLEMS, WrongPassword, SelfDeletionOff, TooManyAttempts, Overloaded),
)
async def delete_account(
    request: CallersRequest,
    data: JSONBody[wire.AccountDeletion],
    delete_own_account: NamedDependency[SkipValidation[DeleteOwnAccount]],
) -> None:
    """Delete the caller's account."""
    await delete_own_account(request.auth, data.password, origin_of(request))


@get(
    "/v1/users/me/export",
    operation_id="exportAccount",
    tags=[TAG],
    summary="Download all that is held on you",
    description="Your account, what it is proven by (never a password or its hash), every session, and the record of"
    " what happened, as it was at `exported_at`. The answer is as long as the record is. Ten an hour.",
    responses=problems(*CALLER_PROBLEMS, TooManyAttempts)
    | {200: ResponseSpec(wire.AccountExport, description=_EXPORTED, generate_examples=False)},
)
async def export_account(
    request: CallersRequest, export_account: NamedDependency[SkipValidation[ExportAccount]]
) -> Stream:
    """All that is held on the caller."""
    export = await export_account(request.auth, origin_of(request))
    name = f"crm-auth-{export.contents.now:%Y-%m-%d}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Stream(_document(export, context_of(request)), media_type="application/json", headers=headers)


async def _document(export: AccountExport, context: RequestContext) -> AsyncIterator[bytes]:
    """The bytes of a `wire.AccountExport`, some rows at a time, so that none is kept until the last is read."""
    head = json.encode(_without_lists(export, context))
    yield head.removesuffix(b"}") + b',"sessions":['
    async for part in _joined(_sessions(export)):
        yield part
    yield b'],"events":['
    async for part in _joined(_events(export)):
        yield part
    yield b"]}"


async def _joined(pages: AsyncIterator[Sequence[Any]]) -> AsyncIterator[bytes]:
    """The elements of one JSON array, a page of them at a time."""
    separator = b""
    async for page in pages:
        yield separator + b",".join(map(json.encode, page))
        separator = b","


async def _sessions(export: AccountExport) -> AsyncIterator[Sequence[wire.HeldSession]]:
    async for page in export.sessions:
        yield [_held_session(session) for session in page]


async def _events(export: AccountExport) -> AsyncIterator[Sequence[wire.HeldEvent]]:
    async for page in export.events:
        yield [_held_event(held.event) for held in page]


def _without_lists(export: AccountExport, context: RequestContext) -> dict[str, object]:
    """All but the last two fields of a `wire.AccountExport`, in their order."""
    contents = export.contents
    return {
        "exported_at": contents.now,
        "user": user_on_the_wire(contents.user, context),
        "username_changed_at": contents.username_changed_at,
        "reserved_usernames": contents.reserved_usernames,
        "credentials": [
            wire.HeldCredential(kind=each.kind.value, created_at=each.created_at, updated_at=each.updated_at)
            for each in contents.credentials
        ],
        "one_time_tokens": [
            wire.HeldToken(purpose=each.purpose, created_at=each.created_at, expires_at=each.expires_at)
            for each in contents.one_time_tokens
        ],
        "pending_email": contents.pending_email,
        "former_emails": contents.former_emails,
    }


def _held_session(session: Session) -> wire.HeldSession:
    return wire.HeldSession(
        id=str(session.id),
        created_at=session.created_at,
        last_used_at=session.last_used_at,
        idle_expires_at=session.idle_expires_at,
        expires_at=session.expires_at,
        ended_at=session.ended_at,
        end_reason=session.end_reason,
        ip_address=session.ip_address,
        user_agent=session.user_agent,
        device=session.device,
        authentication_methods=list(session.authentication.methods),
    )


def _held_event(event: RecordedEvent) -> wire.HeldEvent:
    return wire.HeldEvent(
        id=str(event.id),
        type=event.type,
        occurred_at=event.occurred_at,
        session_id=str(event.session_id) if event.session_id else None,
        request_id=event.request_id,
        ip_address=event.ip_address,
        user_agent=event.user_agent,
        data=dict(event.data),
    )
