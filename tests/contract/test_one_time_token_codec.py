"""One-time tokens as text: one spelling each, and no kind passes for another (P14)."""

import pytest

from application.recovery.ports import OneTimeTokenCodec
from domain.errors import InvalidValue
from domain.recovery.one_time_token import TokenPurpose
from infrastructure.tokens.one_time_tokens import OpaqueOneTimeTokenCodec
from tests.support.fakes import FakeOneTimeTokenCodec


@pytest.fixture(params=[FakeOneTimeTokenCodec, OpaqueOneTimeTokenCodec])
def codec(request: pytest.FixtureRequest) -> OneTimeTokenCodec:
    made: OneTimeTokenCodec = request.param()
    return made


@pytest.mark.parametrize("purpose", TokenPurpose)
def test_what_is_made_is_read(codec: OneTimeTokenCodec, purpose: TokenPurpose) -> None:
    new = codec.new(purpose)

    assert codec.parse(new.text) == new.token
    assert new.token.purpose is purpose
    assert len(new.token.digest) == 32
    assert new.text not in repr(new)


def test_each_is_another(codec: OneTimeTokenCodec) -> None:
    made = [codec.new(purpose) for purpose in TokenPurpose for _ in range(50)]

    assert len({new.text for new in made}) == len({new.token.digest for new in made}) == len(made)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-1],
        lambda text: text + "A",
        lambda text: " " + text,
        lambda text: text + "\n",
        lambda text: "x" + text[1:],
        lambda text: text.upper(),
        lambda text: text[:-1] + "=",
        lambda text: text[:-1] + "\u00e9",
        lambda text: text[:-1] + "\ud800",
        lambda text: "crm_rt_" + text[7:],
        lambda text: text * 1000,
    ],
)
def test_p14_what_is_not_ours_is_refused(codec: OneTimeTokenCodec, spoil: object) -> None:
    for purpose in TokenPurpose:
        spoilt = spoil(codec.new(purpose).text)  # type: ignore[operator]
        with pytest.raises(InvalidValue) as refused:
            codec.parse(spoilt)
        assert refused.value.reason == "invalid_token"


def test_p14_unused_bits_make_no_second_spelling() -> None:
    """32 bytes leave two bits of the last character over."""
    codec = OpaqueOneTimeTokenCodec()
    text = codec.new(TokenPurpose.OPERATOR_PASSWORD_RESET).text
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    read = []
    for last in alphabet:
        try:
            read.append(codec.parse(text[:-1] + last))
        except InvalidValue:
            continue
    assert len(read) == 16
    assert len({token.digest for token in read}) == 16
