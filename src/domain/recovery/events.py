"""What happens on the way back in."""

from uuid import UUID

from domain.events import DomainEvent


def password_reset_started(user_id: UUID) -> DomainEvent:
    """An operator made a link by which the user sets a new password."""
    return DomainEvent(type="password_reset.started", user_id=user_id)


def password_reset(user_id: UUID) -> DomainEvent:
    """Whoever held the link set a new password."""
    return DomainEvent(type="password.reset", user_id=user_id)


def password_reset_requested(user_id: UUID | None, identifier_digest: str) -> DomainEvent:
    """Somebody asked for a link to be mailed; with no account of that address there is none to be mailed to."""
    return _requested("password_reset.requested", user_id, identifier_digest)


def email_verification_requested(user_id: UUID | None, identifier_digest: str) -> DomainEvent:
    """Somebody asked for the mail by which an address is confirmed."""
    return _requested("email_verification.requested", user_id, identifier_digest)


def email_verified(user_id: UUID) -> DomainEvent:
    """Whoever has the account has the mailbox, too."""
    return DomainEvent(type="email.verified", user_id=user_id)


def email_change_requested(caller: UUID, session_id: UUID, change_id: UUID, identifier_digest: str) -> DomainEvent:
    """A user gave another address, which holds once it is proven."""
    data = {"change_id": str(change_id), "identifier_digest": identifier_digest}
    return DomainEvent(type="email_change.requested", user_id=caller, session_id=session_id, data=data)


def email_change_rejected(user_id: UUID, change_id: UUID) -> DomainEvent:
    """Whoever has the address that the account was to have does not want it there."""
    return DomainEvent(type="email_change.rejected", user_id=user_id, data={"change_id": str(change_id)})


def email_changed(user_id: UUID, change_id: UUID) -> DomainEvent:
    """The account has another address, which is proven."""
    return DomainEvent(type="email.changed", user_id=user_id, data={"change_id": str(change_id)})


def one_time_token_refused(purpose: str) -> DomainEvent:
    """Somebody came with a token that is good for nothing: spent, expired, or never ours."""
    return DomainEvent(type="one_time_token.refused", data={"purpose": purpose})


def account_frozen(user_id: UUID, *, outcome: str) -> DomainEvent:
    """Whoever has, or had, the account's address put an end to what went on in it.

    ``outcome``: ``address_kept``, ``address_restored``, or ``disabled`` when the address is somebody else's by now.
    """
    return DomainEvent(type="account.frozen", user_id=user_id, data={"outcome": outcome})


def _requested(kind: str, user_id: UUID | None, identifier_digest: str) -> DomainEvent:
    return DomainEvent(type=kind, user_id=user_id, data={"identifier_digest": identifier_digest})
