"""What commands ask for, answered from a list of accounts."""

import builtins
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from application.accounts.registration import Registration
from application.outbox.list_deliveries import DeliveryPage
from application.outbox.ports import DeliveryStatus
from domain.accounts.errors import StatusUnchanged, UserNotFound
from domain.accounts.user import User, UserStatus
from domain.sessions.errors import SessionNotFound
from domain.sessions.session import Session
from interfaces.cli.operations import Finding, Listing, ResetLink
from tests.support.builders import NOON


@dataclass
class FakeUsers:
    accounts: list[User] = field(default_factory=list)
    page: int = 2
    asked: list[Any] = field(default_factory=list)
    refusal: Exception | None = None

    def public_url(self) -> str:
        return "https://auth.example.test"

    def create(self, registration: Registration) -> User:
        self.asked.append(registration)
        if self.refusal:
            raise self.refusal
        return self.accounts[0]

    def find(self, identifier: str) -> User:
        if self.refusal:
            raise self.refusal
        for user in self.accounts:
            if identifier in {str(user.id), user.username.original}:
                return user
        raise UserNotFound

    def list(self, listing: Listing, show: Callable[[Sequence[User]], None]) -> UUID | None:
        self.asked.append(listing)
        if self.refusal:
            raise self.refusal
        wanted = self.accounts if listing.limit is None else self.accounts[: listing.limit]
        for start in range(0, len(wanted), self.page):
            show(wanted[start : start + self.page])
        if not wanted:
            show([])
        return wanted[-1].id if len(wanted) < len(self.accounts) else None

    def disable(self, identifier: str) -> User:
        return self._set(identifier, UserStatus.DISABLED)

    def enable(self, identifier: str) -> User:
        return self._set(identifier, UserStatus.ACTIVE)

    def delete(self, identifier: str) -> User:
        user = self.find(identifier)
        self.accounts.remove(user)
        return user

    def start_password_reset(self, identifier: str) -> ResetLink:
        return ResetLink(user=self.find(identifier), url="https://auth.example.test/a-link", expires_at=NOON)

    def _set(self, identifier: str, status: UserStatus) -> User:
        user = self.find(identifier)
        if user.status is status:
            raise StatusUnchanged
        self.accounts[self.accounts.index(user)] = replace(user, status=status)
        return self.find(identifier)


@dataclass
class FakeSessions:
    users: FakeUsers
    live: list[Session] = field(default_factory=list)

    def of(self, identifier: str) -> Sequence[Session]:
        self.users.find(identifier)
        return self.live

    def end(self, identifier: str, session_id: UUID | None) -> User:
        user = self.users.find(identifier)
        ended = [session for session in self.live if session_id in {None, session.id}]
        if session_id is not None and not ended:
            raise SessionNotFound
        self.live = [session for session in self.live if session not in ended]
        return user


@dataclass
class FakeOutbox:
    deliveries: list[DeliveryStatus] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    retried: list[int] = field(default_factory=list)

    def list(self, *, parked: bool, after: int, limit: int) -> DeliveryPage:
        found = [each for each in self.deliveries if each.id > after and bool(each.parked_at) == parked]
        return DeliveryPage(found[:limit], found[limit - 1].id if len(found) > limit else None)

    def retry(self, delivery_ids: Sequence[int] | None) -> Sequence[int]:
        self.retried = self._chosen(delivery_ids)
        return self.retried

    def drop(self, delivery_ids: Sequence[int] | None) -> Sequence[int]:
        gone = self._chosen(delivery_ids)
        self.deliveries = [each for each in self.deliveries if each.id not in gone]
        return gone

    def _chosen(self, delivery_ids: Sequence[int] | None) -> "builtins.list[int]":
        asked = [each.id for each in self.deliveries if each.parked_at] if delivery_ids is None else delivery_ids
        return [each.id for each in self.deliveries if each.id in asked and each.id not in self.busy]


@dataclass
class FakeOperations:
    users: FakeUsers = field(default_factory=FakeUsers)
    outbox: FakeOutbox = field(default_factory=FakeOutbox)
    worked: int = 0
    findings: Sequence[Finding] = ()

    def __post_init__(self) -> None:
        self.sessions = FakeSessions(self.users)

    def work(self) -> int:
        self.worked += 1
        return 0

    def examine(self) -> Sequence[Finding]:
        return self.findings
