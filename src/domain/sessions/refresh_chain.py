"""The refresh rule: one chain of tokens a session, never two.

A token holds its place in the chain, the *generation*. The chain remembers only when its last two rotations were and
whether they were answered late, and that is enough:

- the current token is replaced by its successor;
- the one just replaced gives that same successor again, so that a lost answer, a retry and two tabs cost nobody a
  session (R03). Later than the grace it is a *late answer*. One is a phone that slept; late answers in two
  generations running are two holders taking turns, and end the session;
- an older one is a straggler of a burst when both last rotations lie within the grace: refused, nothing else.
  Otherwise somebody kept a token that was used up: reuse, which ends the session (R04; RFC 9700 4.14.2).

``infrastructure.postgres.sessions`` runs the same rule inside one SQL statement; a property test holds it to this.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

GRACE = timedelta(seconds=10)


class RefreshOutcome(Enum):
    """What presenting a refresh token comes to."""

    ROTATED = "rotated"
    REPEATED = "repeated"
    REFUSED = "refused"
    REUSED = "reused"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefreshChain:
    """Where a session's chain stands. Generations count from 0; times are those of the last two rotations."""

    generation: int = 0
    rotated_at: datetime | None = None
    previous_rotated_at: datetime | None = None
    late: bool = False
    """The current generation was answered late."""
    previous_late: bool = False
    """So was the one before."""

    def present(
        self, generation: int, *, is_current_secret: bool, now: datetime
    ) -> tuple["RefreshChain", RefreshOutcome]:
        """Present an authentic token of ``generation``: where the chain stands then, and what comes of it.

        ``is_current_secret`` says whether the token's secret is the one the chain stands at. An authentic token of
        the current generation with another secret is from before a restore of the database; like one from the
        future, it changes nothing.
        """
        age = self.generation - generation
        if age < 0 or (age == 0 and not is_current_secret):
            return self, RefreshOutcome.REFUSED
        if age == 0:
            return self._rotate(now), RefreshOutcome.ROTATED
        if age == 1:
            return self._answer_again(now)
        in_burst = self._within_grace(self.rotated_at, now) and self._within_grace(self.previous_rotated_at, now)
        return self, RefreshOutcome.REFUSED if in_burst else RefreshOutcome.REUSED

    def _rotate(self, now: datetime) -> "RefreshChain":
        return RefreshChain(
            generation=self.generation + 1,
            rotated_at=now,
            previous_rotated_at=self.rotated_at,
            late=False,
            previous_late=self.late,
        )

    def _answer_again(self, now: datetime) -> tuple["RefreshChain", RefreshOutcome]:
        if self._within_grace(self.rotated_at, now):
            return self, RefreshOutcome.REPEATED
        if self.previous_late:
            return self, RefreshOutcome.REUSED
        return replace(self, late=True), RefreshOutcome.REPEATED

    @staticmethod
    def _within_grace(moment: datetime | None, now: datetime) -> bool:
        return moment is not None and now - moment <= GRACE
