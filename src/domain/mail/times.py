"""Times as people read them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS: Mapping[str, str] = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
}
_FORMS: Mapping[str, str] = {
    "en": "{day} {month} {year} at {clock} ({zone})",
    "de": "{day}. {month} {year} um {clock} Uhr ({zone})",
    "fr": "{day} {month} {year} à {clock} ({zone})",
}


def time_in_words(time: datetime, zone: str | None, language: str) -> str:
    """As ``25 November 2026 at 19:02 (Europe/Berlin)``, in one of our languages; in UTC where the zone is not known."""
    local, name = _local(time, zone)
    is_first_in_french = language == "fr" and local.day == 1
    return _FORMS[language].format(
        day="1er" if is_first_in_french else local.day,
        month=_MONTHS[language].split()[local.month - 1],
        year=local.year,
        clock=f"{local:%H:%M}",
        zone=name,
    )


def _local(time: datetime, zone: str | None) -> tuple[datetime, str]:
    """A zone may be one that this machine's data has no more, or has not yet."""
    try:
        return (time.astimezone(ZoneInfo(zone)), zone) if zone else (time.astimezone(UTC), "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return time.astimezone(UTC), "UTC"
