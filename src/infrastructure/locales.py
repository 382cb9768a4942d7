"""Language tags as BCP 47 (RFC 5646) and the registry of subtags have them."""

import re

from domain.accounts.profile import invalid_locale

MAX_LENGTH = 100
"""Characters; RFC 5646 4.4.1 asks for 35."""

# Hyphens only, and a language of two or three letters: the library also reads underscores and four letters.
_TAG = re.compile(r"([A-Za-z]{2,3}|[ixIX](?=-))(-[A-Za-z0-9]{1,8})*")


def parse_locale(text: str) -> str:
    """The tag in canonical form, as ``zh-Hant-TW`` for ``ZH-hant-tw`` and ``he`` for ``iw``.

    Language, script, region and variants have to be registered, and none may be given twice; what extensions and
    private use hold is for others to judge (RFC 5646 2.2.9). Raises InvalidValue ``invalid_locale``.
    """
    # The length comes before anything else (D05).
    if len(text) > MAX_LENGTH or not _TAG.fullmatch(text):
        raise invalid_locale()
    from langcodes import (  # noqa: PLC0415 - 70 ms and 4 MiB, for a process that is given a tag
        Language,
        standardize_tag,
        tag_is_valid,
    )

    try:
        if not tag_is_valid(text):
            raise invalid_locale()
        # Twice: what the replacement of a language leaves over, as a region by number, it replaces at a second look.
        return standardize_tag(standardize_tag(text))
    except ValueError:
        raise invalid_locale() from None
    finally:
        # The library keeps every tag it has seen, for good: strangers could fill the memory with made-up ones.
        Language._PARSE_CACHE.clear()  # noqa: SLF001
        Language._INSTANCES.clear()  # noqa: SLF001
