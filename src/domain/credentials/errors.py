"""Refusals about credentials; the whole tree is drawn in :mod:`domain.errors`."""

from domain.errors import DomainError, ErrorKind


class WrongPassword(DomainError):
    """A signed-in caller was to prove who they are once more, and did not (P01)."""

    code = "wrong_password"
    kind = ErrorKind.FORBIDDEN
    title = "The password is wrong."
