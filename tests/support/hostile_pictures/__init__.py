"""Hostile pictures of our own making, each with what has to become of it (F03 to F06)."""

from tests.support.hostile_pictures.hostile import HarmlessAs, Hostile
from tests.support.hostile_pictures.jpeg import JPEGS
from tests.support.hostile_pictures.others import OTHERS
from tests.support.hostile_pictures.png import PNGS
from tests.support.hostile_pictures.webp import WEBPS

HOSTILE_PICTURES = (*PNGS, *JPEGS, *WEBPS, *OTHERS)

__all__ = ["HOSTILE_PICTURES", "HarmlessAs", "Hostile"]
