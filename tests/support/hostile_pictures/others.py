"""What is no JPEG, PNG or WebP, under whatever name and type it comes."""

import struct
from io import BytesIO
from zipfile import ZipFile

from PIL import Image

from tests.support.hostile_pictures.hostile import Hostile
from tests.support.photos import encoded

SMALL = Image.new("RGB", (16, 16), "teal")


def photoshop() -> bytes:
    return b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 16, 16, 8, 3) + bytes(12) + bytes(2 + 16 * 16 * 3)


def astronomy() -> bytes:
    """A FITS of 2^31 by 2^31 pixels."""
    cards = ("SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", f"NAXIS1  = {2**31}", f"NAXIS2  = {2**31}", "END")
    return b"".join(card.encode().ljust(80) for card in cards).ljust(2880)


def postscript() -> bytes:
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file\n%%EOF\n"


def vector() -> bytes:
    return b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><image href="file:///etc/passwd"/></svg>'


def page() -> bytes:
    return b"<!doctype html><script>alert(document.domain)</script>"


def document() -> bytes:
    return b"%PDF-1.7\n1 0 obj<</Type/Catalog/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n%%EOF\n"


def gif_and_archive() -> bytes:
    archive = BytesIO()
    with ZipFile(archive, "w") as files:
        files.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil\n")
    return encoded(SMALL, "GIF") + archive.getvalue()


OTHERS = (
    Hostile("GIF", lambda: encoded(SMALL, "GIF")),
    Hostile("GIF that is an archive too", gif_and_archive),
    Hostile("BMP", lambda: encoded(SMALL, "BMP")),
    Hostile("TIFF", lambda: encoded(SMALL, "TIFF")),
    Hostile("ICO", lambda: encoded(SMALL, "ICO")),
    Hostile("JPEG 2000", lambda: encoded(SMALL, "JPEG2000")),
    Hostile("AVIF", lambda: encoded(SMALL, "AVIF")),
    Hostile("PSD", photoshop),
    Hostile("FITS", astronomy),
    Hostile("EPS", postscript),
    Hostile("SVG", vector),
    Hostile("HTML", page),
    Hostile("PDF", document),
    Hostile("nothing", bytes),
    Hostile("50 MB of zeros", lambda: bytes(50_000_000)),
    Hostile("50 MB behind a good JPEG", lambda: encoded(SMALL, "JPEG") + bytes(50_000_000)),
)
