"""What a password must be (S01 to S05, L13)."""

import unicodedata
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credentials.password import (
    Password,
    PasswordCredential,
    PasswordPolicy,
    Weakness,
    refuse_weak,
)
from domain.errors import InvalidValue
from tests.support.builders import NOON

POLICY = PasswordPolicy()


def reason(text: str, policy: PasswordPolicy = POLICY) -> str | None:
    try:
        policy.parse(text)
    except InvalidValue as refusal:
        return refusal.reason
    return None


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (0, "password_too_short"),
        (7, "password_too_short"),
        (8, "password_too_short"),
        (14, "password_too_short"),
        (15, None),
        (64, None),
        (1024, None),
        (1025, "password_too_long"),
        (1_000_000, "password_too_long"),
    ],
)
def test_s01_lengths(length: int, expected: str | None) -> None:
    """S01."""
    assert reason("x" * length) == expected


@pytest.mark.parametrize(("length", "expected"), [(7, "password_too_short"), (8, None)])
def test_a_setting_may_lower_the_minimum(length: int, expected: str | None) -> None:
    assert reason("x" * length, PasswordPolicy(minimum_length=8)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("😀" * 14, "password_too_short"),
        ("😀" * 15, None),
        ("e\u0301" * 14, "password_too_short"),
        ("e\u0301" * 15, None),
        ("é" * 512, None),
        ("é" * 513, "password_too_long"),
        ("e\u0301" * 512, None),
        ("e\u0301" * 513, "password_too_long"),
    ],
)
def test_the_minimum_counts_code_points_and_the_maximum_bytes_both_after_nfc(text: str, expected: str | None) -> None:
    assert reason(text) == expected


@pytest.mark.parametrize(
    "text",
    ["lower case only", "123456789012345", "пароль из слов ", " " * 15, "密码密码密码密码密码密码密码密", "🔑 " * 8],
)
def test_s02_no_composition_is_asked_for(text: str) -> None:
    """S02."""
    assert POLICY.parse(text).text == text


@pytest.mark.parametrize(
    "text", ["  spaces at both ends  ", "MiXeD case is kept", "\ufb01ne ligatures stay", "\uff26ull width stays"]
)
def test_s04_a_password_is_kept_as_it_is(text: str) -> None:
    """S04: not trimmed, not folded; NFC and not NFKC."""
    assert POLICY.parse(text).text == text
    assert Password.given(text).text == text


def test_s04_passwords_that_differ_only_beyond_72_bytes_differ() -> None:
    assert Password.given("x" * 72 + "a") != Password.given("x" * 72 + "b")


@pytest.mark.parametrize("text", ["Übergrößenträger", "tiếng Việt có dấu", "각각의 비밀번호 문장이 여기 있습니다"])
def test_s04_the_spellings_of_two_keyboards_are_one_password(text: str) -> None:
    """S04: by whichever direction."""
    composed, decomposed = unicodedata.normalize("NFC", text), unicodedata.normalize("NFD", text)

    assert composed != decomposed
    assert POLICY.parse(composed) == Password.given(decomposed)
    assert POLICY.parse(decomposed) == Password.given(composed)


@pytest.mark.parametrize("control", ["\0", "\r", "\n", "\t", "\x1b", "\x7f", "\x85"], ids=ascii)
def test_s05_a_new_password_has_no_control_characters(control: str) -> None:
    """S05."""
    assert reason(f"a long password{control}and more") == "invalid_password"


def test_s05_a_given_password_is_never_cut_at_a_control_character() -> None:
    assert Password.given("a\0b") != Password.given("a\0c")
    assert Password.given("a\0b").text == "a\0b"


@pytest.mark.parametrize("text", ["a long password \ud800", "\udfff" * 15])
def test_s05_a_lone_surrogate_is_refused(text: str) -> None:
    assert reason(text) == "invalid_password"
    with pytest.raises(InvalidValue) as refusal:
        Password.given(text)
    assert refusal.value.reason == "invalid_password"


def test_at_sign_in_only_the_upper_bound_is_judged() -> None:
    assert Password.given("").text == ""
    assert Password.given("short").text == "short"
    assert Password.given("x" * 1024).text == "x" * 1024
    with pytest.raises(InvalidValue) as refusal:
        Password.given("x" * 1025)
    assert refusal.value.reason == "password_too_long"


@given(st.text())
def test_whatever_is_given_is_kept_whole_or_refused(text: str) -> None:
    try:
        password = Password.given(text)
    except InvalidValue:
        return
    assert password.text == unicodedata.normalize("NFC", text)
    assert Password.given(password.text) == password


@pytest.mark.parametrize("weakness", Weakness)
def test_s03_a_weakness_is_refused_with_its_reason(weakness: Weakness) -> None:
    """S03."""
    with pytest.raises(InvalidValue) as refusal:
        refuse_weak(weakness)

    assert refusal.value.reason == weakness.value
    assert refusal.value.detail.startswith("This password ")


def test_no_weakness_is_no_obstacle() -> None:
    refuse_weak(None)


def test_g02_neither_a_password_nor_a_hash_is_shown() -> None:
    credential = PasswordCredential(
        id=UUID(int=1), user_id=UUID(int=2), password_hash="$argon2id$secret", version=3, created_at=NOON
    )

    assert "secret" not in f"{Password.given('a secret')!r} {Password.given('a secret')} {credential!r} {credential}"
