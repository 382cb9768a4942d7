"""Refusals about accounts; the whole tree is drawn in :mod:`domain.errors`."""

from domain.errors import DomainError, ErrorKind, Violation


class IdentifierTaken(DomainError):
    """An identifier belongs to another account."""

    kind = ErrorKind.CONFLICT

    @staticmethod
    def of(*, email: bool, username: bool) -> "IdentifierTaken":
        """The refusal for what is taken; when both are, it is :class:`EmailTaken` and names both."""
        violations = [
            *([Violation("email", EmailTaken.code, EmailTaken.title)] if email else []),
            *([Violation("username", UsernameTaken.code, UsernameTaken.title)] if username else []),
        ]
        return (EmailTaken if email else UsernameTaken)(violations=violations)


class EmailTaken(IdentifierTaken):
    """The e-mail address belongs to another account."""

    code = "email_taken"
    title = "An account with this e-mail address exists already."


class UsernameTaken(IdentifierTaken):
    """The username belongs to another account."""

    code = "username_taken"
    title = "This username is taken."


class SignupClosed(DomainError):
    """The operator does not admit this sign-up."""

    code = "signup_closed"
    kind = ErrorKind.FORBIDDEN
    title = "Sign-up is not open here."
