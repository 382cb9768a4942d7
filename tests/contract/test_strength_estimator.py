"""What every PasswordStrengthEstimator does."""

# ruff: noqa: RUF001 - passwords are in any script

import random
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.credentials.ports import PasswordStrengthEstimator
from domain.credentials.password import Password, Weakness
from infrastructure.passwords.strength import ZxcvbnStrengthEstimator

OWN_WORDS = ("Alice.Johnson@example.com", "Alice.Johnson", "alice_j77", "Alice", "Johnson")


@pytest.fixture(scope="session", params=[ZxcvbnStrengthEstimator], ids=["zxcvbn"])
def estimator(request: pytest.FixtureRequest) -> PasswordStrengthEstimator:
    made: PasswordStrengthEstimator = request.param()
    return made


@pytest.mark.parametrize(
    "text",
    [
        "password1234567",
        "passwordpassword",
        "P@ssw0rd1234567",
        "Password123456!",
        "iloveyou123456789",
        "1qaz2wsx3edc4rfv",
        "q1w2e3r4t5y6u7i8o9p0",
        "qwertyuiopasdfgh",
        "qwertyuiopasdfghjklzxcvbnm",
        "123qweasdzxc123",
        "123456789012345",
        "112233445566778",
        "abcd1234abcd1234",
        "thisismypassword",
        "manchesterunited",
        "administrator2024",
        "monkeydragonmaster",
        "monkey dragon master",
        "p-a-s-s-w-o-r-d-1",
        "1990/05/17-Berlin",
        "12/31/1999 12/31/1999",
        "пароль123456789",
    ],
)
def test_s03_what_is_tried_first_is_weak(estimator: PasswordStrengthEstimator, text: str) -> None:
    assert len(text) >= 15
    assert estimator.weakness(Password.given(text), OWN_WORDS) is not None


@pytest.mark.parametrize(
    ("text", "weakness"),
    [
        ("password1234567", Weakness.COMMON),
        ("aaaaaaaaaaaaaaa", Weakness.REPEATED),
        ("               ", Weakness.REPEATED),
        ("abcabcabcabcabc", Weakness.REPEATED),
        ("Qwerty qwerty qWerty", Weakness.REPEATED),
        ("パスワードパスワードパスワード", Weakness.REPEATED),
        ("🐴🔋📎✅🐴🔋📎✅🐴🔋📎✅🐴🔋📎✅", Weakness.REPEATED),
        ("abcdefghijklmnop", Weakness.SEQUENCE),
        ("987654321098765", Weakness.SEQUENCE),
        ("абвгдежзийклмноп", Weakness.SEQUENCE),
        ("asdfghjkl;'zxcvb", Weakness.KEYBOARD_WALK),
        ("aaaaabbbbbccccc", Weakness.GUESSABLE),
    ],
)
def test_the_reason_is_said(estimator: PasswordStrengthEstimator, text: str, weakness: Weakness) -> None:
    assert estimator.weakness(Password.given(text), OWN_WORDS) is weakness


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("alice_j77alice_j77", id="username doubled"),
        pytest.param("ALICE_J77-alice_j77", id="username doubled with a dash"),
        pytest.param("alice_j77alice_j77alice_j77", id="username tripled"),
        pytest.param("alice.johnson12345", id="local part and digits"),
        pytest.param("alice.johnson1987", id="local part and a year"),
        pytest.param("alicejohnson2024", id="local part without its dot"),
        pytest.param("Alice.Johnson@example.com", id="address"),
        pytest.param("alice.johnson@example.com!", id="address and a sign"),
        pytest.param("nosnhoj.ecila123", id="backwards"),
        pytest.param("4l1c3.j0hns0n123", id="leet"),
        pytest.param("my name is alice johnson", id="a sentence of names"),
        pytest.param("crm-auth-crm-auth", id="the service"),
        pytest.param("CRM-AUTH-2026-crm", id="the service and a year"),
        pytest.param("crm-auth-password", id="the service and a common word"),
    ],
)
def test_s03_what_is_built_from_own_names_is_derived(estimator: PasswordStrengthEstimator, text: str) -> None:
    assert estimator.weakness(Password.given(text), OWN_WORDS) is Weakness.DERIVED


