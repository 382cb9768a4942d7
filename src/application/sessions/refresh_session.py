"""Stay signed in."""

from dataclasses import dataclass

from application.origin import Origin
from application.sessions.ports import AccessTokenIssuer, RefreshTokens, SessionRepository
from application.sessions.signed_in import SignedIn, signed_in
from domain.sessions.errors import InvalidRefreshToken


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshSession:
    """Exchange a refresh token for its successor and a fresh access token."""

    refresh_tokens: RefreshTokens
    sessions: SessionRepository
    issuer: AccessTokenIssuer

    async def __call__(self, refresh_token: str, origin: Origin) -> SignedIn:
        """Raises InvalidRefreshToken, ServiceUnavailable."""
        presented = self.refresh_tokens.parse(refresh_token)
        digest, successor = self.refresh_tokens.digest(presented), self.refresh_tokens.successor(presented)
        refreshed = await self.sessions.refresh(presented, digest, successor, origin)
        if refreshed is None:
            raise InvalidRefreshToken
        if refreshed.sealed == successor.sealed:
            return signed_in(refreshed.live, successor.text, self.issuer)
        # The token was replaced before, by a request whose answer may be lost: the same successor again (R03).
        return signed_in(refreshed.live, self.refresh_tokens.unseal(presented, refreshed.sealed), self.issuer)
