"""The session protocol, searched by a machine: the domain alone, and the use cases on the fakes.

On a real server it is in ``tests/e2e/test_session_protocol.py``.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase

from domain.sessions.refresh_chain import RefreshChain, RefreshOutcome
from tests.machines.domain_target import DomainTarget
from tests.machines.fake_target import FakeTarget
from tests.machines.search import search
from tests.machines.session_protocol import seen
from tests.machines.target import Target
from tests.support.figures import figure


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def test_r01_r03_r04_r05_r07_the_domain_keeps_the_session_protocol(runner: asyncio.Runner) -> None:
    search(DomainTarget(), runner, 50)


def test_r01_r03_r04_r05_r07_r10_r11_the_use_cases_on_the_fakes_keep_the_session_protocol(
    runner: asyncio.Runner,
) -> None:
    search(FakeTarget(), runner, 30)


def without_late_marks(chain: RefreshChain, generation: int, **how: Any) -> tuple[RefreshChain, RefreshOutcome]:
    then, outcome = PRESENT(chain, generation, **how)
    return replace(then, late=False), outcome


def one_generation_off(chain: RefreshChain, generation: int, **how: Any) -> tuple[RefreshChain, RefreshOutcome]:
    is_taken_for_the_one_before = chain.generation - generation == 2
    return PRESENT(chain, generation + is_taken_for_the_one_before, **how)


def without_an_end_at_reuse(chain: RefreshChain, generation: int, **how: Any) -> tuple[RefreshChain, RefreshOutcome]:
    then, outcome = PRESENT(chain, generation, **how)
    return then, RefreshOutcome.REFUSED if outcome is RefreshOutcome.REUSED else outcome


PRESENT = RefreshChain.present


@pytest.mark.parametrize("target", [DomainTarget, FakeTarget])
@pytest.mark.parametrize("broken", [without_late_marks, one_generation_off, without_an_end_at_reuse])
def test_a_rule_that_is_broken_is_found(
    runner: asyncio.Runner,
    monkeypatch: pytest.MonkeyPatch,
    target: Callable[[], Target],
    broken: Callable[..., tuple[RefreshChain, RefreshOutcome]],
) -> None:
    """Or the machine would show nothing. The server's rule is SQL, which a property test holds to the domain's."""
    monkeypatch.setattr(RefreshChain, "present", broken)

    with pytest.raises(AssertionError, match="cannot come"):
        search(target(), runner, 300, asked=None, phases=[Phase.generate])
    figure(f"{broken.__name__}: found by {target.__name__} in {seen['runs']} runs, {seen['steps']} steps")
