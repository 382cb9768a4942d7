"""Refusals about photos; the whole tree is drawn in :mod:`domain.errors`."""

from domain.errors import DomainError, ErrorKind, InvalidValue


class PhotoNotFound(DomainError):
    """No account has a photo of that address, or not any more."""

    code = "photo_not_found"
    kind = ErrorKind.NOT_FOUND
    title = "There is no such photo."


def invalid_photo(detail: str = "This is not a JPEG, PNG or WebP picture that can be read.") -> InvalidValue:
    """The refusal of content that is no picture, or one past the limits: ``invalid_photo``."""
    return InvalidValue("invalid_photo", detail)
