import pytest

from domain.errors import InvalidValue
from domain.photos.photo import PhotoSize


@pytest.mark.parametrize("size", PhotoSize)
def test_a_size_is_named_by_its_pixels(size: PhotoSize) -> None:
    assert PhotoSize.parse(str(size.value)) is size


@pytest.mark.parametrize("text", ["", "63", "065", " 64", "64.0", "٦٤", "SMALL", "-64"])
def test_nothing_else_names_one(text: str) -> None:
    with pytest.raises(InvalidValue) as refusal:
        PhotoSize.parse(text)
    assert refusal.value.reason == "invalid_size"
    assert str(refusal.value) == "A photo has 64, 256, 512 pixels."
