"""Which filter of breached passwords is in force, as CRM_AUTH_BREACHED_PASSWORDS says."""

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from infrastructure.passwords import breached
from infrastructure.passwords.breached.filter_file import FilterFile
from infrastructure.passwords.breached.filter_format import Description
from infrastructure.passwords.breached.no_filter import NoFilter

log = logging.getLogger("crm_auth.breached_passwords")

OFF = "off"
STARTER = "starter"
STARTER_FILE = Path(breached.__file__).with_name("starter.filter")


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterInForce:
    """A filter that was read from beginning to end, and is sound."""

    path: Path
    is_starter: bool
    size: int
    """Bytes."""
    bits: int
    """Of a fingerprint: 1 in 2^bits passwords that are in no list is refused all the same."""
    description: Description

    @property
    def age_in_days(self) -> int:
        """Since it was built; the list it was built from is older."""
        return (datetime.now(UTC) - self.description.built_at).days

    def __str__(self) -> str:
        what = "the starter filter" if self.is_starter else str(self.path)
        return (
            f"{what}, {self.description.entries:,} passwords, built {self.description.built_at:%Y-%m-%d}"
            f" from {self.description.source}"
        )


def breached_passwords_of(choice: str) -> FilterFile | NoFilter:
    """What looks passwords up; it has yet to be opened."""
    if choice == OFF:
        return NoFilter()
    return FilterFile(STARTER_FILE if choice == STARTER else Path(choice))


def filter_in_force(choice: str) -> FilterInForce | None:
    """Read all of it, some seconds for one of gigabytes; ``None`` when it is off. Raises FilterRefused."""
    filter_file = breached_passwords_of(choice)
    if isinstance(filter_file, NoFilter):
        return None
    with filter_file.opened() as sound:
        sound.verify()
        return FilterInForce(
            path=sound.path,
            is_starter=choice == STARTER,
            size=sound.path.stat().st_size,
            bits=sound.bits,
            description=sound.description,
        )


def tell_filter(choice: str) -> None:
    """Say at the start which one it is. Raises FilterRefused."""
    if in_force := filter_in_force(choice):
        log.info("breached passwords are refused by %s", in_force)
    else:
        log.warning("CRM_AUTH_BREACHED_PASSWORDS=off: passwords known to every attacker are taken.")
