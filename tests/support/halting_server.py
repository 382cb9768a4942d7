"""The service with a store and a ledger that stop for ever at a named step, for a test to kill it there.

Run as a program by :class:`HaltingServer`, which tells it the step through a file. Nothing of it is in the product: it
replaces two parts of the container, as whoever embeds the service can.
"""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import uvicorn
from dependency_injector import providers

from application.photos.ports import PhotoLedger, PhotoStore, Renditions
from bootstrap.asgi import create_app
from bootstrap.container import make_container
from bootstrap.settings import Settings
from domain.photos.photo import PhotoSize

STOP_AT, REACHED = "stop-at", "reached"
STEPS = (
    "rendered", "announced", "half put", "put", "committed", "half deleted", "deleted", "forgotten",
)  # fmt: skip
"""Each step is done by the time it is reached; a deletion is of the photo before."""


@dataclass(frozen=True)
class Halts:
    """Where to stop, as told by a file in the folder."""

    folder: Path

    def is_at(self, step: str) -> bool:
        told = self.folder / STOP_AT
        return told.exists() and told.read_text() == step

    async def at(self, step: str) -> None:
        if self.is_at(step):
            (self.folder / REACHED).touch()
            await asyncio.Event().wait()


@dataclass(frozen=True)
class HaltingStore:
    store: PhotoStore
    halts: Halts

    async def put(self, photo_id: str, renditions: Renditions) -> None:
        if self.halts.is_at("half put"):
            await self.store.put(photo_id, {PhotoSize.SMALL: renditions[PhotoSize.SMALL]})
            await self.halts.at("half put")
        await self.store.put(photo_id, renditions)
        await self.halts.at("put")

    async def get(self, photo_id: str, size: PhotoSize) -> bytes | None:
        return await self.store.get(photo_id, size)

    async def delete(self, photo_id: str) -> None:
        await self.halts.at("committed")
        if self.halts.is_at("half deleted"):
            kept = await self.store.get(photo_id, PhotoSize.LARGE)
            assert kept
            await self.store.delete(photo_id)
            await self.store.put(photo_id, {PhotoSize.LARGE: kept})
            await self.halts.at("half deleted")
        await self.store.delete(photo_id)
        await self.halts.at("deleted")


@dataclass(frozen=True)
class HaltingLedger:
    ledger: PhotoLedger
    halts: Halts

    async def announce(self, photo_id: str) -> None:
        await self.halts.at("rendered")
        await self.ledger.announce(photo_id)
        await self.halts.at("announced")

    async def is_owned(self, photo_id: str) -> bool:
        return await self.ledger.is_owned(photo_id)

    async def unowned(self, *, for_longer_than: timedelta, at_most: int) -> Sequence[str]:
        return await self.ledger.unowned(for_longer_than=for_longer_than, at_most=at_most)

    async def forget(self, photo_id: str) -> None:
        await self.ledger.forget(photo_id)
        await self.halts.at("forgotten")


def main(folder: str, port: str) -> None:
    settings = Settings.from_environment(os.environ)
    container, halts = make_container(settings), Halts(Path(folder))
    ledger, store = container.adapters.photo_ledger(), container.adapters.photo_store()
    container.adapters.photo_ledger.override(providers.Object(HaltingLedger(ledger, halts)))
    container.adapters.photo_store.override(providers.Object(HaltingStore(store, halts)))
    uvicorn.run(create_app(settings, container), host="127.0.0.1", port=int(port), log_config=None)


if __name__ == "__main__":
    main(*sys.argv[1:])
