"""What a unit of work is told to write of one-time tokens, noted for its commit."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from application.recovery.ports import OneTimeToken
from domain.accounts.errors import UserNotFound
from domain.accounts.identifiers import EmailAddress
from domain.recovery.email_change import undone_by
from domain.recovery.one_time_token import TokenPurpose, token_refused
from tests.support.memory_rows import Rows, StoredOneTimeToken
from tests.support.memory_writes import Write


@dataclass(frozen=True)
class StagedTokenWrites:
    stage: Callable[[Write], None]

    def issue(self, token: OneTimeToken, user_id: UUID, lifetime: timedelta, *, to: EmailAddress | None = None) -> None:
        def write(rows: Rows, now: datetime) -> None:
            if user_id not in rows.users:
                raise UserNotFound
            email = (to or rows.users[user_id].email).canonical
            rows.one_time_tokens[token.digest] = StoredOneTimeToken(
                purpose=token.purpose, user_id=user_id, email=email, expires_at=now + lifetime
            )

        self.stage(write)

    def renew(self, token: OneTimeToken, lifetime: timedelta) -> None:
        def write(rows: Rows, now: datetime) -> None:
            stored = rows.one_time_tokens.get(token.digest)
            if stored is None or stored.purpose is not token.purpose or stored.expires_at <= now:
                raise token_refused()
            rows.one_time_tokens[token.digest] = replace(stored, expires_at=now + lifetime)

        self.stage(write)

    def spend(self, token: OneTimeToken) -> None:
        def write(rows: Rows, now: datetime) -> None:
            user = rows.redeemable(token, now)
            if user is None:
                raise token_refused()
            keep = _of_earlier_emails(rows, rows.one_time_tokens[token.digest])
            _revoke(rows, user.id, {token.purpose}, keep)

        self.stage(write)

    def revoke_all_of(self, user_id: UUID, purposes: Collection[TokenPurpose]) -> None:
        self.stage(lambda rows, _now: _revoke(rows, user_id, purposes))


def _of_earlier_emails(rows: Rows, token: StoredOneTimeToken) -> set[str]:
    if token.purpose is not TokenPurpose.ACCOUNT_FREEZE:
        return set()
    former = [each for each in rows.former_emails if each.user_id == token.user_id]
    email = rows.address_of(token)
    undone = undone_by(email, former) if email else []
    return {each.email.canonical for each in former if each not in undone}


def _revoke(rows: Rows, user_id: UUID, purposes: Collection[TokenPurpose], keep: Collection[str] = ()) -> None:
    for digest, stored in list(rows.one_time_tokens.items()):
        if stored.user_id == user_id and stored.purpose in purposes and stored.email not in keep:
            del rows.one_time_tokens[digest]
