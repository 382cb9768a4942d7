"""Text from the database on a terminal: what cannot be seen is spelt out, and wide characters count twice (G03)."""

import unicodedata

_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
"""Part of the spelling of names and emoji, and without effect on what stands around them."""
_WITHOUT_WIDTH = frozenset({"Mn", "Me", "Cf"})
ELLIPSIS = "…"


def visible(text: str) -> str:
    r"""The text with all that steers a terminal or turns the direction of writing spelt out, as ``\u202e``.

    A stored name must not clear the screen, forge another row, or make one name read as another.
    """
    if text.isprintable():
        return text
    return "".join(
        character.encode("unicode_escape").decode() if _is_invisible(character) else character for character in text
    )


def width(text: str) -> int:
    """How many columns visible text takes on a terminal."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def cut(text: str, columns: int) -> str:
    """The text in at most that many columns (at least one), with an ellipsis where it was longer."""
    if width(text) <= columns:
        return text
    room, kept = columns - width(ELLIPSIS), ""
    for character in text:
        room -= _columns(character)
        if room < 0:
            break
        kept += character
    return kept + ELLIPSIS


def _is_invisible(character: str) -> bool:
    return character not in _JOINERS and unicodedata.category(character) in _INVISIBLE


def _columns(character: str) -> int:
    if unicodedata.category(character) in _WITHOUT_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
