"""A change of address: it waits until the new one is proven, and can be undone from the old one for a while."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.accounts.identifiers import EmailAddress
from domain.errors import InvalidValue
from domain.outbox.retrying import AWAY_FOR_AT_MOST
from domain.recovery.one_time_token import ACCOUNT_FREEZE_LIFETIME, NEW_EMAIL_LIFETIME

PENDING_KEPT = NEW_EMAIL_LIFETIME + AWAY_FOR_AT_MOST
"""How long a change waits: as long as its token is good, and the mail with the token may wait before that."""
FORMER_KEPT = ACCOUNT_FREEZE_LIFETIME + AWAY_FOR_AT_MOST
"""How long an address that was replaced is known: as long as the token that brings it back may be good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChange:
    """The address that an account is to have."""

    id: UUID
    email: EmailAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class FormerEmail:
    """A proven address that an account had, and the change that replaced it."""

    change_id: UUID
    user_id: UUID
    email: EmailAddress
    replaced_at: datetime


def undone_by(email: EmailAddress, former: Sequence[FormerEmail]) -> Sequence[FormerEmail]:
    """The changes that whoever has ``email`` can undo: those since it was first replaced.

    Those before are not theirs: of several who had the account one after the other, the first has the last word.
    """
    firsts = [each.replaced_at for each in former if each.email.canonical == email.canonical]
    return [each for each in former if firsts and each.replaced_at >= min(firsts)]


def email_unchanged() -> InvalidValue:
    """The refusal of the address that the account has."""
    return InvalidValue("email_unchanged", "This is the address that the account has.")
