"""How refusals are told and collected."""

import pytest

from domain.errors import (
    FieldCheck,
    InvalidInput,
    InvalidValue,
    Overloaded,
    ServiceUnavailable,
    TooManyAttempts,
    Violation,
)


def parse_number(text: str) -> int:
    if not text.isdigit():
        raise InvalidValue("no_number", f"{text} is no number.")
    return int(text)


def test_a_refusal_tells_its_title_when_there_is_no_more_to_say() -> None:
    refusal = TooManyAttempts(retry_after=7)

    assert refusal.detail == str(refusal) == "Too many attempts."
    assert (refusal.retry_after, refusal.violations) == (7, ())


def test_a_refusal_may_tell_more() -> None:
    refusal = ServiceUnavailable("The database is away.")

    assert refusal.detail == str(refusal) == "The database is away."
    assert refusal.retry_after is None


def test_overload_is_a_kind_of_unavailability() -> None:
    assert issubclass(Overloaded, ServiceUnavailable)
    assert Overloaded.kind is ServiceUnavailable.kind
    assert Overloaded.code != ServiceUnavailable.code


def test_all_fields_of_a_request_are_judged_and_named_at_once() -> None:
    check = FieldCheck()
    check.required("a", parse_number, "x")
    assert check.required("b", parse_number, "2") == 2
    check.optional("c", parse_number, "y")
    assert check.optional("d", parse_number, None) is None
    assert check.optional("e", parse_number, "5") == 5

    with pytest.raises(InvalidInput) as refusal:
        check.raise_if_any()

    assert refusal.value.violations == (
        Violation("a", "no_number", "x is no number."),
        Violation("c", "no_number", "y is no number."),
    )


def test_a_request_without_fault_is_not_refused() -> None:
    check = FieldCheck()
    check.required("a", parse_number, "1")

    check.raise_if_any()


def test_a_fault_of_the_code_is_not_taken_for_a_refusal() -> None:
    check = FieldCheck()

    with pytest.raises(ZeroDivisionError):
        check.required("a", lambda number: 1 // number, 0)
