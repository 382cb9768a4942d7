"""Texts that are sent once, each to a place of its own, so that wherever one turns up it tells where it came from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from secrets import token_hex
from typing import Any

import httpx
from PIL import ExifTags, Image

from tests.support.operations import Operation

SOME_ID = "0198c6a2-7d4e-7c3a-9b1f-2a5d8e4c6f01"
HEADERS = (
    "Cookie", "User-Agent", "Referer", "Origin", "X-Forwarded-For", "Forwarded", "X-Real-IP", "Accept",
    "Accept-Language", "If-None-Match", "Idempotency-Key", "X-Device-Token", "X-Api-Key", "Traceparent", "X-Anything",
)  # fmt: skip
_PROFILE = {"username", "given_name", "family_name", "display_name", "phone_number", "locale", "zoneinfo"}
KEPT = {
    "POST /v1/users": _PROFILE | {"email"},
    "PATCH /v1/users/me": _PROFILE,
    "POST /v1/users/me/email": {"new_email"},
}
"""The fields that are there to be kept and shown to their owner. Whatever is not here is a secret."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, with the canaries in it that its answer may repeat."""

    operation: Operation
    path: str
    body: bytes | None = None
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()

    async def send(self, http: httpx.AsyncClient, access_token: str | None) -> httpx.Response:
        headers = dict(self.headers)
        if self.media_type:
            headers["Content-Type"] = self.media_type
        if access_token:
            headers.setdefault("Authorization", f"Bearer {access_token}")
        return await http.request(
            self.operation.method, self.path, content=self.body, headers=headers, params=dict(self.query)
        )


