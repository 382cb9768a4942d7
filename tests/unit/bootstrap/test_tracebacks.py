"""What the log tells of an exception: its way and kind, and the words of nobody but ourselves."""

import pytest

from bootstrap.tracebacks import trace_of
from domain.errors import ServiceUnavailable

CANARY = "canary"


def trace(error: BaseException) -> str:
    try:
        raise error  # noqa: TRY301 - it is what is looked at
    except BaseException as raised:  # noqa: BLE001 - groups are to be shown as well
        return trace_of((type(raised), raised, raised.__traceback__))


@pytest.mark.parametrize(
    "error",
    [KeyError(CANARY), ValueError(f"invalid literal for int(): {CANARY!r}"), OSError(CANARY), RuntimeError()],
    ids=repr,
)
def test_g02_what_a_library_says_is_not_told(error: Exception) -> None:
    text = trace(error)
    assert text.splitlines()[-1] == type(error).__name__
    assert "test_tracebacks.py" in text
    assert "raise error" in text, "the line of source"
    assert CANARY not in text


def test_what_we_say_is_told() -> None:
    assert trace(ServiceUnavailable("Later.")).endswith("domain.errors.ServiceUnavailable: Later.")


def test_the_reason_of_the_system_is_told_without_the_file() -> None:
    assert trace(OSError(28, "No space left on device", CANARY)).endswith("OSError: No space left on device")


def test_g02_nor_what_it_came_of_or_what_is_in_a_group() -> None:
    def chained() -> None:
        try:
            int(CANARY)
        except ValueError as error:
            raise ExceptionGroup(CANARY, [KeyError(CANARY), LookupError(CANARY)]) from error

    with pytest.raises(ExceptionGroup) as group:
        chained()
    text = trace_of((group.type, group.value, group.tb))
    assert [kind in text for kind in ("ValueError", "ExceptionGroup", "  | KeyError", "  | LookupError")] == [True] * 4
    assert CANARY not in text.replace("int(CANARY)", "")


def test_what_was_left_behind_on_purpose_is_not_told() -> None:
    error = ServiceUnavailable("Later.")
    error.__context__, error.__suppress_context__ = ValueError(), True
    assert "ValueError" not in trace(error)


def test_two_that_led_to_each_other_end() -> None:
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert trace(one).count("KeyError") == 1
