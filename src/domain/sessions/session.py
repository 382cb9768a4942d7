"""A sign-in, from its start to one of its ends."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from domain.sessions.refresh_chain import RefreshChain, RefreshOutcome


class EndReason(StrEnum):
    """Why a session was ended before its time."""

    LOGGED_OUT = "logged_out"
    REVOKED = "revoked"
    """By its owner, from another session."""
    REVOKED_BY_OPERATOR = "revoked_by_operator"
    SUPERSEDED = "superseded"
    """The user has as many sessions as are admitted, and this one was used least recently."""
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET = "password_reset"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_DELETED = "account_deleted"
    ACCOUNT_FROZEN = "account_frozen"
    """By whoever has the address that the account is to lose, or has lost."""
    REFRESH_TOKEN_REUSED = "refresh_token_reused"
    RESTORED = "restored"
    """By the operator, with all others, because the database came back from a backup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLifetime:
    """How long a session lasts unused (``idle``) and at all (``absolute``): R07, A7.3."""

    idle: timedelta
    absolute: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Authentication:
    """How and by which client the user was authenticated: what a token says of it (RFC 8176 ``amr``, OIDC ``acr``)."""

    auth_time: datetime
    methods: tuple[str, ...]
    client_id: str
    context_class: str | None = None
    scope: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """A sign-in of one user. ``expires_at`` is the absolute end; ``idle_expires_at`` moves with every refresh."""

    id: UUID
    user_id: UUID
    authentication: Authentication
    created_at: datetime
    last_used_at: datetime
    idle_lifetime: timedelta
    idle_expires_at: datetime
    expires_at: datetime
    ip_address: str | None
    user_agent: str | None
    device: str | None = None
    """What the user agent tells of browser and system, for people, as ``Firefox on Windows``."""
    chain: RefreshChain = field(default_factory=RefreshChain)
    ended_at: datetime | None = None
    end_reason: str | None = None
    """An EndReason; or what a newer version wrote, which is told as it is (X11)."""

    @classmethod
    def start(
        cls,
        *,
        session_id: UUID,
        user_id: UUID,
        authentication: Authentication,
        lifetime: SessionLifetime,
        ip_address: str | None,
        user_agent: str | None,
        device: str | None = None,
        now: datetime,
    ) -> "Session":
        """A session that begins now."""
        return cls(
            id=session_id,
            user_id=user_id,
            authentication=authentication,
            created_at=now,
            last_used_at=now,
            idle_lifetime=lifetime.idle,
            idle_expires_at=now + min(lifetime.idle, lifetime.absolute),
            expires_at=now + lifetime.absolute,
            ip_address=ip_address,
            user_agent=user_agent,
            device=device,
        )

    def succeeded_by(
        self,
        session_id: UUID,
        *,
        methods: tuple[str, ...],
        ip_address: str | None,
        user_agent: str | None,
        device: str | None,
        now: datetime,
    ) -> "Session":
        """The session that whoever is in this one goes on in, authenticated anew, and for as long as this was to be."""
        return Session.start(
            session_id=session_id,
            user_id=self.user_id,
            authentication=replace(self.authentication, auth_time=now, methods=methods),
            lifetime=SessionLifetime(idle=self.idle_lifetime, absolute=self.expires_at - self.created_at),
            ip_address=ip_address,
            user_agent=user_agent,
            device=device,
            now=now,
        )

    def is_live(self, now: datetime) -> bool:
        """Neither ended nor past either of its ends."""
        return self.ended_at is None and now < min(self.idle_expires_at, self.expires_at)

    def refresh(self, generation: int, *, is_current_secret: bool, now: datetime) -> tuple["Session", RefreshOutcome]:
        """Present a refresh token; see :mod:`domain.sessions.refresh_chain`. Nothing answers once it is not live."""
        if not self.is_live(now):
            return self, RefreshOutcome.REFUSED
        chain, outcome = self.chain.present(generation, is_current_secret=is_current_secret, now=now)
        match outcome:
            case RefreshOutcome.ROTATED:
                idle_expires_at = min(now + self.idle_lifetime, self.expires_at)
                return replace(self, chain=chain, last_used_at=now, idle_expires_at=idle_expires_at), outcome
            case RefreshOutcome.REUSED:
                return self.revoke(EndReason.REFRESH_TOKEN_REUSED, now), outcome
            case _:
                return replace(self, chain=chain), outcome

    def revoke(self, reason: EndReason, now: datetime) -> "Session":
        """End it; an end that has come already stays as it was."""
        return self if self.ended_at is not None else replace(self, ended_at=now, end_reason=reason)
