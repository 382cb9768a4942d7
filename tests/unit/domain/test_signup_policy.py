from collections.abc import Collection

import pytest

from domain.accounts.errors import SignupClosed
from domain.accounts.signup_policy import CLOSED, OPEN, SignupPolicy
from tests.support.fakes import parse_email

TEAM = SignupPolicy(frozenset({"example.org", "example.com"}))


@pytest.mark.parametrize(
    ("policy", "text"), [(OPEN, "open"), (CLOSED, "closed"), (TEAM, "domains:example.com,example.org")], ids=str
)
def test_it_is_written_as_its_setting(policy: SignupPolicy, text: str) -> None:
    assert str(policy) == text


@pytest.mark.parametrize(
    ("policy", "admitted"),
    [(OPEN, ["example.com", "sub.example.com"]), (TEAM, ["example.com"]), (CLOSED, list[str]())],
    ids=str,
)
def test_it_admits_addresses_of_its_domains_and_no_others(policy: SignupPolicy, admitted: Collection[str]) -> None:
    for domain in ("example.com", "sub.example.com"):
        if domain in admitted:
            policy.admit(parse_email(f"ada@{domain}"))
        else:
            with pytest.raises(SignupClosed):
                policy.admit(parse_email(f"ada@{domain}"))


def test_only_what_admits_nobody_is_closed() -> None:
    OPEN.refuse_if_closed()
    TEAM.refuse_if_closed()
    with pytest.raises(SignupClosed):
        CLOSED.refuse_if_closed()