def test_own_names_count_in_any_script_and_spelling(estimator: PasswordStrengthEstimator) -> None:
    password = Password.given("НатальяСмирнова1")

    assert estimator.weakness(password, ()) is None
    assert estimator.weakness(password, ("Наталья", "Смирнова")) is Weakness.DERIVED
    assert estimator.weakness(Password.given("JoséJoséJosé123"), ("Jose\u0301",)) is Weakness.DERIVED


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("correct horse battery staple", id="a passphrase"),
        pytest.param("correcthorsebatterystaple", id="without spaces"),
        pytest.param("корова ест зелёную траву", id="Cyrillic"),
        pytest.param("馬が好きな人は夜に空を見るらしい", id="Japanese"),
        pytest.param("🐴🔋📎✅🎈🌍🚀🍕🎸🦊🌵🐙🎲🧊🔑", id="emoji"),
        pytest.param("मेरी गाय हरी घास खाती है", id="Devanagari"),
        pytest.param("msbphxzmnvflrwy", id="random lower case"),
        pytest.param("608377835337406", id="random digits"),
        pytest.param("550e8400-e29b-41d4-a716-446655440000", id="a UUID"),
        pytest.param("j2Xh9alice_j77Q8vLm3", id="random around the username"),
        pytest.param("a" * 15 + "msbphxzmnvflrwy", id="random behind a repeat"),
        pytest.param("msbphxzmnvflrwy" * 2, id="random, twice"),
        pytest.param("msbphxzmnvflrwy" + "a" * 1009, id="random before a long tail"),
    ],
)
def test_a_strong_password_is_accepted(estimator: PasswordStrengthEstimator, text: str) -> None:
    assert estimator.weakness(Password.given(text), OWN_WORDS) is None


@pytest.mark.parametrize(
    "alphabet", [string.ascii_lowercase, string.hexdigits.lower(), string.ascii_letters + string.punctuation]
)
def test_random_passwords_are_accepted(estimator: PasswordStrengthEstimator, alphabet: str) -> None:
    source = random.Random(20)

    refused = [
        text
        for text in ("".join(source.choices(alphabet, k=15)) for _ in range(300))
        if estimator.weakness(Password.given(text), OWN_WORDS)
    ]

    assert refused == []


def test_s03_a_weak_password_does_not_become_strong_by_length(estimator: PasswordStrengthEstimator) -> None:
    for unit in ("a", "ab", "password", "alice_j77 "):
        assert estimator.weakness(Password.given((unit * 1024)[:1024]), OWN_WORDS) is not None


LEET = "4@8({[<3691!|70$5+%2"
HOSTILE = {
    "one letter": "a" * 1024,
    "two letters": "ab" * 512,
    "nearly a repeat": "ab" * 511 + "c",
    "combining marks": "e" + "\u0301" * 511,
    "leet": (LEET * 52)[:1024],
    "leet, all of which is ambiguous": ("1!|7({[<" * 128),
    "digits": "".join(random.Random(1).choices(string.digits, k=1024)),
    "dates": "1990.01.02" * 102,
    "growing repeats": "".join("a" * length + "b" for length in range(1, 43)),
    "emoji": "👨\u200d👩\u200d👧" * 50,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_d05_no_password_takes_long_to_judge(estimator: PasswordStrengthEstimator, text: str) -> None:
    words = ("a" * 8192, ".".join(string.ascii_lowercase) * 300, "word." * 1600, LEET * 10)
    taken = []
    for _ in range(3):
        began = time.process_time()
        estimator.weakness(Password.given(text), words)
        taken.append(time.process_time() - began)

    assert min(taken) < 0.02


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=6))
def test_any_text_is_judged(estimator: PasswordStrengthEstimator, text: str, words: list[str]) -> None:
    # Surrogates never get as far: neither a password nor a JSON string holds them.
    password = Password(text.encode(errors="replace").decode())
    assert estimator.weakness(password, [word.encode(errors="replace").decode() for word in words]) in {*Weakness, None}
