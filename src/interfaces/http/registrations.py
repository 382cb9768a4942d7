"""Sign-ups on their way in: the same fields as JSON, or as a form that may have a photo with them."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from litestar import Request
from msgspec.structs import asdict, fields

from application.accounts.registration import Registration
from domain.errors import InvalidInput, Violation
from domain.photos.photo import PHOTO_MAX_BYTES
from interfaces.http import wire
from interfaces.http.bodies import BODY_MAX_BYTES, JSON, RefuseFields, media_type_of, parse_json, read_struct
from interfaces.http.multipart import FORM_MEDIA_TYPE, Form, FormLimits, is_form, read_form
from interfaces.http.problems import CONTENT_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, Refused
from interfaces.http.uploads import PHOTO_PART, counted, photo_of, unknown_part

_FIELDS = {field.encode_name: field for field in fields(wire.Registration)}
_PARTS = 32
"""More than there are fields, so that a form with some unknown ones is told of them, and far from what takes time."""
_LIMITS = FormLimits(parts=_PARTS, text_bytes=BODY_MAX_BYTES, file_bytes=PHOTO_MAX_BYTES)

REGISTRATION_MAX_BYTES = PHOTO_MAX_BYTES + 2 * BODY_MAX_BYTES
"""Of a form: the photo, the texts, and as much again for boundaries and heads. JSON has 16 KiB, as everywhere."""


async def read_registration(
    request: Request[Any, Any, Any], take: Callable[[int], None], refuse_fields: RefuseFields
) -> Registration:
    """What the body signs up with; ``take`` counts what an upload holds.

    Raises Refused, InvalidInput with all refused fields, Overloaded.
    """
    headers = request.scope["headers"]
    if is_form(headers):
        return registration_of(await read_form(headers, counted(request, take), _LIMITS), refuse_fields)
    if media_type_of(headers) != JSON:
        # T3: no other site has anything to gain by what its form could send, for sign-up looks at no cookie.
        raise Refused(UNSUPPORTED_MEDIA_TYPE, f"The body is read as {JSON} in UTF-8 or {FORM_MEDIA_TYPE} only.")
    value = parse_json(await _json_of(request))
    return Registration(**asdict(read_struct(value, wire.Registration, refuse_fields)))


async def _json_of(request: Request[Any, Any, Any]) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX_BYTES:
            raise Refused(CONTENT_TOO_LARGE, f"A body of JSON has {BODY_MAX_BYTES:,} bytes at most.")
    return bytes(body)


def registration_of(form: Form, refuse_fields: RefuseFields) -> Registration:
    """What a form signs up with. Raises Refused, InvalidInput.

    An empty text of an optional field is one that was left out: browsers send every input, and a form has no null.
    """
    texts = {
        name: text
        for name, text in form.texts.items()
        if name != PHOTO_PART and (text or name not in _FIELDS or _FIELDS[name].required)
    }
    part = form.files.get(PHOTO_PART)
    photo = photo_of(part) if part else None

    def refuse_with_photo(given: Mapping[str, Any]) -> None:
        refuse_fields({**given, PHOTO_PART: photo})

    violations = list(_violations_of_files(form))
    registration = None
    try:
        registration = read_struct(texts, wire.Registration, refuse_with_photo)
        if violations:
            refuse_with_photo(asdict(registration))
    except InvalidInput as refusal:
        told = form.files.keys() - {PHOTO_PART}
        violations += [each for each in refusal.violations if each.field not in told]
    if registration is None or violations:
        raise InvalidInput(violations=violations)
    return Registration(**asdict(registration), photo=photo)


def _violations_of_files(form: Form) -> Iterator[Violation]:
    if PHOTO_PART in form.texts:
        yield Violation(PHOTO_PART, "wrong_type", "The photo is to be sent as a file.")
    for name in sorted(form.files.keys() - {PHOTO_PART}):
        yield Violation(name, "wrong_type", "This field is no file.") if name in _FIELDS else unknown_part(name)