class Canaries:
    """All that were planted: those of ``secret`` places, which nothing may keep, and the others, which no log has."""

    def __init__(self) -> None:
        self.secret: dict[str, str] = {}
        self.kept: dict[str, str] = {}

    def new(self, place: str, *, is_kept: bool = False) -> str:
        """A text of lower-case letters and digits that is nowhere else."""
        text = f"canary{len(self.secret) + len(self.kept):04d}{token_hex(4)}"
        (self.kept if is_kept else self.secret)[text] = place
        return text

    def found_in(self, text: str, *, but_kept: bool = False) -> set[str]:
        """The places whose canaries are in it, as text or in hexadecimal digits."""
        planted = self.secret if but_kept else self.secret | self.kept
        lowered = text.lower()
        return {place for each, place in planted.items() if each in lowered or each.encode().hex() in lowered}

    def calls(self, operation: Operation, own_password: str) -> Iterator[Call]:
        """One canary a request, as far as one alone goes deeper than many; ``own_password`` opens what asks for it."""
        path = operation.path.replace("{session_id}", SOME_ID).replace("{photo_id}", SOME_ID)
        good = dict(operation.example) | {name: own_password for name in operation.example if name in _OWN_PASSWORD}
        yield from self._in_fields(operation, path, good)
        yield from self._in_broken_bodies(operation, path)
        if operation.reads_a_form:
            yield from self._in_forms(operation, path)
        for media_type in operation.image_types:
            photo = picture_with(self.new(f"{operation}, metadata of a photo"))
            yield Call(operation, path, photo, media_type)
        yield from self._around_the_body(operation, path, good)

    def _in_fields(self, operation: Operation, path: str, good: Mapping[str, Any]) -> Iterator[Call]:
        kept = KEPT.get(str(operation), set())
        for media_type in operation.json_types:
            for name in operation.fields:
                canary = self.new(f"{operation}, field {name}", is_kept=name in kept)
                body = as_json({**good, name: _like(name, canary)})
                yield Call(operation, path, body, media_type, shown=(canary,) if name in kept else ())
            value, unknown = self.new(f"{operation}, unknown field"), self.new(f"{operation}, name of a field")
            yield Call(
                operation, path, as_json({**good, "unknown": value, unknown: [value]}), media_type, shown=(unknown,)
            )
            for wrong in (lambda text: [text], lambda text: {text: text}):
                texts = {name: wrong(self.new(f"{operation}, {name} of another type")) for name in operation.fields}
                yield Call(operation, path, as_json({**good, **texts}), media_type)

    def _in_broken_bodies(self, operation: Operation, path: str) -> Iterator[Call]:
        broken = self.new(f"{operation}, broken body").encode()
        texts = (b'{"password": "%s' % broken, b'"%s"' % broken, b'{"password": "\xff%s"}' % broken, broken)
        for text in texts if operation.json_types else texts[:1]:
            yield Call(operation, path, text, "application/json")
        for declared in ("text/plain", "application/x-www-form-urlencoded", self.new(f"{operation}, media type")):
            yield Call(operation, path, b"password=" + broken, declared)

    def _around_the_body(self, operation: Operation, path: str, good: Mapping[str, Any]) -> Iterator[Call]:
        for where, name in operation.parameters:
            canary = self.new(f"{operation}, {where} {name}")
            if where == "path":
                yield Call(operation, operation.path.replace(f"{{{name}}}", canary), shown=(canary,))
            elif where == "query":
                yield Call(operation, path, query={name: canary})
        name = self.new(f"{operation}, name in the query")
        query = {name: "x", "token": self.new(f"{operation}, query")}
        yield Call(operation, path, query=query, shown=(name,))
        below = self.new(f"{operation}, path")
        yield Call(operation, f"{path}/{below}", shown=(below,))
        for scheme in ("Bearer", "Basic"):
            credentials = f"{scheme} {self.new(f'{operation}, header Authorization')}"
            yield Call(operation, path, headers={"Authorization": credentials})
        headers = {name: self.new(f"{operation}, header {name}", is_kept=name == "User-Agent") for name in HEADERS}
        body, media_type = (as_json(good), operation.json_types[0]) if operation.json_types else (None, None)
        yield Call(operation, path, body, media_type, headers=headers)

    def _in_forms(self, operation: Operation, path: str) -> Iterator[Call]:
        name, file_name, header, value, boundary = (
            self.new(f"{operation}, {what} of a form") for what in ("name", "file name", "header", "value", "boundary")
        )
        photo = picture_with(self.new(f"{operation}, metadata of a photo in a form"))
        part = f'Content-Disposition: form-data; name="photo"; filename="{file_name}.png"\r\nX-Part: {header}\r\n'
        parts = (
            f"--{boundary}\r\n{part}Content-Type: image/png\r\n\r\n".encode() + photo + b"\r\n",
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode(),
        )
        end = f"--{boundary}--\r\n".encode()
        for body in (parts[0] + end, parts[1] + end, parts[0] + parts[1] + end, parts[0] + parts[1]):
            yield Call(operation, path, body, f"multipart/form-data; boundary={boundary}", shown=(name,))


_OWN_PASSWORD = {"password", "current_password"}


def misplaced(operation: Operation, secret: str) -> Iterator[Call]:
    """A real secret in every place of a request at once, and where a client may leave it by mistake."""
    path = operation.path.replace("{session_id}", SOME_ID).replace("{photo_id}", SOME_ID)
    body = as_json(dict.fromkeys(operation.fields, secret) | {"unknown": secret})
    headers = dict.fromkeys((*HEADERS, "X-Request-ID"), secret)
    yield Call(operation, path, body, "application/json", headers=headers, query={"token": secret})
    yield Call(operation, f"{path}/{secret}", body, "application/json", headers={"Authorization": f"Basic {secret}"})
    yield Call(operation, path, f'{{"password": "{secret}'.encode(), "application/json")


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def _like(name: str, canary: str) -> str:
    """So that it passes for what the field is for, and gets as far as that does."""
    if "email" in name:
        return f"{canary}@example.test"
    return f"{canary} walnut ferry copper" if "password" in name else canary


def picture_with(text: str) -> bytes:
    """A small JPEG with the text wherever one may have a text."""
    tags = Image.Exif()
    for tag in (ExifTags.Base.ImageDescription, ExifTags.Base.Artist, ExifTags.Base.Software):
        tags[tag] = text
    output = BytesIO()
    Image.new("RGB", (40, 30), "teal").save(output, "JPEG", exif=tags, comment=text.encode())
    return output.getvalue()
