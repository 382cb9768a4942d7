"""Small pictures for tests."""

from io import BytesIO

from PIL import Image

JPEG, PNG, WEBP = "JPEG", "PNG", "WEBP"


def picture(kind: str = JPEG, *, width: int = 40, height: int = 30, colour: str = "teal", mode: str = "RGB") -> bytes:
    """A small picture of one colour."""
    return encoded(Image.new(mode, (width, height), colour), kind)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    output = BytesIO()
    image.save(output, kind, **options)
    return output.getvalue()
