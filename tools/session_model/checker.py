"""Breadth first through every state that a model can reach, so that what is found is found by a shortest way."""

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

State = TypeVar("State", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """What may happen next, the state it leads to, and the sentences of the contract that it breaks."""

    action: str
    after: State
    broken: tuple[str, ...] = ()


class Model(Protocol[State]):
    """States that are the same have to be equal, or the search never ends."""

    def initial(self) -> State:
        """Where everything begins."""
        ...

    def steps(self, state: State) -> Iterable[Step[State]]:
        """All that may happen in a state."""
        ...


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A shortest way to a step that breaks a sentence."""

    sentence: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Exploration:
    """How much was seen. ``depth`` is the number of actions to the state that is farthest away."""

    states: int
    steps: int
    depth: int
    counterexample: Counterexample | None


def explore(model: Model[State], *, most_states: int = 50_000_000) -> Exploration:
    """Every state there is, or up to the first step that breaks a sentence.

    Raises MemoryError for a model of more than ``most_states``, as a search that stops early proves nothing.
    """
    start = model.initial()
    came_by: dict[State, tuple[State, str] | None] = {start: None}
    depth_of_layer, layer_ends, taken = 0, start, 0
    queue = deque([start])
    while queue:
        state = queue.popleft()
        for step in model.steps(state):
            taken += 1
            if step.broken:
                way = (*_way_to(state, came_by), step.action)
                return Exploration(len(came_by), taken, len(way), Counterexample(step.broken[0], way))
            if step.after not in came_by:
                if len(came_by) >= most_states:
                    raise MemoryError(f"more than {most_states} states")
                came_by[step.after] = (state, step.action)
                queue.append(step.after)
        if state == layer_ends and queue:
            depth_of_layer, layer_ends = depth_of_layer + 1, queue[-1]
    return Exploration(len(came_by), taken, depth_of_layer, None)


def _way_to(state: State, came_by: dict[State, tuple[State, str] | None]) -> tuple[str, ...]:
    actions = []
    while (by := came_by[state]) is not None:
        state, action = by
        actions.append(action)
    return tuple(reversed(actions))
