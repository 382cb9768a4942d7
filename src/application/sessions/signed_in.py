"""What a person holds who has signed in."""

from dataclasses import dataclass

from application.sessions.ports import AccessToken, AccessTokenIssuer, IssuedDeviceToken, LiveSession
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
    device_token: IssuedDeviceToken | None = None
    """By which the device is known at the next sign-in; ``None`` where nobody signed in."""


def signed_in(
    live: LiveSession, refresh_token: str, issuer: AccessTokenIssuer, device_token: IssuedDeviceToken | None = None
) -> SignedIn:
    """Issue an access token for a session that is live."""
    return SignedIn(
        access_token=issuer.issue(live.user, live.session),
        refresh_token=refresh_token,
        refresh_expires_in=int((live.session.idle_expires_at - live.now).total_seconds()),
        session=live.session,
        user=live.user,
        device_token=device_token,
    )
