"""Which connection has to go, and how many files the system allows."""

import resource

import pytest

from bootstrap.connections import Connections, allow_files_for


class Line:
    def __init__(self) -> None:
        self.is_hung_up = False

    def hang_up(self) -> None:
        self.is_hung_up = True


def test_d04_the_one_goes_that_was_waited_for_longest() -> None:
    connections, lines = Connections(most=3), [Line(), Line(), Line()]
    for line in lines:
        assert connections.admit(lines[: lines.index(line)])
        connections.wait_for(line)
    connections.forget(lines[0])
    connections.wait_for(lines[0])
    assert connections.admit(lines)
    assert [line.is_hung_up for line in lines] == [False, True, False]
    connections.forget(lines[0])
    assert connections.admit(lines)
    assert [line.is_hung_up for line in lines] == [False, True, True]
    assert not connections.admit(lines), "the first is at work, and nobody else is left to go"
    assert not lines[0].is_hung_up


def test_d04_so_many_linger_and_for_one_more_the_first_goes() -> None:
    connections, lines = Connections(), [Line() for _ in range(102)]
    for line in lines[:100]:
        connections.let_linger(line)
    connections.has_gone(lines[1])
    connections.let_linger(lines[100])
    assert not any(line.is_hung_up for line in lines)
    connections.let_linger(lines[101])
    assert [number for number, line in enumerate(lines) if line.is_hung_up] == [0]


@pytest.mark.parametrize(
    ("soft", "hard", "most", "left", "enough"),
    [
        (1024, 524288, 1000, 1256, True),
        (1024, resource.RLIM_INFINITY, 1000, 1256, True),
        (4096, 4096, 1000, 4096, True),
        (resource.RLIM_INFINITY, resource.RLIM_INFINITY, 1000, resource.RLIM_INFINITY, True),
        (1024, 2000, 5000, 2000, False),
        (1024, 1024, 1000, 1024, False),
    ],
)
def test_d04_the_system_is_asked_for_the_files_that_connections_need(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, most: int, left: int, enough: bool
) -> None:
    limits = [(soft, hard)]
    monkeypatch.setattr(resource, "getrlimit", lambda _: limits[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, given: limits.append(given))
    assert allow_files_for(most) is enough
    assert limits[-1] == (left, hard)
