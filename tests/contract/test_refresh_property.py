"""Whatever is presented, and whenever: every implementation of refresh does what the pure rule of the domain does.

All waits are multiples of six seconds, and no boundary is one (grace 10 s, idle end 303 s, absolute end 903 s), so that
the real time that a database takes decides nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import event as noted
from hypothesis import strategies as st

from domain.sessions.refresh_chain import RefreshChain, RefreshOutcome
from domain.sessions.session import Session, SessionLifetime
from tests.support.builders import ADA, Device, registered, signed_in
from tests.support.fakes import token_text
from tests.support.world import World

LIFETIME = SessionLifetime(idle=timedelta(seconds=303), absolute=timedelta(seconds=903))
FORGED = b"?" * 32


@dataclass(frozen=True)
class Step:
    """Wait, then present a token so many generations old; not the one that was given out, if it is ``forged``."""

    wait: timedelta
    age: int
    forged: bool


@dataclass
class Rule:
    """The pure rule, with the secrets that it rotates."""

    session: Session
    now: timedelta
    secrets: list[bytes] = field(default_factory=list)
    """Of each generation."""

    def present(self, generation: int, secret: bytes) -> RefreshOutcome:
        is_current = secret == self.secrets[-1]
        self.session, outcome = self.session.refresh(
            generation, is_current_secret=is_current, now=self.session.created_at + self.now
        )
        return outcome


STEPS = st.lists(
    st.builds(
        Step,
        wait=st.sampled_from([0, 0, 0, 6, 6, 12, 12, 30, 102, 306]).map(lambda seconds: timedelta(seconds=seconds)),
        age=st.sampled_from([0, 0, 0, 0, 0, 1, 1, 1, 2, 3, -1]),
        forged=st.sampled_from([False] * 9 + [True]),
    ),
    min_size=4,
    max_size=16,
)


@given(steps=STEPS)
@settings(
    max_examples=60,
    deadline=None,
    # The world is shared by all examples, and emptied for each.
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_r01_r03_r04_refresh_follows_the_rule(world: World, steps: Sequence[Step]) -> None:
    await world.empty()
    device = await signed_in(world, await registered(world), lifetime=LIFETIME)
    rule = Rule(device.session, timedelta(0), [device.tokens.parse(device.first_token).secret])
    for step in steps:
        if step.wait:
            await world.advance(step.wait)
            rule.now += step.wait
        await present_to_both(world, device, rule, step)
    await assert_same_state(device, rule)
    ends = [event for event in await world.events() if event.type == "session.ended"]
    assert len(ends) == (rule.session.end_reason is not None)


async def present_to_both(world: World, device: Device, rule: Rule, step: Step) -> None:
    generation = max(rule.session.chain.generation - step.age, 0)
    is_known = generation < len(rule.secrets) and not step.forged
    secret = rule.secrets[generation] if is_known else FORGED
    presented = device.tokens.parse(token_text(device.session.id, generation, secret))
    successor = device.tokens.successor(presented)

    refreshed = await world.sessions.refresh(presented, device.tokens.digest(presented), successor, ADA)
    outcome = rule.present(generation, secret)

    noted(outcome.value)
    if outcome is RefreshOutcome.ROTATED:
        rule.secrets.append(device.tokens.parse(successor.text).secret)
    if outcome in {RefreshOutcome.ROTATED, RefreshOutcome.REPEATED}:
        assert refreshed is not None
        # Sealed for the token that was given out, whoever presents one of its generation.
        assert refreshed.sealed == rule.secrets[generation] + rule.secrets[generation + 1]
    else:
        assert refreshed is None


def timeless(chain: RefreshChain) -> RefreshChain:
    return replace(chain, rotated_at=None, previous_rotated_at=None)


async def assert_same_state(device: Device, rule: Rule) -> None:
    """But for the times, which are those of two clocks."""
    row = await device.row()
    kept, ruled = row.session, rule.session
    assert row.digest == device.tokens.digest(
        device.tokens.parse(token_text(kept.id, ruled.chain.generation, rule.secrets[-1]))
    )
    assert timeless(kept.chain) == timeless(ruled.chain)
    assert kept.end_reason == ruled.end_reason
    assert (kept.ended_at is None) == (ruled.ended_at is None)
    for kept_at, ruled_at in (
        (kept.idle_expires_at - kept.created_at, ruled.idle_expires_at - ruled.created_at),
        (kept.expires_at - kept.created_at, ruled.expires_at - ruled.created_at),
        (kept.last_used_at - kept.created_at, ruled.last_used_at - ruled.created_at),
    ):
        assert abs(kept_at - ruled_at) < timedelta(seconds=6)
