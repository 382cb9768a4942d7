"""What every implementation of ``RefreshTokens`` promises."""

from collections.abc import Callable

import pytest

from application.sessions.ports import RefreshTokens
from domain.sessions.errors import InvalidRefreshToken
from infrastructure.tokens.refresh_tokens import RefreshTokenCodec
from infrastructure.tokens.secret_keys import SecretKeys
from tests.support.builders import new_id
from tests.support.fakes import FakeRefreshTokens
from tests.support.tokens import OTHER_SECRET, SECRET, RememberingRefreshTokens

STRICT = {
    "codec": lambda secret: RefreshTokenCodec(SecretKeys([secret])),
    "remembering fake": lambda _: RememberingRefreshTokens(),
}
ALL = {**STRICT, "fake": lambda _: FakeRefreshTokens()}
Make = Callable[[str], RefreshTokens]


@pytest.fixture(params=ALL.values(), ids=ALL)
def tokens(request: pytest.FixtureRequest) -> RefreshTokens:
    return request.param(SECRET)


@pytest.fixture(params=STRICT.values(), ids=STRICT)
def make_strict(request: pytest.FixtureRequest) -> Make:
    return request.param


def test_a_session_starts_with_generation_zero(tokens: RefreshTokens) -> None:
    session_id = new_id()
    first = tokens.first(session_id)
    presented = tokens.parse(first.text)
    assert (presented.session_id, presented.generation) == (session_id, 0)
    assert first.sealed is None
    assert tokens.digest(presented) == first.digest


def test_no_two_tokens_are_alike(tokens: RefreshTokens) -> None:
    session_id = new_id()
    made = [tokens.first(session_id) for _ in range(20)]
    made += [tokens.successor(tokens.parse(made[0].text)) for _ in range(20)]
    assert len({token.text for token in made}) == len({token.digest for token in made}) == 40


def test_a_successor_is_the_next_of_its_session(tokens: RefreshTokens) -> None:
    presented = tokens.parse(tokens.first(new_id()).text)
    for generation in range(1, 5):
        successor = tokens.successor(presented)
        presented = tokens.parse(successor.text)
        assert presented.generation == generation
        assert tokens.digest(presented) == successor.digest
    assert presented.session_id


def test_r03_whoever_holds_the_replaced_token_is_given_the_same_successor(tokens: RefreshTokens) -> None:
    """R03: to the byte."""
    replaced = tokens.parse(tokens.first(new_id()).text)
    winner, loser = tokens.successor(replaced), tokens.successor(replaced)
    assert winner.sealed is not None
    assert tokens.unseal(replaced, winner.sealed) == winner.text != loser.text


def test_nobody_else_is(tokens: RefreshTokens) -> None:
    first = tokens.parse(tokens.first(new_id()).text)
    successor = tokens.successor(first)
    strangers = [tokens.first(first.session_id), tokens.first(new_id()), successor, tokens.successor(first)]
    assert successor.sealed is not None
    for stranger in strangers:
        with pytest.raises(InvalidRefreshToken):
            tokens.unseal(tokens.parse(stranger.text), successor.sealed)


def test_the_seal_of_each_step_is_for_that_step(tokens: RefreshTokens) -> None:
    first = tokens.parse(tokens.first(new_id()).text)
    second = tokens.parse(tokens.successor(first).text)
    third = tokens.successor(second)
    assert third.sealed is not None
    assert tokens.unseal(second, third.sealed) == third.text
    with pytest.raises(InvalidRefreshToken):
        tokens.unseal(first, third.sealed)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text[1:],
        lambda text: text + text[-1],
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text + "\0",
        lambda text: text[:40] + "\0" + text[41:],
        lambda text: text.swapcase(),
        lambda text: text + "=",
        lambda text: text + text,
        lambda text: text[:-1] + "\u00e9",
        lambda text: text[:-1] + "\ud800",
        lambda text: text[:-8] + "AAAAAAAA",
    ],
)
def test_r09_only_the_exact_text_is_a_token(make_strict: Make, spoil: Callable[[str], str]) -> None:
    """R09."""
    tokens = make_strict(SECRET)
    text = tokens.first(new_id()).text
    assert tokens.parse(text)
    with pytest.raises(InvalidRefreshToken):
        tokens.parse(spoil(text))


def test_a_token_of_another_service_is_refused(make_strict: Make) -> None:
    with pytest.raises(InvalidRefreshToken):
        make_strict(SECRET).parse(make_strict(OTHER_SECRET).first(new_id()).text)


def test_r12_what_is_printed_of_a_token_opens_nothing(tokens: RefreshTokens) -> None:
    """R12."""
    presented = tokens.parse(tokens.first(new_id()).text)
    successor = tokens.successor(presented)
    printed = f"{presented!r} {presented} {successor!r} {successor} {tokens!r}"
    for secret in (presented.secret, successor.sealed, tokens.parse(successor.text).secret):
        assert secret is not None
        assert secret.hex() not in printed
        assert repr(secret)[2:-1] not in printed
    assert successor.text not in printed
