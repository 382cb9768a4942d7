"""What ``crm-auth keys`` does, on the server's database or on the embedded one."""

# ruff: noqa: PLC0415 - everything heavy is imported where it is used, see bootstrap.operations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from bootstrap.operator import operator_origin
from interfaces.cli.key_operations import SigningKeyStatus
from interfaces.cli.operations import OperationFailed

if TYPE_CHECKING:
    from infrastructure.tokens.key_rotation import KeyRotation


class ServiceKeys:
    """Implements :class:`interfaces.cli.key_operations.KeyOperations`."""

    def list(self) -> Sequence[SigningKeyStatus]:
        """All keys, the newest first."""

        async def nothing(_rotation: "KeyRotation") -> None:
            pass

        return _after(nothing)

    def rotate(self, *, at_once: bool) -> Sequence[SigningKeyStatus]:
        """Have the next key sign."""
        return _after(lambda rotation: rotation.rotate(operator_origin(), at_once=at_once))

    def revoke(self, kid: str) -> Sequence[SigningKeyStatus] | None:
        """Trust a key no more."""
        from infrastructure.tokens.key_rotation import UnknownSigningKey

        try:
            return _after(lambda rotation: rotation.revoke(kid, operator_origin()))
        except UnknownSigningKey:
            return None


def _after(work: "Callable[[KeyRotation], Awaitable[object]]") -> Sequence[SigningKeyStatus]:
    """Do it with the database alone, and give the keys then.

    Not with all that use cases need: a key that cannot be read keeps the service from starting, and can be revoked.
    """
    from bootstrap.container import make_container
    from bootstrap.operations import explained, settings_of_environment
    from bootstrap.server import with_database
    from infrastructure.postgres.database import DatabaseUnreachable
    from infrastructure.tokens.key_rotation import KeyChangeRefused, UnknownSigningKey

    async def run() -> Sequence[SigningKeyStatus]:
        adapters = make_container(resolved).adapters
        async with adapters.database().opened():
            rotation: KeyRotation = adapters.key_rotation()
            await work(rotation)
            return [
                SigningKeyStatus(
                    kid=key.kid,
                    algorithm=key.algorithm,
                    state=key.state.value,
                    created_at=key.created_at,
                    activated_at=key.activated_at,
                    retired_at=key.retired_at,
                )
                for key in reversed(await rotation.ledger.load())
            ]

    with explained(), with_database(settings_of_environment(), join=True) as resolved:
        try:
            return asyncio.run(run())
        except UnknownSigningKey:
            raise
        except (KeyChangeRefused, DatabaseUnreachable) as refusal:
            raise OperationFailed(str(refusal)) from None
