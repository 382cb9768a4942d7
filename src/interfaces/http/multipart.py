"""Bodies of `multipart/form-data` (RFC 7578), read strictly, within limits, and without a file on the disk.

The framework's own reading lets the last of two equal names win and keeps what clients say of file names. Here a name
is given once, and nothing is kept of what a client says of a file but its declared type (F07).
"""

import re
from collections.abc import AsyncIterable, Iterable
from dataclasses import dataclass, field

from multipart import MultipartError, MultipartSegment, PushMultipartParser

from interfaces.http.problems import CONTENT_TOO_LARGE, MALFORMED_FORM, UNSUPPORTED_MEDIA_TYPE, Refused

FORM_MEDIA_TYPE = "multipart/form-data"

_HEADER_MAX_BYTES = 4096
"""Of one header of a part, which holds the name that the client's file has."""
_HEADERS_MAX = 8
_NAME_MAX_LENGTH = 64

# RFC 2046 5.1.1 for the boundary; the charset is that of the names, and tolerated where it says what is true anyway.
_CHARSET = r'(?:[ \t]*;[ \t]*charset="?utf-8"?)?'
_BOUNDARY = r"""[ \t]*;[ \t]*boundary=(?:"([\w'()+,./:=? -]{0,69}[\w'()+,./:=?-])"|([\w'+.-]{1,70}))"""
_CONTENT_TYPE = re.compile(rf"multipart/form-data{_CHARSET}{_BOUNDARY}{_CHARSET}[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLimits:
    """How many parts a form may have, and of how many bytes: all texts together, and each file."""

    parts: int
    text_bytes: int
    file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class FilePart:
    """A file of a form. `media_type` is the declared one, in lower case and without parameters, if there is one."""

    media_type: str | None
    content: bytes


@dataclass(frozen=True, slots=True, repr=False)
class Form:
    """The parts of a form by their names. None is in both; a file input that was left empty is in neither."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, FilePart] = field(default_factory=dict)


def is_form(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a request declares its body to be a form, well or not."""
    declared = [value for name, value in headers if name == b"content-type"]
    return any(value.lower().startswith(FORM_MEDIA_TYPE.encode()) for value in declared)


async def read_form(headers: Iterable[tuple[bytes, bytes]], chunks: AsyncIterable[bytes], limits: FormLimits) -> Form:
    """The form in the body of a request. `chunks` is the body as it comes in, of which no more than a chunk is copied.

    Raises Refused: `unsupported_media_type`, `malformed_form`, `content_too_large`, and what reading the chunks raises.
    """
    # Not in the parser's strict mode, which judges a line end behind the last boundary by whether it comes in a packet
    # of its own. What else that mode refuses, and what matters of it, is refused below.
    parser = PushMultipartParser(
        _boundary(headers),
        max_header_size=_HEADER_MAX_BYTES,
        max_header_count=_HEADERS_MAX,
        max_segment_count=limits.parts,
    )
    form = _FormBeingRead(limits)
    try:
        with parser:
            async for chunk in chunks:
                for event in parser.parse(chunk) if chunk else ():
                    form.take(event)
    except MultipartError as error:
        # Its sentences are about the form and repeat nothing of it.
        raise _malformed(f"{error}.") from None
    return form.whole


def _boundary(headers: Iterable[tuple[bytes, bytes]]) -> str:
    declared = [value for name, value in headers if name == b"content-type"]
    match = _CONTENT_TYPE.fullmatch(declared[0].decode("latin-1")) if len(declared) == 1 else None
    if match is None:
        raise Refused(UNSUPPORTED_MEDIA_TYPE, "The body is to be one multipart/form-data with a boundary.")
    return match[1] or match[2]


class _FormBeingRead:
    """Takes the parser's events: the head of a part, its bytes piece by piece, and `None` at its end."""

    def __init__(self, limits: FormLimits) -> None:
        self.whole = Form()
        self._limits = limits
        self._text_bytes = 0
        self._names: set[str] = set()
        self._head: MultipartSegment | None = None
        self._content = bytearray()

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        else:
            self._content += event
            self._refuse_too_large()

    def _begin(self, head: MultipartSegment) -> None:
        name = head.name or ""
        if not name.isprintable() or not 1 <= len(name) <= _NAME_MAX_LENGTH:
            raise _malformed("A part has no name, or one that no field can have.")
        if name in self._names:
            # H12: readers disagree on which of two counts, and what one of them checked another would use.
            raise _malformed("Two parts have the same name.")
        self._names.add(name)
        self._head, self._content = head, bytearray()

    def _refuse_too_large(self) -> None:
        if self._is_file:
            if len(self._content) > self._limits.file_bytes:
                raise Refused(CONTENT_TOO_LARGE, f"A file has {self._limits.file_bytes:,} bytes at most.")
        elif self._text_bytes + len(self._content) > self._limits.text_bytes:
            raise Refused(CONTENT_TOO_LARGE, f"All texts together have {self._limits.text_bytes:,} bytes at most.")

    @property
    def _is_file(self) -> bool:
        return self._head is not None and self._head.filename is not None

    def _end(self) -> None:
        head, content = self._head, bytes(self._content)
        assert head is not None  # noqa: S101 - the parser ends only what it has begun
        self._content = bytearray()
        if not self._is_file:
            self._text_bytes += len(content)
            self.whole.texts[head.name or ""] = _text(content)
        elif content or head.filename:
            # What a browser sends for an input without a file has neither (HTML, "constructing the form data set").
            self.whole.files[head.name or ""] = FilePart(media_type=head.content_type, content=content)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _malformed("A text is not UTF-8.") from None


def _malformed(detail: str) -> Refused:
    return Refused(MALFORMED_FORM, detail)
