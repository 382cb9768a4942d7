"""What the machine drives: the domain alone, the use cases on the fakes, or a real server."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Protocol

from tests.machines.operations import Answer, Operation


class Target(Protocol):
    """Something that keeps the sessions of one account."""

    async def begin(self) -> None:
        """Somebody new has signed up."""
        ...

    async def wait(self, by: timedelta) -> None:
        """Let time pass, and none but that."""
        ...

    async def ask(self, operation: Operation) -> Answer:
        """Ask for it; what is refused is ``None`` or ``False``."""
        ...

    async def ask_at_once(self, operations: Sequence[Operation]) -> Sequence[Answer]:
        """Ask for all of them before any is answered."""
        ...

    def forged(self, token: str, place: int) -> str:
        """A refresh token not of our making that looks like that one: it differs at about that place."""
        ...
