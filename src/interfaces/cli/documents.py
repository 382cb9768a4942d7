"""Accounts and sessions as the commands print them: JSON with the names that HTTP gives them, and cells for people."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from domain.accounts.user import User
from domain.sessions.session import Session

Document = Mapping[str, Any]


def as_json(document: Document) -> str:
    """Indented; all but ASCII escaped, so that nothing in it steers a terminal."""
    return json.dumps(document, indent=2)


def user_document(user: User, public_url: str) -> Document:
    """The User of the HTTP contract; its picture is where the service is reached."""
    profile = user.profile
    return {
        "id": str(user.id),
        "email": user.email.original,
        "email_verified": user.email_verified,
        "username": user.username.original,
        "given_name": profile.given_name,
        "family_name": profile.family_name,
        "display_name": profile.display_name,
        "phone_number": profile.phone_number,
        "locale": profile.locale,
        "zoneinfo": profile.zoneinfo,
        "picture": None if user.photo_id is None else f"{public_url}/v1/photos/{user.photo_id}",
        "status": user.status.value,
        "created_at": timestamp(user.created_at),
        "updated_at": timestamp(user.updated_at),
    }


def session_document(session: Session) -> Document:
    """The Session of the HTTP contract, less what is about the caller, and when and why it will end."""
    return {
        "id": str(session.id),
        "created_at": timestamp(session.created_at),
        "last_used_at": timestamp(session.last_used_at),
        "idle_expires_at": timestamp(session.idle_expires_at),
        "expires_at": timestamp(session.expires_at),
        "ip_address": session.ip_address,
        "user_agent": session.user_agent,
        "device": session.device,
        "authentication_methods": list(session.authentication.methods),
        "ends_at": timestamp(min(session.idle_expires_at, session.expires_at)),
        "ends_by": ends_by(session),
    }


def ends_by(session: Session) -> str:
    """Which of its two ends comes first, as things are: ``idle`` moves with every refresh, ``absolute`` stays."""
    return "idle" if session.idle_expires_at < session.expires_at else "absolute"


def timestamp(time: datetime) -> str:
    """RFC 3339 in UTC, as over HTTP."""
    return time.isoformat().replace("+00:00", "Z")


def for_people(value: object) -> str:
    """A value of a document as a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(map(str, value))
        case _:
            return str(value)


def minute(time: datetime) -> str:
    """A time in UTC for a cell, to the minute."""
    return f"{time:%Y-%m-%d %H:%M}"
