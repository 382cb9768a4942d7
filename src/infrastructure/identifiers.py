"""E-mail addresses as RFC 5321, RFC 6531 and UTS 46 write them."""

import unicodedata

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from domain.accounts.identifiers import EMAIL_MAX_OCTETS, EmailAddress, invalid_email

_SPECIAL_USE = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)


def parse_email_address(text: str) -> EmailAddress:
    """Judge the syntax of an address; nothing is looked up and nothing is trimmed (S08).

    The local part is put into NFC, the domain through UTS 46 (non-transitional) into A-labels. No quoted local
    parts, display names, address literals or domains without a dot: what mail programs read in more than one way
    is how a second recipient gets in (S09). Special-use domains (RFC 6761) are accepted: a closed network may run
    its mail under ``.local``, and tests run under ``.test``.

    Raises InvalidValue ``invalid_email``.
    """
    # The length comes before anything else: the library takes quadratic time (D05).
    if len(text) > EMAIL_MAX_OCTETS or _has_doubles(text.rpartition("@")[0]):
        raise invalid_email()
    disguised, last_letter = _disguise_special_use(text)
    try:
        valid = validate_email(
            disguised,
            check_deliverability=False,
            globally_deliverable=True,
            strict=True,
            allow_smtputf8=True,
            allow_empty_local=False,
            allow_quoted_local=False,
            allow_domain_literal=False,
            allow_display_name=False,
            test_environment=False,
        )
    except EmailNotValidError:
        raise invalid_email() from None
    ascii_domain = valid.ascii_domain[:-1] + last_letter if last_letter else valid.ascii_domain
    return EmailAddress.from_parts(text, valid.local_part, ascii_domain)


def _has_doubles(local_part: str) -> bool:
    """Whether it holds characters that NFC turns into another one each, as it does the Kelvin sign into K.

    The library puts the local part into NFC, after which nobody can tell that it was typed so. A letter and its
    accent typed apart are no such thing: each of them is what it is.
    """
    return not local_part.isascii() and any(unicodedata.normalize("NFC", sign) != sign for sign in local_part)


def _disguise_special_use(text: str) -> tuple[str, str]:
    """The address with the last letter of a special-use domain exchanged, and that letter; otherwise as it is.

    The library refuses those domains whatever it is asked, unless a list of its own is emptied, which would change
    it for everybody in the process. No rule of syntax tells one final letter from another.
    """
    if text.lower().endswith(_SPECIAL_USE):
        return f"{text[:-1]}x", text[-1].lower()
    return text, ""
