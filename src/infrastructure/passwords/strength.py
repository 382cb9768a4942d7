"""How soon a password would be guessed, by zxcvbn (Wheeler, USENIX Security 2016)."""

import math
from collections.abc import Iterator, Sequence

from zxcvbn_rs_py import Entropy, zxcvbn
from zxcvbn_rs_py import Warning as Remark

from domain.credentials.password import Password, Weakness
from infrastructure.passwords.own_words import make_up, own_words_of

MINIMUM_GUESSES = 10**10
"""An account admits 10 failures in 10 minutes at most (L03), 525,600 a year: a year of guessing, from however many
addresses, finds a password of this many guesses with a chance of 1 in 19,000. zxcvbn's own "safely unguessable",
10^8, would be 1 in 190, and is also what it makes of any three guessable parts, however common they are. Stolen
hashes hold out for 9 core-years at 30 ms a guess."""

SERVICE_WORDS = ("crm-auth", "crmauth", "crm", "auth")

_JUDGED_LENGTH = 32
_LEET_BUDGET = 6
_LEET = ("4@", "({[<", "69", "1!|", "1|7", "$5", "+7")
"""The signs that zxcvbn may read as one and the same letter."""

_REMARKS = {
    Weakness.COMMON: (
        Remark.ThisIsATop10Password,
        Remark.ThisIsATop100Password,
        Remark.ThisIsACommonPassword,
        Remark.ThisIsSimilarToACommonlyUsedPassword,
        Remark.AWordByItselfIsEasyToGuess,
    ),
    Weakness.REPEATED: (
        Remark.RepeatsLikeAaaAreEasyToGuess,
        Remark.RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess,
    ),
    Weakness.SEQUENCE: (Remark.SequencesLikeAbcAreEasyToGuess,),
    Weakness.KEYBOARD_WALK: (
        Remark.StraightRowsOfKeysAreEasyToGuess,
        Remark.ShortKeyboardPatternsAreEasyToGuess,
    ),
}


class ZxcvbnStrengthEstimator:
    """PasswordStrengthEstimator: zxcvbn, told the account's and the service's names, on a bounded piece of the text.

    Everything done to the text before zxcvbn sees it takes characters away, so it can only be judged weaker than it
    is: a password that is strong by its first characters is strong, one that is not is refused.
    """

    def __init__(self, *, service_words: Sequence[str] = SERVICE_WORDS, minimum_guesses: int = MINIMUM_GUESSES) -> None:
        self._service_words = tuple(service_words)
        self._minimum_guesses = minimum_guesses

    def weakness(self, password: Password, own_words: Sequence[str]) -> Weakness | None:
        """The most telling reason, or ``None`` for a password of ``minimum_guesses``; takes about 5 ms at most.

        A password may hold the owner's names: it is their guesses that count, and names count as known.
        """
        words = own_words_of((*self._service_words, *own_words))
        unit = _repeated_unit(password.text)
        for reading in _readings(unit):
            estimate = zxcvbn(_affordable(reading), words)
            if estimate.guesses < self._minimum_guesses:
                if make_up(password.text, words):
                    return Weakness.DERIVED
                return Weakness.REPEATED if len(unit) < len(password.text) else _remarked(estimate)
        return None


def _remarked(estimate: Entropy) -> Weakness:
    """The reason by what zxcvbn says of the longest pattern it found; it says nothing from 10^8 guesses on."""
    remark = estimate.feedback.warning if estimate.feedback else None
    return next((weakness for weakness, remarks in _REMARKS.items() if remark in remarks), Weakness.GUESSABLE)


def _repeated_unit(text: str) -> str:
    """What a text repeats, once, if all of it is that, also with another sign between: ``abc``, ``abc abc abc``.

    zxcvbn sees repeats only where they touch and are written in one case. The period of a text is its length less
    that of its longest border, which is found in linear time (Knuth, Morris, Pratt).
    """
    letters = [letter.lower() for letter in text]
    borders = [0] * len(letters)
    border = 0
    for end in range(1, len(letters)):
        while border and letters[end] != letters[border]:
            border = borders[border - 1]
        border += letters[end] == letters[border]
        borders[end] = border
    period = len(letters) - border
    return text[:period] if 2 * period - 1 <= len(text) else text


def _readings(text: str) -> Iterator[str]:
    """The text, and without its separator when it has but one: each ``-`` would count as a part to be guessed."""
    yield text
    separators = {sign for sign in text if not sign.isalnum()}
    if len(separators) == 1 and text not in separators:
        yield text.replace(separators.pop(), "")


def _affordable(text: str) -> str:
    """The first characters of a text that zxcvbn judges in a few milliseconds (D05).

    Its time grows with the square of the length, and with each combination of letters that the signs in the text
    may stand for: 1 s for 100 characters made for it. A sign that would add too many combinations is left out.
    """
    kept = ""
    for sign in text:
        if len(kept) == _JUDGED_LENGTH:
            break
        if sign in kept or _leet_combinations(kept + sign) <= _LEET_BUDGET:
            kept += sign
    return kept


def _leet_combinations(text: str) -> int:
    present = set(text)
    return math.prod(max(1, len(present.intersection(signs))) for signs in _LEET)
