"""Files that ship with the package, as HTTP representations: read once, hashed once, compressed once.

The set of files is written in code. No part of a request is ever turned into a path.
"""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from interfaces.http.entity_tags import names_tag

# Below this a compressed answer saves less than one packet and costs the client a decompression.
_WORTH_COMPRESSING = 1024


@dataclass(frozen=True, slots=True)
class Representation:
    """The bytes of one content coding. `etag` is strong, quotes included; `coding` is None for identity."""

    body: bytes
    etag: str
    coding: str | None = None

    def matches(self, if_none_match: str) -> bool:
        """Whether an If-None-Match value names this representation."""
        return names_tag(if_none_match, self.etag)


class StaticAsset:
    """Content that is fixed while the process lives; nothing is read before the first request for it.

    Two threads that meet in a first use compute the same value twice, which is harmless.
    """

    def __init__(self, media_type: str, content: Callable[[], bytes]) -> None:
        self.media_type = media_type
        self._content = content

    @cached_property
    def digest(self) -> str:
        """The first 16 hex digits of the content's SHA-256: names a version of the content in its URL."""
        return hashlib.sha256(self.identity.body).hexdigest()[:16]

    @cached_property
    def identity(self) -> Representation:
        """The content as it is."""
        body = self._content()
        return Representation(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')

    @cached_property
    def gzipped(self) -> Representation:
        """The content compressed, under a tag of its own (RFC 9110, 8.8.3.3); identity where that gains nothing."""
        if len(self.identity.body) < _WORTH_COMPRESSING:
            return self.identity
        # No time stamp in the header, so that every worker and node sends the same bytes under the same tag.
        body = gzip.compress(self.identity.body, mtime=0)
        return Representation(body, f'{self.identity.etag[:-1]}-gzip"', "gzip")

    def negotiated(self, accept_encoding: str) -> Representation:
        """What to send to a client with this Accept-Encoding value (RFC 9110, 12.5.3)."""
        return self.gzipped if _accepts_gzip(accept_encoding) else self.identity


def packaged(package: str, name: str, media_type: str) -> StaticAsset:
    """The file `assets/<name>` of a package, read when first needed. `name` is written in code, never received."""
    return StaticAsset(media_type, lambda: files(package).joinpath("assets", name).read_bytes())


def _accepts_gzip(accept_encoding: str) -> bool:
    for item in accept_encoding.split(","):
        coding, _, parameter = item.partition(";")
        if coding.strip().lower() == "gzip":
            return parameter.replace(" ", "").lower() not in {"q=0", "q=0.0", "q=0.00", "q=0.000"}
    return False
