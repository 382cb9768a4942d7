"""Which store a URL names, and what is said about one that names none."""

import re
from pathlib import Path

import pytest

from infrastructure.photos.file_store import FilePhotoStore
from infrastructure.photos.s3_store import S3PhotoStore
from infrastructure.photos.store_url import photo_store


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///srv/photos", "/srv/photos"),
        ("file://localhost/srv/photos/", "/srv/photos"),
        ("file:///srv/my%20photos%23", "/srv/my photos#"),
    ],
)
def test_a_folder(url: str, folder: str) -> None:
    store = photo_store(url)

    assert isinstance(store, FilePhotoStore)
    assert store._folder == Path(folder)


@pytest.mark.parametrize(
    ("url", "bucket", "prefix"),
    [
        ("s3://photos", "photos", ""),
        ("s3://photos/", "photos", ""),
        ("s3://my.photos-1/of/crm/", "my.photos-1", "of/crm"),
    ],
)
def test_a_bucket(url: str, bucket: str, prefix: str) -> None:
    store = photo_store(url)

    assert isinstance(store, S3PhotoStore)
    assert (store._bucket, store._prefix) == (bucket, prefix)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "file:///folder or s3://bucket/prefix"),
        ("/srv/photos", "file:///folder or s3://bucket/prefix"),
        ("https://s3.amazonaws.com/photos", "file:///folder or s3://bucket/prefix"),
        ("file:srv/photos", "file:///folder"),
        ("file://srv/photos", "three slashes, file:///srv/photos"),
        ("file:///", "must name a folder"),
        ("file:///a%00b", "must name a folder"),
        ("file:///photos?mode=1", "without ? and #"),
        ("file:///photos#1", "without ? and #"),
        ("s3://", "names the bucket ''"),
        ("s3:///prefix", "names the bucket ''"),
        ("s3://Photos", "names the bucket 'Photos'"),
        ("s3://ab", "names the bucket 'ab'"),
        ("s3://photos:9000/x", "names the bucket"),
        ("s3://key:secret@photos/x", "must not hold keys"),
        ("s3://photos/a//b", "prefix"),
        ("s3://photos/../b", "prefix"),
        ("s3://photos/ä", "prefix"),
    ],
)
def test_anything_else_is_refused_with_a_reason(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)) as refusal:
        photo_store(url)

    assert "secret@" not in str(refusal.value)
