"""Keys for digests that are kept for good, and so must outlive every change of ``CRM_AUTH_SECRET_KEY``.

A digest cannot be made anew when its key changes, because what it was made of is not kept. Such a key is therefore
random, made once for a deployment, and kept in the database sealed by the secret keys, as signing keys are.
"""

import hmac
import logging
import os
from typing import Protocol

from domain.errors import ServiceUnavailable
from infrastructure.tokens.secret_keys import CannotUnseal, SecretKeys

log = logging.getLogger("crm_auth.data_keys")

_SEALED_FOR = "data-key/v1"
_SIZE = 32
"""Bytes; as long as the digest (RFC 2104 3)."""


class DataKeyUnreadable(Exception):
    """The key cannot be had. The message tells the operator what to do."""


class DataKeyStore(Protocol):
    """Where the deployment keeps its keys: one of each purpose for all nodes."""

    async def keep(self, purpose: str, sealed: bytes) -> bytes:
        """Store ``sealed`` unless there is a key of that purpose; the one there is then. Raises ServiceUnavailable.

        Of any number of nodes and workers that start at once one has its key stored, and all get that.
        """
        ...

    async def replace_sealed(self, purpose: str, *, old: bytes, new: bytes) -> None:
        """Store the sealed key ``new`` where it still is ``old``. Raises ServiceUnavailable."""
        ...


class DataKey:
    """The key of one purpose. It is loaded before the first request."""

    def __init__(self, purpose: str, store: DataKeyStore, secret_keys: SecretKeys) -> None:
        self._purpose = purpose
        self._bound_to = purpose.encode()
        self._store = store
        self._secret_keys = secret_keys
        self._key: bytes | None = None

    async def load(self) -> None:
        """Take over the key, making it where there is none, and seal it with the newest secret (C07).

        Raises ServiceUnavailable, DataKeyUnreadable.
        """
        made = self._secret_keys.seal(_SEALED_FOR, os.urandom(_SIZE), self._bound_to)
        kept = await self._store.keep(self._purpose, made)
        try:
            self._key = self._secret_keys.unseal(_SEALED_FOR, kept, self._bound_to)
        except CannotUnseal as error:
            raise DataKeyUnreadable(
                f"The data key {self._purpose} was {error}. If CRM_AUTH_SECRET_KEY was changed, give the value it had"
                " as well, behind the new one; if that is lost, the operator guide says what goes with this key."
            ) from None
        if sealed := self._secret_keys.resealed(_SEALED_FOR, kept, self._bound_to):
            await self._store.replace_sealed(self._purpose, old=kept, new=sealed)
            log.info("data key %s is now sealed with the newest secret key", self._purpose)

    def digest(self, text: str) -> bytes:
        """32 bytes by which the text is recognised and not read, for good.

        Raises ServiceUnavailable before ``load``.
        """
        if self._key is None:
            raise ServiceUnavailable
        return hmac.digest(self._key, text.encode(), "sha256")

    def derived(self, purpose: str) -> bytes:
        """32 bytes for another use, of which nothing follows for the key or for any other use (RFC 5869 2.3).

        Raises ServiceUnavailable before ``load``.
        """
        if self._key is None:
            raise ServiceUnavailable
        return hmac.digest(self._key, f"derived/{purpose}\1".encode(), "sha256")
