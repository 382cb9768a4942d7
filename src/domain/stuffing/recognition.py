"""When failed sign-ins are lists of stolen passwords being tried, by nothing but counts (credential stuffing).

Either few sources try many accounts, or many sources try few each. The first shows in what one source does; the second
only in all failures together, beside what is usual here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from statistics import fmean, pstdev

WINDOW = timedelta(minutes=10)
"""What is counted together; the limits on sign-in are of the same length."""
QUIET = timedelta(minutes=30)
"""So long a pattern has to be gone for it to be over: who is slowed down is to find no door open at once."""
_FAILS_MORE = 2
"""Failures for each success: people mistype, and most get in. Lists of passwords do not."""
MOST_OF_EACH = 10
"""Failures of a source that count in an attack from many: more of them are other patterns' business."""
_DEVIATIONS = 4
_TIMES_USUAL = 3
_A_DAY = timedelta(days=1) // WINDOW
_UNUSUAL_ANYWHERE = 0.4
"""A share that fails, for as long as there is no day to tell what is usual here."""
_TIMES_USUAL_SHARE = 2
_LEAST_SHARE, _MOST_SHARE = 0.2, 0.8
_STILL = 4
"""An episode goes on with a quarter of what began it: it is slowed down, after all."""


class StuffingKind(StrEnum):
    """How it is done."""

    ONE_SOURCE = "one_source"
    MANY_SOURCES = "many_sources"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIns:
    """Counts of sign-ins in a window; ``accounts`` are different ones that were tried and failed, existing or not.

    ``succeeded`` are different people, or one with an account could hide a list among sign-ins of their own.
    ``sources`` are different addresses that failed, of IPv6 the /64. Of many together they are the /48, for one
    subscriber may have all of that, and ``failed`` has at most ``MOST_OF_EACH`` of each.
    """

    succeeded: int = 0
    failed: int = 0
    accounts: int = 0
    sources: int = 0

    @property
    def failed_share(self) -> float:
        """Of all."""
        return self.failed / max(1, self.failed + self.succeeded)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """How much it takes; the defaults' reasons stand with the settings."""

    accounts_of_one_source: int = 15
    failures_of_many_sources: int = 60
    many_sources: int = 20

    def is_one_source(self, seen: SignIns, *, goes_on: bool = False) -> bool:
        """Whether that source tries a list."""
        enough = seen.accounts * (_STILL if goes_on else 1) >= self.accounts_of_one_source
        return enough and seen.failed >= _FAILS_MORE * seen.succeeded

    def is_many_sources(self, seen: SignIns, usual: Sequence[SignIns], *, goes_on: bool = False) -> bool:
        """Whether many sources together try one. ``usual`` are windows in which none did."""
        still = _STILL if goes_on else 1
        return (
            seen.failed * still >= max(self.failures_of_many_sources, ceiling(usual))
            and seen.sources * still >= self.many_sources
            and seen.accounts * still >= self.many_sources
            and seen.failed_share * still >= share_ceiling(usual)
        )


def ceiling(usual: Sequence[SignIns]) -> float:
    """The failures of a window beyond which it is not a usual one."""
    if not usual:
        return 0.0
    failed = [each.failed for each in usual]
    mean = fmean(failed)
    return max(mean + _DEVIATIONS * pstdev(failed, mean), _TIMES_USUAL * mean)


def share_ceiling(usual: Sequence[SignIns]) -> float:
    """The same for the share that fails: on a busy morning more people mistype, and more get in."""
    if len(usual) < _A_DAY:
        return _UNUSUAL_ANYWHERE
    together = SignIns(succeeded=sum(each.succeeded for each in usual), failed=sum(each.failed for each in usual))
    return min(max(_TIMES_USUAL_SHARE * together.failed_share, _LEAST_SHARE), _MOST_SHARE)
