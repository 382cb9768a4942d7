"""The deployment's signing keys in memory."""

import json
import logging
from datetime import timedelta

from application.ports import Clock
from domain.errors import ServiceUnavailable
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import (
    KeyState,
    SigningKey,
    SigningKeyStore,
    SigningKeyUnreadable,
    StoredSigningKey,
    resealed,
)

log = logging.getLogger("crm_auth.signing_keys")

RETIRED_KEPT_FOR = timedelta(hours=1)
"""The longest life of an access token (15 min, K06), and ample time for every node to learn of the change."""


class KeyRing:
    """Verifying needs no database (D07): the ring is loaded at start and reloaded every half minute.

    A ``kid`` the ring does not have is therefore simply unknown: looking it up would let anybody make us query the
    database at will, and a key is published long before it signs, so no honest token comes too early. A revoked key
    is gone with the next reload, which is the bound of an emergency rotation (K08).
    """

    def __init__(self, store: SigningKeyStore, secret_keys: SecretKeys, clock: Clock) -> None:
        self._store = store
        self._secret_keys = secret_keys
        self._clock = clock
        self._keys: dict[str, SigningKey] = {}
        self._active: SigningKey | None = None
        self._jwks = _key_set([])
        self._version = 0

    async def reload(self) -> None:
        """Take over the keys as they are kept now; make the first ones where there are none.

        Raises ServiceUnavailable, and SigningKeyUnreadable after all other keys have been taken over: a key that
        was revoked meanwhile is dropped whatever happened to another.
        """
        stored = await self._store.load() or await self._store.create_first(self._make_first)
        keys, unreadable = self._read(stored)
        if _states(keys) != _states(self._keys):
            self._keys = keys
            self._active = next((key for key in keys.values() if key.state is KeyState.ACTIVE), None)
            self._jwks = _key_set(list(keys.values()))
            self._version += 1
            log.info("signing keys: %s", " ".join(f"{key.kid}={key.state.value}" for key in keys.values()))
        if unreadable is not None:
            raise unreadable

    async def reseal(self) -> None:
        """Seal with the newest secret what an older one sealed, so that the older one can be dropped (C07).

        Once, at the start: two nodes with the same secrets in another order would undo each other's work for ever.
        Raises ServiceUnavailable, CannotUnseal.
        """
        for row in filter(self._is_trusted, await self._store.load()):
            if sealed := resealed(row, self._secret_keys):
                await self._store.replace_sealed(row.kid, old=row.sealed_private_key, new=sealed)
                log.info("signing key %s is now sealed with the newest secret key", row.kid)

    @property
    def signing(self) -> SigningKey:
        """The key that signs. Raises ServiceUnavailable while there is none, as after the revocation of the last."""
        if self._active is None:
            log.error("no signing key is active")
            raise ServiceUnavailable
        return self._active

    def verifying(self, kid: str) -> SigningKey | None:
        """The key of that id, unless it is unknown or revoked."""
        return self._keys.get(kid)

    def jwks(self) -> bytes:
        """The public keys as an RFC 7517 set in JSON (K07)."""
        return self._jwks

    @property
    def version(self) -> int:
        """Grows whenever a key comes, goes or changes its state: what was verified before is to be judged anew."""
        return self._version

    def _read(self, stored: list[StoredSigningKey]) -> tuple[dict[str, SigningKey], SigningKeyUnreadable | None]:
        keys: dict[str, SigningKey] = {}
        unreadable: SigningKeyUnreadable | None = None
        for row in filter(self._is_trusted, stored):
            known = self._keys.get(row.kid)
            try:
                keys[row.kid] = known if known and known.state is row.state else self._unsealed(row)
            except SigningKeyUnreadable as error:
                unreadable = error
        return keys, unreadable

    def _unsealed(self, row: StoredSigningKey) -> SigningKey:
        return SigningKey.unsealed(row, self._secret_keys)

    def _is_trusted(self, row: StoredSigningKey) -> bool:
        match row.state:
            case KeyState.REVOKED:
                return False
            case KeyState.RETIRED:
                return row.retired_at is None or self._clock.now() - row.retired_at < RETIRED_KEPT_FOR
            case _:
                return True

    def _make_first(self) -> list[StoredSigningKey]:
        now = self._clock.now()
        keys = [SigningKey.generate(state, now) for state in (KeyState.ACTIVE, KeyState.NEXT)]
        return [key.sealed(self._secret_keys) for key in keys]


def _states(keys: dict[str, SigningKey]) -> dict[str, KeyState]:
    return {kid: key.state for kid, key in keys.items()}


def _key_set(keys: list[SigningKey]) -> bytes:
    return json.dumps({"keys": [key.public_jwk for key in keys]}, separators=(",", ":")).encode()
