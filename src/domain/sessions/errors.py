"""Refusals about sessions; the whole tree is drawn in :mod:`domain.errors`."""

from domain.errors import DomainError, ErrorKind


class InvalidCredentials(DomainError):
    """Unknown user, wrong password and disabled account alike: the answer must not tell which (L01)."""

    code = "invalid_credentials"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The identifier or the password is wrong."


class AdditionalAuthenticationRequired(DomainError):
    """The password was right; another authenticator is asked for before there is a session (L16)."""

    code = "additional_authentication_required"
    kind = ErrorKind.FORBIDDEN
    title = "Another authenticator is required."


class EmailNotVerified(DomainError):
    """The password was right, and the operator opens no session before the address is confirmed."""

    code = "email_not_verified"
    kind = ErrorKind.FORBIDDEN
    title = "The e-mail address of the account has to be confirmed first."


class AuthenticationRequired(DomainError):
    """The request carries no access token."""

    code = "authentication_required"
    kind = ErrorKind.UNAUTHENTICATED
    title = "An access token is required."


class InvalidAccessToken(DomainError):
    """The access token is malformed, forged or expired, or its session has ended (RFC 6750 3.1)."""

    code = "invalid_token"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The access token is not valid, or its session has ended."


class InvalidRefreshToken(DomainError):
    """The refresh token gives nothing: not ours, replaced long ago, or of a session that has ended."""

    code = "invalid_refresh_token"
    kind = ErrorKind.UNAUTHENTICATED
    title = "The refresh token is not valid."


class SessionNotFound(DomainError):
    """No live session of this user has that id: one of somebody else's and one that never was alike (O06)."""

    code = "session_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "There is no such session."
