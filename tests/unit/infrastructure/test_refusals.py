"""What was refused a moment ago is refused again without the database, and not for longer than was said."""

from infrastructure.refusals import AT_MOST, Refusals


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_d06_a_refusal_is_repeated_until_its_wait_is_over() -> None:
    clock = Clock()
    refusals = Refusals(clock=clock)
    refusals.note(("rule", b"ada"), 3.5)

    assert refusals.wait([("rule", b"bob"), ("rule", b"ada")]) == 4
    clock.now += 1.5
    assert refusals.wait([("rule", b"ada")]) == 2
    clock.now += 2.0
    assert refusals.wait([("rule", b"ada")]) is None
    assert len(refusals) == 0


def test_a_long_one_is_repeated_with_its_whole_wait_but_asked_again_soon() -> None:
    """A password that was reset meanwhile is not refused for an hour."""
    clock = Clock()
    refusals = Refusals(clock=clock)
    refusals.note("ada", 3600.0)

    assert refusals.wait(["ada"]) == 3600
    clock.now += AT_MOST - 1
    assert refusals.wait(["ada"]) == 3600 - AT_MOST + 1
    clock.now += 1
    assert refusals.wait(["ada"]) is None


def test_never_less_than_a_second_is_said() -> None:
    refusals = Refusals(clock=Clock())
    refusals.note("ada", 0.01)

    assert refusals.wait(["ada"]) == 1


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    refusals = Refusals(capacity=3, clock=Clock())
    for number in range(5):
        refusals.note(number, 5)
        refusals.note(2, 5)

    assert len(refusals) == 3
    assert [refusals.wait([number]) for number in range(5)] == [None, None, 5, 5, 5]


def test_with_no_capacity_nothing_is_kept() -> None:
    refusals = Refusals(capacity=0)
    refusals.note("ada", 60)

    assert refusals.wait(["ada"]) is None
