"""See when lists of stolen passwords are tried, and say so once."""

from dataclasses import dataclass

from application.stuffing.ports import Episode, SignInsNow, StuffingRecord
from domain.stuffing.recognition import QUIET, Recognition, SignIns, StuffingKind


@dataclass(frozen=True, slots=True)
class WatchSignIns:
    """One look at the last ten minutes. Any number of processes may look: each episode begins and ends once."""

    record: StuffingRecord
    recognition: Recognition

    async def __call__(self) -> None:
        """Raises ServiceUnavailable."""
        now = await self.record.now(accounts=-(-self.recognition.accounts_of_one_source // 4))
        open_sources = {episode.source: episode for episode in now.episodes}
        for source, seen in now.by_source:
            if source not in open_sources and self.recognition.is_one_source(seen):
                await self.record.open(StuffingKind.ONE_SOURCE, source, seen)
        if None not in open_sources:
            if self.recognition.is_many_sources(now.others, now.usual):
                await self.record.open(StuffingKind.MANY_SOURCES, None, now.others)
            else:
                await self.record.keep_usual(now.others)
        for episode in now.episodes:
            await self._follow(episode, now)

    async def _follow(self, episode: Episode, now: SignInsNow) -> None:
        if episode.kind is StuffingKind.ONE_SOURCE:
            seen = dict(now.by_source).get(episode.source or "", SignIns())
            goes_on = self.recognition.is_one_source(seen, goes_on=True)
        else:
            seen = now.others
            goes_on = self.recognition.is_many_sources(seen, now.usual, goes_on=True)
        if goes_on:
            await self.record.go_on(episode, seen)
        elif episode.quiet_for >= QUIET:
            await self.record.end(episode)
