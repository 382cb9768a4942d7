"""Photos as objects of S3 or of what speaks like it. The library is imported with the first photo."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from application.photos.ports import Renditions
from domain.errors import ServiceUnavailable
from domain.photos.photo import PhotoSize
from infrastructure.photos.storage_name import storage_names

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Store

_LOG = logging.getLogger("crm_auth.photos")
_LONGEST = 2.5
"""Seconds for one photo, a second attempt included: a store that is away is said to be so within 3."""
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class S3PhotoStore:
    """One object for each rendition: ``prefix/ab/cdef...-64.webp``.

    Where S3 is and who may use it is said by the environment variables of every AWS client: ``AWS_ACCESS_KEY_ID``,
    ``AWS_SECRET_ACCESS_KEY``, ``AWS_REGION``, ``AWS_ENDPOINT_URL`` and so on, or by the role of the machine.
    """

    def __init__(self, bucket: str, prefix: str = "") -> None:
        self._bucket, self._prefix = bucket, prefix

    async def put(self, photo_id: str, renditions: Renditions) -> None:
        """An object appears whole or not at all, and is durable when S3 says so."""
        names = storage_names(photo_id)
        async with self._reached() as s3:
            uploads = (
                s3.put_async(names[size], data, attributes={"Content-Type": "image/webp"})
                for size, data in renditions.items()
            )
            # Each to its end, so that none goes on behind the caller's back.
            for result in await asyncio.gather(*uploads, return_exceptions=True):
                if isinstance(result, BaseException):
                    raise result

    async def get(self, photo_id: str, size: PhotoSize) -> bytes | None:
        """None when there is no such object."""
        async with self._reached() as s3:
            try:
                found = await s3.get_async(storage_names(photo_id)[size])
                return bytes(await found.bytes_async())
            except FileNotFoundError as error:
                if "<Code>NoSuchBucket<" in str(error):
                    raise
        return None

    async def delete(self, photo_id: str) -> None:
        """In one request; S3 takes no offence at what is not there."""
        async with self._reached() as s3:
            await s3.delete_async(list(storage_names(photo_id).values()))

    @cached_property
    def _store(self) -> "S3Store":
        from obstore.store import S3Store  # noqa: PLC0415 - 10 MiB that only those who use S3 need

        return S3Store(
            self._bucket,
            prefix=self._prefix or None,
            client_options=_client_options(),
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=_LONGEST)},
        )

    @asynccontextmanager
    async def _reached(self) -> AsyncIterator["S3Store"]:
        """A missing bucket, a refused key and an S3 that is away alike cost photos and nothing else (X07)."""
        from obstore.exceptions import BaseError  # noqa: PLC0415 - as above

        try:
            async with asyncio.timeout(_LONGEST):
                yield self._store
        except (BaseError, OSError) as error:  # TimeoutError is an OSError
            # Of the answer's XML nothing is logged: S3 tells in it what was signed and by which key.
            said = " ".join(str(error).partition("<")[0].partition("Debug source")[0].split())
            _LOG.error("photos cannot be kept in the bucket %s: %s %s", self._bucket, type(error).__name__, said)
            raise ServiceUnavailable("Photos cannot be reached at the moment.", retry_after=5) from None


def _client_options() -> "ClientConfig":
    """Plain HTTP to this machine only: elsewhere photos and signatures could be listened to.

    Who wants it all the same says so with ``AWS_ALLOW_HTTP=true``, which the library reads by itself.
    """
    endpoint = urlsplit(next((os.environ[name] for name in _ENDPOINTS if os.environ.get(name)), ""))
    options: ClientConfig = {"connect_timeout": "1s", "timeout": "2s"}
    if endpoint.scheme == "http" and endpoint.hostname in _LOOPBACK:
        options["allow_http"] = True
    elif endpoint.scheme == "http" and os.environ.get("AWS_ALLOW_HTTP", "").lower() != "true":
        _LOG.error("S3 is not reached at %s: plain HTTP to another machine needs AWS_ALLOW_HTTP=true", endpoint.netloc)
    return options
