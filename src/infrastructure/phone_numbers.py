"""Telephone numbers by the numbering plans of the world, as Google's libphonenumber knows them."""

import re

from domain.accounts.profile import invalid_phone_number

MAX_LENGTH = 40
"""Characters: 15 digits and what people put between them."""

_INTERNATIONAL = re.compile(r"\+[0-9 ().-]+")
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def parse_phone_number(text: str) -> str:
    """The number in E.164; spaces, dots, hyphens and brackets may part its digits, as in ``+44 (0)20 7946-0123``.

    It has to be *possible*: of a country code there is, and as long as numbers are there, with the area code. Not
    *valid*, which is that its range had been handed out when the library was made: that refuses people whose range
    is newer, and tells nobody that a number is theirs; only a message to it does.

    The number begins with ``+``, since nobody says from which country it is dialled. No letters, no extension, no URI,
    which the library reads too. Raises InvalidValue ``invalid_phone_number``.
    """
    # The length comes before anything else (D05).
    if len(text) > MAX_LENGTH or not _INTERNATIONAL.fullmatch(text):
        raise invalid_phone_number()
    import phonenumbers  # noqa: PLC0415 - 60 ms and 3 MiB, for a process that is given a number

    try:
        number = phonenumbers.parse(text, None)
        written = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        # Where a trunk prefix is left, as in +31 00 00 00 000, it is another number when it is read again.
        is_stable = phonenumbers.parse(written, None) == number
    except phonenumbers.NumberParseException:
        raise invalid_phone_number() from None
    # A number that can only be dialled within its area is possible too, for the simpler question.
    is_possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    # Some plans, as the German one, know longer numbers within the country.
    if not is_possible or not is_stable or not _E164.fullmatch(written):
        raise invalid_phone_number()
    return written
