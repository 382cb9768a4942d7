"""Which photo store a URL names."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from application.photos.ports import PhotoStore
from infrastructure.photos.file_store import FilePhotoStore
from infrastructure.photos.s3_store import S3PhotoStore

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")  # Amazon S3 User Guide, "General purpose bucket naming rules"


def photo_store(url: str) -> PhotoStore:
    """The store of ``file:///folder`` or ``s3://bucket/prefix``; nothing is opened or looked for yet.

    Raises ValueError with a reason that reads on from the name of the setting.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment:
        raise ValueError("must be a URL without ? and #; percent-encode them in the name of a folder")
    match parts.scheme:
        case "file":
            return _file_store(parts.netloc, unquote(parts.path))
        case "s3":
            return _s3_store(parts.netloc, parts.path.strip("/"))
    raise ValueError("must be file:///folder or s3://bucket/prefix")


def _file_store(host: str, path: str) -> FilePhotoStore:
    if host not in {"", "localhost"}:
        raise ValueError(f"must name a folder of this machine with three slashes, file:///{host}{path}")
    if not path.startswith("/") or path == "/" or "\0" in path:
        raise ValueError("must name a folder, file:///folder")
    return FilePhotoStore(Path(path))


def _s3_store(bucket: str, prefix: str) -> S3PhotoStore:
    if "@" in bucket:
        raise ValueError("must not hold keys, which AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are for")
    if not _BUCKET.fullmatch(bucket):
        raise ValueError(f"names the bucket {bucket!r}; it must be s3://bucket/prefix")
    if not re.fullmatch(r"[\w!.*'()/-]*", prefix, re.ASCII) or {"", ".", ".."} & set(
        prefix.split("/") if prefix else ()
    ):
        raise ValueError("must have a prefix of ASCII letters, digits and ! - _ . * ' ( ) with single slashes between")
    return S3PhotoStore(bucket, prefix)
