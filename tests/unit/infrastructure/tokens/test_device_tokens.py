"""Device tokens say what was put into them, and nothing that anybody else made is one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.sessions.known_device import KnownDevice
from infrastructure.tokens import base64url
from infrastructure.tokens.device_tokens import LENGTH, PREFIX, DeviceTokenCodec
from infrastructure.tokens.refresh_tokens import RefreshTokenCodec
from infrastructure.tokens.secret_keys import SecretKeys

SECRET, OTHER = "9sQm2Xv7Lr0TgWc5Yb8KzNf1HdJp4UeRa6oViSxE3Dt", "Jp4UeRa6oViSxE3Dt9sQm2Xv7Lr0TgWc5Yb8KzNf1Hd"
DEVICE = KnownDevice(
    id=UUID(int=1 << 100), user_id=UUID(int=5), credential_version=3, made_at=datetime(2026, 5, 1, tzinfo=UTC)
)


def codec_of(*secrets: str) -> DeviceTokenCodec:
    return DeviceTokenCodec(SecretKeys(secrets or [SECRET]), timedelta(days=180))


def text_of(device: KnownDevice = DEVICE) -> str:
    return codec_of().issue(device).text


@given(
    st.builds(
        KnownDevice,
        id=st.uuids(),
        user_id=st.uuids(),
        credential_version=st.integers(0, 2**31 - 1),
        made_at=st.datetimes(datetime(2020, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
            lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000)
        ),
    )
)
def test_a_token_says_what_was_put_into_it(device: KnownDevice) -> None:
    issued = codec_of().issue(device)

    assert codec_of().read(issued.text) == device
    assert len(issued.text) == LENGTH
    assert issued.expires_in == 180 * 24 * 3600


def test_l06_no_character_can_be_changed() -> None:
    text = text_of()
    for place in range(len(text)):
        for other in "Az-9":
            changed = text[:place] + other + text[place + 1 :]
            assert codec_of().read(changed) is None or changed == text


@pytest.mark.parametrize(
    "text",
    ["", "\0", PREFIX, text_of()[:-1], text_of() + "A", " " + text_of(), text_of().upper(), "crm_rt_" + text_of()[7:]],
)
def test_l06_what_is_cut_or_put_together_is_none(text: str) -> None:
    assert codec_of().read(text) is None


def test_l06_a_token_of_another_deployment_is_none() -> None:
    assert codec_of(OTHER).read(text_of()) is None


def test_c07_an_old_key_still_reads_and_the_newest_makes() -> None:
    both = codec_of(OTHER, SECRET)

    assert both.read(text_of()) == DEVICE
    assert codec_of(OTHER).read(both.issue(DEVICE).text) == DEVICE


def test_a_checksum_alone_makes_no_token() -> None:
    """Whoever knows the format can make one; the key they do not have."""
    data = base64url.decode(text_of()[len(PREFIX) :])
    forged = DeviceTokenCodec(SecretKeys([OTHER]), timedelta(days=1)).issue(DEVICE).text

    assert base64url.decode(forged[len(PREFIX) :])[:43] == data[:43]
    assert codec_of().read(forged) is None


def test_neither_token_is_taken_for_the_other() -> None:
    refresh = RefreshTokenCodec(SecretKeys([SECRET])).first(UUID(int=7)).text

    assert codec_of().read(refresh) is None


def test_what_is_issued_does_not_show_itself() -> None:
    assert text_of() not in repr(codec_of().issue(DEVICE))
