import base64
import hmac
import zlib
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.sessions.ports import PresentedRefreshToken
from domain.sessions.errors import InvalidRefreshToken
from infrastructure.tokens import refresh_tokens
from infrastructure.tokens.refresh_tokens import LENGTH, PREFIX, RefreshTokenCodec
from infrastructure.tokens.secret_keys import SecretKeys
from tests.support.builders import new_id
from tests.support.tokens import OTHER_SECRET, SECRET, b64, derived

CODEC = RefreshTokenCodec(SecretKeys([SECRET]))
TEXT = CODEC.first(UUID("01890000-0000-7000-8000-000000000001")).text


def data_of(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.removeprefix(PREFIX))


def with_checksum(data: bytes) -> str:
    return PREFIX + b64(data + zlib.crc32(PREFIX.encode() + data).to_bytes(4))


def test_the_documented_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change here would sign everybody out."""
    monkeypatch.setattr(refresh_tokens, "token_bytes", lambda size: bytes(range(size)))
    session_id = UUID("01890000-0000-7000-8000-00000000beef")
    body = session_id.bytes + bytes(4) + bytes(range(32))
    key = derived(SECRET, "crm-auth/v1/mac/refresh-token/v1")
    mac = hmac.digest(key, b"crm_rt_\x01" + body, "sha256")[:16]
    text = CODEC.first(session_id).text
    assert text == with_checksum(body + mac)
    assert len(text) == LENGTH == 103
    assert text == (
        "crm_rt_AYkAAAAAcACAAAAAAAC-7wAAAAAAAQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eH4XVrfFk-7A8xZTLJFiCMyiTtK-Q"
    )


def test_the_successor_carries_the_next_generation() -> None:
    presented = CODEC.parse(TEXT)
    text = CODEC.successor(presented).text
    assert data_of(text)[:20] == presented.session_id.bytes + (1).to_bytes(4)
    assert data_of(text)[20:52] != presented.secret


def test_r08_the_sealed_secret_opens_with_the_replaced_one_alone() -> None:
    """R08: the row holds the seal, and digests only of what would open it. The service's key is no help."""
    presented = CODEC.parse(TEXT)
    successor = CODEC.successor(presented)
    assert successor.sealed is not None
    assert len(successor.sealed) == 60
    assert data_of(successor.text)[20:52] not in successor.sealed
    elsewhere = RefreshTokenCodec(SecretKeys([OTHER_SECRET]))
    assert data_of(elsewhere.unseal(presented, successor.sealed))[:52] == data_of(successor.text)[:52]
    wrong = PresentedRefreshToken(session_id=presented.session_id, generation=0, secret=bytes(32))
    with pytest.raises(InvalidRefreshToken):
        CODEC.unseal(wrong, successor.sealed)


def test_a_seal_holds_for_its_session_and_generation() -> None:
    presented = CODEC.parse(TEXT)
    sealed = CODEC.successor(presented).sealed
    assert sealed is not None
    moved = [(new_id(), presented.generation), (presented.session_id, presented.generation + 1)]
    for session_id, generation in moved:
        with pytest.raises(InvalidRefreshToken):
            CODEC.unseal(
                PresentedRefreshToken(session_id=session_id, generation=generation, secret=presented.secret), sealed
            )


def test_a_spoilt_seal_is_refused() -> None:
    presented = CODEC.parse(TEXT)
    sealed = CODEC.successor(presented).sealed
    assert sealed is not None
    flipped = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    for spoilt in [*flipped, *(sealed[:length] for length in range(len(sealed))), sealed + b"\0"]:
        with pytest.raises(InvalidRefreshToken):
            CODEC.unseal(presented, spoilt)


def test_c07_tokens_outlive_a_change_of_the_service_key() -> None:
    """C07: with the old key behind the new one; the same token then has another MAC."""
    both = RefreshTokenCodec(SecretKeys([OTHER_SECRET, SECRET]))
    presented = both.parse(TEXT)
    assert presented == CODEC.parse(TEXT)
    sealed = CODEC.successor(presented).sealed
    assert sealed is not None
    before, after = CODEC.unseal(presented, sealed), both.unseal(presented, sealed)
    assert before != after
    assert both.parse(before) == both.parse(after)
    with pytest.raises(InvalidRefreshToken):
        RefreshTokenCodec(SecretKeys([OTHER_SECRET])).parse(TEXT)


def test_r09_no_bit_can_be_changed() -> None:
    data = data_of(TEXT)
    for position in range(len(data) * 8):
        altered = bytearray(data)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(InvalidRefreshToken):
            CODEC.parse(PREFIX + b64(bytes(altered)))


def test_not_even_with_the_checksum_put_right() -> None:
    data = data_of(TEXT)[:-4]
    assert CODEC.parse(with_checksum(data))
    for position in range(len(data) * 8):
        altered = bytearray(data)
        altered[position // 8] ^= 1 << position % 8
        with pytest.raises(InvalidRefreshToken):
            CODEC.parse(with_checksum(bytes(altered)))


def test_the_checksum_is_looked_at() -> None:
    data = data_of(TEXT)[:-4]
    with pytest.raises(InvalidRefreshToken):
        CODEC.parse(PREFIX + b64(data + bytes(4)))


@pytest.mark.parametrize(
    "text",
    [
        TEXT.upper(),
        TEXT.lower(),
        "CRM_RT_" + TEXT[7:],
        "crm_at_" + TEXT[7:],
        TEXT[7:],
        TEXT[:-4] + "AAA=",
        TEXT[:-4] + "AA==",
        TEXT[:-1] + "\n",
        TEXT[:-1] + " ",
        TEXT[:-1] + ".",
        TEXT[:-1] + "\uff21",
        PREFIX + "+" * 96,
        PREFIX + "A" * 96,
        PREFIX + "=" * 96,
        "A" * LENGTH,
    ],
    ids=range(15),
)
def test_r09_other_spellings_are_refused(text: str) -> None:
    """R09."""
    with pytest.raises(InvalidRefreshToken):
        CODEC.parse(text)


def test_the_alphabet_of_plain_base64_is_refused() -> None:
    text = next(text for _ in range(1000) if "-" in (text := CODEC.first(new_id()).text[7:]) and "_" in text)
    assert CODEC.parse(PREFIX + text)
    for spelling in (text.replace("-", "+"), text.replace("_", "/")):
        with pytest.raises(InvalidRefreshToken):
            CODEC.parse(PREFIX + spelling)


def test_the_last_generation_has_no_successor() -> None:
    def at(generation: int) -> PresentedRefreshToken:
        return PresentedRefreshToken(session_id=new_id(), generation=generation, secret=bytes(32))

    assert CODEC.parse(CODEC.successor(at(2**32 - 2)).text).generation == 2**32 - 1
    with pytest.raises(InvalidRefreshToken):
        CODEC.successor(at(2**32 - 1))
    with pytest.raises(InvalidRefreshToken):
        CODEC.unseal(at(2**32 - 1), bytes(60))


@given(st.text(max_size=120) | st.text(alphabet=TEXT, min_size=96, max_size=96).map(PREFIX.__add__))
def test_no_text_we_did_not_make_is_a_token(text: str) -> None:
    with pytest.raises(InvalidRefreshToken):
        CODEC.parse(text)


@given(st.integers(0, LENGTH - 1), st.integers(0, 3), st.text(max_size=3))
def test_nor_one_with_a_part_replaced(position: int, removed: int, inserted: str) -> None:
    text = TEXT[:position] + inserted + TEXT[position + removed :]
    if text != TEXT:
        with pytest.raises(InvalidRefreshToken):
            CODEC.parse(text)
