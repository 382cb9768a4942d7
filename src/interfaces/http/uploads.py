"""Photos on their way in: the declared type, the bytes, and how many of them this process holds at once."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from litestar import Request

from domain.errors import InvalidInput, Overloaded, Violation
from domain.photos.photo import PHOTO_MAX_BYTES
from interfaces.http.multipart import FilePart, Form, FormLimits, is_form, read_form
from interfaces.http.problems import CONTENT_TOO_LARGE, MALFORMED_FORM, UNSUPPORTED_MEDIA_TYPE, Refused

PHOTO_MEDIA_TYPES = ("image/jpeg", "image/png", "image/webp")
PHOTO_PART = "photo"
_DECLARED_AS = f"A photo is declared as {', '.join(PHOTO_MEDIA_TYPES)}."

_UNDECLARED = "application/octet-stream"
"""What a client says of a file in a form whose type it does not know (RFC 7578 4.4)."""
_FORM_OVERHEAD_BYTES = 16 * 1024
UPLOAD_MAX_BYTES = PHOTO_MAX_BYTES + _FORM_OVERHEAD_BYTES
"""Of the body of a photo by itself, boundaries and heads of a form included."""
_PHOTO_FORM = FormLimits(parts=4, text_bytes=_FORM_OVERHEAD_BYTES, file_bytes=PHOTO_MAX_BYTES)

_HELD_MAX_BYTES = 64 * 1024 * 1024


class UploadMemory:
    """Counts the bytes of all uploads that one process holds, so that many at once take a bounded memory (D01)."""

    def __init__(self, most: int) -> None:
        self.left = most

    @contextmanager
    def held(self) -> Iterator[Callable[[int], None]]:
        """Gives what takes a number of bytes, or raises Overloaded; at the end all that it took are free again."""
        taken = 0

        def take(count: int) -> None:
            nonlocal taken
            if count > self.left:
                raise Overloaded
            self.left -= count
            taken += count

        try:
            yield take
        finally:
            self.left += taken


UPLOAD_MEMORY = UploadMemory(_HELD_MAX_BYTES)
"""Of this process, whatever number of applications it runs."""


async def counted(request: Request[Any, Any, Any], take: Callable[[int], None]) -> AsyncIterator[bytes]:
    """The body as it comes in, each chunk counted. How slowly it may come is the same for all bodies."""
    async for chunk in request.stream():
        take(len(chunk))
        yield chunk


async def read_photo(request: Request[Any, Any, Any], take: Callable[[int], None]) -> bytes:
    """The photo in the body: the picture itself, or a form with nothing but one file named `photo`.

    Raises Refused, InvalidInput, Overloaded.
    """
    headers = request.scope["headers"]
    if is_form(headers):
        return only_photo_of(await read_form(headers, counted(request, take), _PHOTO_FORM))
    if _declared(headers) not in PHOTO_MEDIA_TYPES:
        raise Refused(UNSUPPORTED_MEDIA_TYPE, _DECLARED_AS)
    data = b"".join([chunk async for chunk in counted(request, take)])
    if len(data) > PHOTO_MAX_BYTES:
        raise Refused(CONTENT_TOO_LARGE, f"A photo has {PHOTO_MAX_BYTES:,} bytes at most.")
    return data


def only_photo_of(form: Form) -> bytes:
    """The photo of a form that has nothing else. Raises InvalidInput, Refused."""
    others = (form.texts.keys() | form.files.keys()) - {PHOTO_PART}
    violations = [unknown_part(name) for name in sorted(others)]
    if PHOTO_PART in form.texts:
        violations.append(Violation(PHOTO_PART, "wrong_type", "The photo is to be sent as a file."))
    elif PHOTO_PART not in form.files:
        violations.append(Violation(PHOTO_PART, "missing", "This field is required."))
    if violations:
        raise InvalidInput(violations=violations)
    return photo_of(form.files[PHOTO_PART])


def photo_of(part: FilePart) -> bytes:
    """The bytes of a part that may be a photo by its declared type, if it has one. What it is, its content decides.

    Raises Refused `malformed_form`: the type of the body itself is right, whatever a part of it says.
    """
    if part.media_type not in {None, _UNDECLARED, *PHOTO_MEDIA_TYPES}:
        raise Refused(MALFORMED_FORM, _DECLARED_AS)
    return part.content


def unknown_part(name: str) -> Violation:
    """The violation for a part that a form has no use for."""
    return Violation(name.replace("~", "~0").replace("/", "~1"), "unknown_field", "There is no such field.")


def _declared(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    declared = [value for name, value in headers if name == b"content-type"]
    return declared[0].decode("latin-1").partition(";")[0].strip().lower() if len(declared) == 1 else None
