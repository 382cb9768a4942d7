"""The words that an attacker who knows the account tries first: its names, and those of the service (S03)."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

_WORDS_MAX = 32
_WORD_LENGTH = range(3, 65)
_TELLING_LENGTH = 4
_TYPED_MAX_LENGTH = 254
_PARTS = re.compile(r"[^\W_]+")
_LEET = str.maketrans("4@8({[<3691!|0$5+7%2", "aabcccceggiiiossttxz")


def own_words_of(typed: Sequence[str]) -> list[str]:
    """Names as typed, their parts and their parts in one: ``Ann-Lee``, ``Ann``, ``Lee``, ``AnnLee``; at most 32.

    Bounded because they are whatever a stranger sent, and are judged before the limits are.
    """
    words = dict.fromkeys(word for name in typed for word in _spellings(name) if len(word) in _WORD_LENGTH)
    return list(words)[:_WORDS_MAX]


def make_up(text: str, words: Sequence[str]) -> bool:
    """Whether a third or more of the text's letters and digits are those words, also backwards or in leet.

    Words of three letters do not count: the ``com`` of an address is in ``welcome`` too.
    """
    folded = _folded(text)
    known = sorted({_folded(word) for word in words if len(word) >= _TELLING_LENGTH}, key=len, reverse=True)
    left = min(_letters(_without(reading, known)) for reading in (folded, folded[::-1]))
    found = _letters(folded) - left
    return found > 0 and found * 3 >= _letters(folded)


def _spellings(name: str) -> Iterator[str]:
    normal = unicodedata.normalize("NFC", name[:_TYPED_MAX_LENGTH])
    parts = _PARTS.findall(normal)
    yield normal
    yield "".join(parts)
    yield from parts


def _folded(text: str) -> str:
    return text.lower().translate(_LEET)


def _without(text: str, words: Sequence[str]) -> str:
    for word in words:
        text = text.replace(word, " ")
    return text


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))
