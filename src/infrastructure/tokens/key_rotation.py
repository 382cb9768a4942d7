"""How the keys that sign access tokens take turns, planned (K07) and at once (K08).

What is decided is a pure function of the keys there are; the ledger holds them still meanwhile and writes it down.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from application.origin import Origin
from domain.events import DomainEvent
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import KeyState, SigningKey, StoredSigningKey

SIGNING_KEY_ROTATED = "signing_key.rotated"
SIGNING_KEY_REVOKED = "signing_key.revoked"

PUBLISHED_FOR = timedelta(minutes=11)
"""Before a key signs: twice as long as verifiers keep our key set, and time for every node to have it."""

Make = Callable[[KeyState], StoredSigningKey]
"""A new key in that state."""


class KeyChangeRefused(Exception):
    """The keys stay as they are. The message tells the operator why."""


class UnknownSigningKey(KeyChangeRefused):
    """There is no such key, or it is revoked already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChange:
    """What is to be written: states of keys there are, in this order, and new keys."""

    states: Mapping[str, KeyState]
    added: Sequence[StoredSigningKey]
    event: DomainEvent


class SigningKeyLedger(Protocol):
    """The deployment's keys, for whoever changes their states."""

    async def load(self) -> list[StoredSigningKey]:
        """All keys, the oldest first. Raises ServiceUnavailable."""
        ...

    async def change(
        self, decide: Callable[[Sequence[StoredSigningKey], datetime], KeyChange], origin: Origin
    ) -> KeyChange:
        """Write down what is decided on the keys there are and the database's time, while nobody else does.

        Raises ServiceUnavailable, and what ``decide`` raises.
        """
        ...


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """What operators do with the keys. Every node follows within half a minute, when its ring is loaded again."""

    ledger: SigningKeyLedger
    secret_keys: SecretKeys

    async def rotate(self, origin: Origin, *, at_once: bool = False) -> KeyChange:
        """Have the next key sign, and publish one that will be next.

        Raises KeyChangeRefused while the next one is too new for all verifiers to know it, unless ``at_once``.
        """
        return await self.ledger.change(partial(self._rotated, at_once=at_once), origin)

    async def revoke(self, kid: str, origin: Origin) -> KeyChange:
        """Trust nothing any more that this key signed or will sign; another takes its place.

        Raises UnknownSigningKey.
        """
        return await self.ledger.change(partial(self._revoked, kid), origin)

    def _rotated(self, keys: Sequence[StoredSigningKey], now: datetime, *, at_once: bool) -> KeyChange:
        return rotated(keys, now, self._maker(now), published_for=timedelta(0) if at_once else PUBLISHED_FOR)

    def _revoked(self, kid: str, keys: Sequence[StoredSigningKey], now: datetime) -> KeyChange:
        return revoked(kid, keys, self._maker(now))

    def _maker(self, now: datetime) -> Make:
        return lambda state: SigningKey.generate(state, now).sealed(self.secret_keys)


def rotated(keys: Sequence[StoredSigningKey], now: datetime, make: Make, *, published_for: timedelta) -> KeyChange:
    """A planned rotation: no token of before is refused, and none of after is unknown to anybody (K07).

    Raises KeyChangeRefused.
    """
    following = _first(keys, KeyState.NEXT)
    if following is None:
        raise KeyChangeRefused("There is no next key. Start the service once: it makes the first ones.")
    if now - following.created_at < published_for:
        ready = (following.created_at + published_for).strftime("%H:%M:%S")
        raise KeyChangeRefused(
            f"The next key {following.kid} may not be known to every verifier before {ready} UTC. Wait, or say"
            " --at-once: tokens may then be refused by services that keep the old key set."
        )
    added = make(KeyState.NEXT)
    active = _first(keys, KeyState.ACTIVE)
    states = ({active.kid: KeyState.RETIRED} if active else {}) | {following.kid: KeyState.ACTIVE}
    data = {"active": following.kid, "next": added.kid} | ({"retired": active.kid} if active else {})
    return KeyChange(states=states, added=[added], event=DomainEvent(type=SIGNING_KEY_ROTATED, data=data))


def revoked(kid: str, keys: Sequence[StoredSigningKey], make: Make) -> KeyChange:
    """An emergency: the key goes, and where it signed or was to sign another does (K08). Raises UnknownSigningKey."""
    gone = next((key for key in keys if key.kid == kid and key.state is not KeyState.REVOKED), None)
    if gone is None:
        raise UnknownSigningKey(f"There is no key {kid} that could be revoked.")
    states, added = {kid: KeyState.REVOKED}, []
    following = _first(keys, KeyState.NEXT)
    if gone.state is KeyState.ACTIVE:
        if following is not None:
            states[following.kid] = KeyState.ACTIVE
        else:
            added.append(make(KeyState.ACTIVE))
    if gone.state in {KeyState.ACTIVE, KeyState.NEXT}:
        added.append(make(KeyState.NEXT))
    data = {"revoked": kid, "was": gone.state.value}
    return KeyChange(states=states, added=added, event=DomainEvent(type=SIGNING_KEY_REVOKED, data=data))


def _first(keys: Sequence[StoredSigningKey], state: KeyState) -> StoredSigningKey | None:
    return next((key for key in keys if key.state is state), None)
