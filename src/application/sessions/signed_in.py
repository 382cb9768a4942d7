"""What a person holds who has signed in."""

from dataclasses import dataclass

from application.sessions.ports import AccessToken, AccessTokenIssuer, LiveSession
from domain.accounts.user import User
from domain.sessions.session import Session


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SignedIn:
    """A session with its tokens; ``refresh_expires_in`` is in seconds, to the idle end that counts from now."""

    access_token: AccessToken
    refresh_token: str
    refresh_expires_in: int
    session: Session
    user: User


def signed_in(live: LiveSession, refresh_token: str, issuer: AccessTokenIssuer) -> SignedIn:
    """Issue an access token for a session that is live."""
    return SignedIn(
        access_token=issuer.issue(live.user, live.session),
        refresh_token=refresh_token,
        refresh_expires_in=int((live.session.idle_expires_at - live.now).total_seconds()),
        session=live.session,
        user=live.user,
    )
