"""What is written down of all that happens: its type, whom and which session it concerns, and nothing personal."""

import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from uuid import UUID

import pytest

import domain
from domain.accounts import events as accounts
from domain.accounts import pending_sign_up
from domain.accounts.user import UserStatus
from domain.audit import events as audit
from domain.credentials import events as credentials
from domain.events import DomainEvent
from domain.outbox import events as outbox
from domain.photos import events as photos
from domain.recovery import events as recovery
from domain.sessions import events as sessions
from domain.sessions.session import EndReason
from domain.stuffing import events as stuffing
from domain.stuffing.recognition import SignIns, StuffingKind
from tests.support.builders import session_of, user_named

ADA = user_named("Ada")
SESSION = session_of(ADA.id)
USER, ITS_SESSION, OTHER = ADA.id, SESSION.id, UUID(int=7)
DIGEST = "0123456789abcdef"
SEEN = SignIns(failed=30, accounts=20, sources=3)

_AMR = {"amr": "pwd"}
_WHOSE = {"identifier_digest": DIGEST}

EVENTS: list[tuple[DomainEvent, str, UUID | None, UUID | None, Mapping[str, str]]] = [
    (accounts.user_registered(ADA), "user.registered", USER, None, {}),
    (accounts.user_status_changed(USER, UserStatus.DISABLED), "user.disabled", USER, None, {}),
    (accounts.user_status_changed(USER, UserStatus.ACTIVE), "user.enabled", USER, None, {}),
    (
        accounts.profile_changed(USER, ITS_SESSION, ["given_name", "locale"]),
        "user.profile_changed", USER, ITS_SESSION, {"fields": "given_name,locale"},
    ),
    (accounts.account_exported(USER, ITS_SESSION), "user.exported", USER, ITS_SESSION, {}),
    (accounts.user_deleted(USER), "user.deleted", USER, None, {}),
    (pending_sign_up.sign_up_requested(OTHER), "sign_up.requested", None, None, {"sign_up_id": str(OTHER)}),
    (pending_sign_up.sign_up_rejected(OTHER), "sign_up.rejected", None, None, {"sign_up_id": str(OTHER)}),
    (audit.audit_read("tail"), "audit.read", None, None, {"what": "tail"}),
    (audit.erasures_replayed(3), "audit.erasures_replayed", None, None, {"users": "3"}),
    (credentials.password_changed(USER, ITS_SESSION), "password.changed", USER, ITS_SESSION, {}),
    (credentials.reauthentication_failed(USER, ITS_SESSION), "reauthentication.failed", USER, ITS_SESSION, {}),
    (
        outbox.delivery_event(outbox.DELIVERY_DROPPED, 5, "mail", OTHER, USER),
        "delivery.dropped", USER, None, {"delivery": "5", "subscriber": "mail", "event": str(OTHER)},
    ),
    (photos.photo_set(USER, ITS_SESSION), "photo.set", USER, ITS_SESSION, {}),
    (photos.photo_removed(USER, ITS_SESSION), "photo.removed", USER, ITS_SESSION, {}),
    (recovery.password_reset_started(USER), "password_reset.started", USER, None, {}),
    (recovery.password_reset(USER), "password.reset", USER, None, {}),
    (recovery.password_reset_requested(USER, DIGEST), "password_reset.requested", USER, None, _WHOSE),
    (recovery.email_verification_requested(USER, DIGEST), "email_verification.requested", USER, None, _WHOSE),
    (recovery.email_verified(USER), "email.verified", USER, None, {}),
    (
        recovery.email_change_requested(USER, ITS_SESSION, OTHER, DIGEST),
        "email_change.requested", USER, ITS_SESSION, {"change_id": str(OTHER), **_WHOSE},
    ),
    (recovery.email_change_rejected(USER, OTHER), "email_change.rejected", USER, None, {"change_id": str(OTHER)}),
    (recovery.email_changed(USER, OTHER), "email.changed", USER, None, {"change_id": str(OTHER)}),
    (recovery.one_time_token_refused("p"), "one_time_token.refused", None, None, {"purpose": "p"}),
    (recovery.account_frozen(USER, outcome="o"), "account.frozen", USER, None, {"outcome": "o"}),
    (sessions.session_started(SESSION), "session.started", USER, ITS_SESSION, _AMR),
    (
        sessions.session_renewed(SESSION, EndReason.PASSWORD_CHANGED),
        "session.started", USER, ITS_SESSION, {**_AMR, "reason": "password_changed"},
    ),
    (
        sessions.session_ended(ITS_SESSION, USER, EndReason.LOGGED_OUT),
        "session.ended", USER, ITS_SESSION, {"reason": "logged_out"},
    ),
    (sessions.log_in_failed(USER, DIGEST), "log_in.failed", USER, None, _WHOSE),
    (sessions.log_in_limited(USER, DIGEST), "log_in.limited", USER, None, _WHOSE),
    (
        stuffing.stuffing_recognised(StuffingKind.ONE_SOURCE, SEEN),
        "credential_stuffing.recognised", None, None,
        {"kind": "one_source", "failed": "30", "accounts": "20", "sources": "3"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("event", "kind", "user_id", "session_id", "data"), EVENTS, ids=[each[1] for each in EVENTS])
def test_g01_g05_what_is_written_down(
    event: DomainEvent, kind: str, user_id: UUID | None, session_id: UUID | None, data: Mapping[str, str]
) -> None:
    assert (event.type, event.user_id, event.session_id, event.data) == (kind, user_id, session_id, data)


def test_no_event_is_missing_above() -> None:
    makers = set()
    for module in pkgutil.walk_packages(domain.__path__, "domain."):
        for name, maker in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            # `make mutants` sets altered copies of each function beside it.
            is_ours = not name.startswith("_") and "__mutmut_" not in name
            if is_ours and inspect.signature(maker).return_annotation is DomainEvent:
                makers.add(name)
    above = inspect.getsource(inspect.getmodule(test_no_event_is_missing_above) or domain)
    assert {name for name in makers if f".{name}(" not in above} == set()
    assert len(makers) > 20
