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


class UserNotFound(DomainError):
    """No account has that id, address or username, or not any more."""

    code = "user_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "There is no such account."


class StatusUnchanged(DomainError):
    """The account had the status already that it was to be given."""

    code = "status_unchanged"
    kind = ErrorKind.CONFLICT
    title = "The account has this status already."


class SelfDeletionOff(DomainError):
    """The operator keeps the deletion of accounts to themselves."""

    code = "self_deletion_off"
    kind = ErrorKind.FORBIDDEN
    title = "Accounts are deleted by the operator here."


class SignupClosed(DomainError):
    """The operator does not admit this sign-up."""

    code = "signup_closed"
    kind = ErrorKind.FORBIDDEN
    title = "Sign-up is not open here."


class RequestInProgress(DomainError):
    """The same sign-up under the same key is being done at this moment, or was taken over by a repeat of it."""

    code = "request_in_progress"
    kind = ErrorKind.CONFLICT
    title = "The first request with this key is still being answered."


class IdempotencyKeyReused(DomainError):
    """The key belongs to a sign-up with other fields."""

    code = "idempotency_key_reused"
    kind = ErrorKind.UNACCEPTABLE
    title = "This key was used for another request."


class RegisteredAccountDeleted(DomainError):
    """The sign-up that the key names was done, and its account has been deleted since."""

    code = "account_deleted"
    kind = ErrorKind.CONFLICT
    title = "The account that this request made has been deleted."
