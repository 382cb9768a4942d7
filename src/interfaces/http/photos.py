"""The caller's photo, and everybody's for whoever knows its address."""

from typing import Any

from litestar import Request, delete, get, put
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import FromPath, SkipValidation
from litestar.response.base import ASGIResponse

from application.photos.remove_photo import RemovePhoto
from application.photos.set_photo import SetPhoto
from application.photos.view_photo import ViewPhoto
from domain.errors import FieldCheck, InvalidInput, Overloaded, ServiceUnavailable
from domain.photos.errors import PhotoNotFound
from domain.photos.photo import PhotoSize
from interfaces.http import wire
from interfaces.http.accounts import TAG, user_on_the_wire
from interfaces.http.authentication import CallersRequest
from interfaces.http.entity_tags import names_tag
from interfaces.http.problem_responses import CALLER_PROBLEMS, problems
from interfaces.http.problems import CONTENT_TOO_LARGE, MALFORMED_FORM, REQUEST_TIMEOUT, UNSUPPORTED_MEDIA_TYPE
from interfaces.http.queries import query_of
from interfaces.http.request_context import context_of, origin_of
from interfaces.http.uploads import UPLOAD_MAX_BYTES, UPLOAD_MEMORY, read_photo

_PHOTO_PATH = "/v1/users/me/photo"
_MEDIA_TYPE = "image/webp"

_HEADERS = {
    # Not shared, so that a photo that was taken back lives on in the asker's own cache at most, and that not for long.
    "Cache-Control": "private, max-age=300",
    # F06: it is a picture we have encoded. Should anything else ever be in the store, no browser gives it life: it
    # is not taken for another type (the edge's nosniff), and opened by itself it runs nothing and has no origin.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": 'inline; filename="photo.webp"',
    # The page that shows it is the CRM's, on an origin of its own. The address is the right to look (F10): no cookie
    # and no token is looked at here, so that a page gets nothing by embedding that it could not fetch by itself.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@put(
    _PHOTO_PATH,
    operation_id="setPhoto",
    tags=[TAG],
    summary="Set your photo",
    description="Takes a JPEG, PNG or WebP picture of 5 MiB at most: as the body itself, or as the one file of a form,"
    " in the field `photo`. It is turned upright, cut square and encoded anew; nothing of its metadata is kept. The"
    " photo before it is deleted, and the address in `picture` is a new one.",
    request_max_body_size=UPLOAD_MAX_BYTES,
    response_description="The caller's account, with the address of the new photo.",
    responses=problems(
        MALFORMED_FORM,
        REQUEST_TIMEOUT,
        *CALLER_PROBLEMS,
        CONTENT_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
        InvalidInput,
        Overloaded,
    ),
)
async def set_photo(request: CallersRequest, set_photo: NamedDependency[SkipValidation[SetPhoto]]) -> wire.User:
    """Set the caller's photo."""
    with UPLOAD_MEMORY.held() as take:
        user = await set_photo(request.auth, lambda: read_photo(request, take), origin_of(request))
    return user_on_the_wire(user, context_of(request))


@delete(
    _PHOTO_PATH,
    operation_id="removePhoto",
    tags=[TAG],
    summary="Remove your photo",
    description="Its address answers 404 from then on. Also without a photo.",
    response_description="There is no photo.",
    responses=problems(*CALLER_PROBLEMS),
)
async def remove_photo(request: CallersRequest, remove_photo: NamedDependency[SkipValidation[RemovePhoto]]) -> None:
    """Remove the caller's photo."""
    await remove_photo(request.auth, origin_of(request))


@get(
    "/v1/photos/{photo_id:str}",
    operation_id="viewPhoto",
    tags=[TAG],
    summary="Look at a photo",
    description="The address is that of `picture` in an account. It needs no token, so that a page can show it, cannot"
    " be guessed, and is dead the moment the photo is replaced or removed.",
    responses={
        200: ResponseSpec(bytes, description="The picture.", media_type=_MEDIA_TYPE, generate_examples=False),
        304: ResponseSpec(None, description="The picture that `If-None-Match` names.", generate_examples=False),
        **problems(PhotoNotFound, InvalidInput, ServiceUnavailable),
    },
)
async def view_photo(
    request: Request[Any, Any, Any], photo_id: FromPath[str], view_photo: NamedDependency[SkipValidation[ViewPhoto]]
) -> ASGIResponse:
    """Hand out a photo."""
    size = _size(query_of(request, ("size",)).get("size"))
    # The bytes of an id never change, so its tag needs no look at them.
    etag = f'"{photo_id}-{size.value}"'
    picture = await view_photo(photo_id, size, is_at_hand=names_tag(request.headers.get("if-none-match", ""), etag))
    headers = {**_HEADERS, "ETag": etag}
    if picture is None:
        return ASGIResponse(status_code=304, headers=headers)
    return ASGIResponse(body=picture, media_type=_MEDIA_TYPE, headers=headers)


def _size(given: str | None) -> PhotoSize:
    check = FieldCheck()
    size = check.optional("size", PhotoSize.parse, given)
    check.raise_if_any()
    return size or PhotoSize.LARGE
