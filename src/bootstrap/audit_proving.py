"""What ``crm-auth audit`` does to verify the log, and with its keys."""

# ruff: noqa: PLC0415 - everything heavy is imported where it is used, see bootstrap.operations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from application.audit.ports import AuditTrail
from bootstrap.on_the_service import on_the_service
from bootstrap.operator import operator_origin
from interfaces.cli.audit_operations import Replayed, Verified
from interfaces.cli.operations import OperationFailed

if TYPE_CHECKING:
    from bootstrap.container import Container
    from infrastructure.audit.verifier import HeldHeads, Report, TrustedKeys


class ServiceAuditProving:
    """Implements :class:`interfaces.cli.audit_operations.AuditProving`."""

    def verify(self, heads: Path | None) -> Verified:
        """The log in the database."""
        from infrastructure.audit.verifier import HeldHeads, TrustedKeys, Verification

        held = _held_in(heads) if heads else HeldHeads(())

        async def verify(container: "Container") -> Verified:
            trail: AuditTrail = container.adapters.audit_trail()
            verification = Verification(TrustedKeys(await trail.public_keys()), held.heads, held.unreadable)
            async for line in await container.use_cases.export_audit()(personal=False):
                verification.take(line)
            return _verified(verification.end())

        return on_the_service(verify)

    def verify_file(self, export: str, public_key: Path, heads: Path | None) -> Verified:
        """An export."""
        from infrastructure.audit.verifier import Unreadable, verify_files

        try:
            return _verified(verify_files(export, str(public_key), str(heads) if heads else None))
        except Unreadable as reason:
            raise OperationFailed(str(reason)) from None

    def verifier(self) -> str:
        """The program's text."""
        from infrastructure.audit import verifier

        return Path(verifier.__file__).read_text(encoding="utf-8")

    def public_keys(self) -> str:
        """All of them in PEM."""
        from infrastructure.audit.keys import pem_of

        async def keys(container: "Container") -> str:
            trail: AuditTrail = container.adapters.audit_trail()
            return "".join(map(pem_of, await trail.public_keys()))

        return on_the_service(keys) or _refuse("No key has signed yet: start the service first.")

    def rotate_key(self) -> str:
        """Another key."""
        key_id: str = on_the_service(lambda container: container.use_cases.rotate_audit_key()(operator_origin()))
        return key_id

    def replay_erasures(self, heads: Path, public_keys: Sequence[Path]) -> Replayed:
        """Erase again."""
        from infrastructure.audit.verifier import TrustedKeys

        held, trusted = _held_in(heads), _public_keys_in(public_keys)

        async def replay(container: "Container") -> int:
            trail: AuditTrail = container.adapters.audit_trail()
            erased = _erased_in(held, TrustedKeys(trusted or await trail.public_keys()))
            count: int = await container.use_cases.replay_erasures()(erased, operator_origin())
            return count

        return Replayed(count=on_the_service(replay), unreadable=held.unreadable)


def _erased_in(held: "HeldHeads", keys: "TrustedKeys") -> list[UUID]:
    """Whom the heads say to be erased: all of them signed, for whoever could forge one could have accounts deleted."""
    from infrastructure.audit.verifier import head_of

    erased: list[UUID] = []
    for number, line in enumerate(held.heads, start=1):
        head = head_of(line, keys)
        if head is None:
            raise OperationFailed(f"Number {number} of the heads is signed by none of the keys that are trusted.")
        erased += map(UUID, head.erased)
    return erased


def _held_in(heads: Path) -> "HeldHeads":
    from infrastructure.audit.verifier import Unreadable, held_heads_in

    try:
        return held_heads_in(str(heads))
    except Unreadable as reason:
        raise OperationFailed(str(reason)) from None


def _public_keys_in(files: Sequence[Path]) -> list[bytes]:
    from infrastructure.audit.verifier import Unreadable, public_keys_of

    try:
        return [key for file in files for key in public_keys_of(file.read_text(encoding="utf-8"))]
    except (Unreadable, OSError, UnicodeDecodeError) as reason:
        raise OperationFailed(f"The public keys cannot be read: {reason}") from None


def _verified(report: "Report") -> Verified:
    from infrastructure.audit.verifier import told

    document = {"intact": report.is_intact, **asdict(report)}
    return Verified(is_intact=report.is_intact, lines=list(told(report)), document=document)


def _refuse(why: str) -> str:
    raise OperationFailed(why)
