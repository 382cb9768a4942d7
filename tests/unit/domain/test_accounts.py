"""Registering, who may, and what is told of it."""

import pytest

from domain.accounts.errors import EmailTaken, IdentifierTaken, SignupClosed, UsernameTaken
from domain.accounts.events import user_registered
from domain.accounts.identifiers import EmailAddress
from domain.accounts.signup_policy import CLOSED, OPEN, SignupPolicy
from domain.accounts.user import UserStatus
from domain.errors import ErrorKind
from tests.support.builders import NOON, user_named


def at_domain(domain: str) -> EmailAddress:
    return EmailAddress.from_parts(f"ada@{domain}", "ada", domain)


def test_a_new_account_is_active_and_its_address_unproven() -> None:
    user = user_named("Ada")

    assert user.status is UserStatus.ACTIVE
    assert user.email_verified is False
    assert (user.created_at, user.updated_at) == (NOON, NOON)


def test_registering_is_told_without_personal_data() -> None:
    user = user_named("Ada")

    event = user_registered(user)

    assert (event.type, event.user_id, event.session_id, dict(event.data)) == ("user.registered", user.id, None, {})


def test_sign_up_is_open_to_all() -> None:
    OPEN.admit(at_domain("anything.test"))


def test_sign_up_is_closed_to_all() -> None:
    with pytest.raises(SignupClosed):
        CLOSED.admit(at_domain("example.com"))


def test_sign_up_is_open_to_some_domains() -> None:
    policy = SignupPolicy(frozenset({"example.com", "xn--bcher-kva.example"}))

    policy.admit(at_domain("example.com"))
    policy.admit(at_domain("EXAMPLE.com"))
    policy.admit(at_domain("xn--bcher-kva.example"))
    for stranger in ("sub.example.com", "notexample.com", "example.com.evil.test", "example.co"):
        with pytest.raises(SignupClosed):
            policy.admit(at_domain(stranger))


@pytest.mark.parametrize(
    ("email", "username", "refusal", "named"),
    [
        (True, False, EmailTaken, [("email", "email_taken")]),
        (False, True, UsernameTaken, [("username", "username_taken")]),
        (True, True, EmailTaken, [("email", "email_taken"), ("username", "username_taken")]),
    ],
)
def test_what_is_taken_is_named(
    *, email: bool, username: bool, refusal: type[IdentifierTaken], named: list[tuple[str, str]]
) -> None:
    taken = IdentifierTaken.of(email=email, username=username)

    assert type(taken) is refusal
    assert taken.kind is ErrorKind.CONFLICT
    assert [(violation.field, violation.code) for violation in taken.violations] == named
    assert all(violation.detail for violation in taken.violations)
