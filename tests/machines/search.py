"""Runs of the machine on a target."""

import asyncio
import os
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test

from tests.machines.session_protocol import SessionProtocol, failures, figures, seen
from tests.machines.target import Target
from tests.support.figures import figure

ASKED = os.environ.get("TEST_MACHINE_EXAMPLES")
"""How many runs a target is given, by chance; without it they are few and the same each time."""
STEPS = 20


def search(
    target: Target,
    runner: asyncio.Runner,
    examples: int,
    *,
    asked: str | None = ASKED,
    phases: Sequence[Phase] = (Phase.generate, Phase.shrink),
) -> None:
    """Until one of the runs finds an answer that the contract does not allow, which fails as it is shrunk."""
    seen.clear()
    failures.clear()
    how = settings(
        max_examples=int(asked or examples),
        stateful_step_count=STEPS,
        derandomize=asked is None,
        database=None,
        deadline=None,
        print_blob=True,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    try:
        run_state_machine_as_test(lambda: SessionProtocol(target, runner), settings=how)
    except FlakyStrategyDefinition:
        # Hypothesis tries parts of a run again, and on a real server a race may end otherwise then. That is no failure,
        # and ends this search; what failed in it is one all the same.
        if failures:
            raise failures[0] from None
    finally:
        figure(f"{type(target).__name__}: {', '.join(figures())}")
