import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable

import pytest

from infrastructure.tokens.secret_keys import CannotUnseal, SecretKeys, weak_secret
from tests.support.tokens import OTHER_SECRET, SECRET, derived

OLD, NEW = SecretKeys([SECRET]), SecretKeys([OTHER_SECRET])
BOTH = SecretKeys([OTHER_SECRET, SECRET])


def test_what_is_sealed_is_unsealed() -> None:
    sealed = OLD.seal("keys/v1", b"plain", b"row 1")
    assert OLD.unseal("keys/v1", sealed, b"row 1") == b"plain"
    assert b"plain" not in sealed
    assert len(sealed) == 1 + 8 + 12 + len(b"plain") + 16


def test_the_same_is_never_sealed_alike() -> None:
    assert len({OLD.seal("keys/v1", b"plain", b"") for _ in range(100)}) == 100


def test_c07_the_newest_secret_seals_and_all_unseal() -> None:
    assert BOTH.unseal("p", OLD.seal("p", b"plain", b""), b"") == b"plain"
    assert NEW.unseal("p", BOTH.seal("p", b"plain", b""), b"") == b"plain"
    with pytest.raises(CannotUnseal, match="not sealed with any of the secret keys given"):
        NEW.unseal("p", OLD.seal("p", b"plain", b""), b"")


@pytest.mark.parametrize(("purpose", "associated_data"), [("q", b"row 1"), ("p", b"row 2"), ("p", b"")])
def test_it_opens_only_for_what_it_was_sealed_for(purpose: str, associated_data: bytes) -> None:
    sealed = OLD.seal("p", b"plain", b"row 1")
    with pytest.raises(CannotUnseal, match="something else, or altered"):
        OLD.unseal(purpose, sealed, associated_data)


def test_every_bit_and_every_byte_of_it_matters() -> None:
    sealed = OLD.seal("p", b"plain", b"")
    flipped = [
        sealed[:i] + bytes([sealed[i] ^ 1 << bit]) + sealed[i + 1 :] for i in range(len(sealed)) for bit in range(8)
    ]
    cut = [sealed[:length] for length in range(len(sealed))]
    for spoilt in [*flipped, *cut, sealed + b"\0"]:
        with pytest.raises(CannotUnseal):
            OLD.unseal("p", spoilt, b"")


def test_keys_are_derived_as_documented() -> None:
    """A change here would orphan everything made before it."""
    assert OLD.mac("p", b"data") == hmac.digest(derived(SECRET, "crm-auth/v1/mac/p"), b"data", "sha256")
    assert OLD.digest("p", b"data") == hmac.digest(derived(SECRET, "crm-auth/v1/digest/p"), b"data", "sha256")
    assert OLD.seal("p", b"", b"")[1:9] == derived(SECRET, "crm-auth/v1/id/")[:8]


def test_a_mac_is_verified_with_any_secret() -> None:
    tag = OLD.mac("p", b"data")
    assert OLD.verify_mac("p", b"data", tag)
    assert BOTH.verify_mac("p", b"data", tag)
    assert BOTH.verify_mac("p", b"data", NEW.mac("p", b"data"))
    assert BOTH.mac("p", b"data") == NEW.mac("p", b"data")
    assert not NEW.verify_mac("p", b"data", tag)
    assert not OLD.verify_mac("q", b"data", tag)
    assert not OLD.verify_mac("p", b"other", tag)


def test_a_tag_does_not_choose_its_own_size() -> None:
    tag = OLD.mac("p", b"data")
    assert OLD.verify_mac("p", b"data", tag[:16], size=16)
    for cut in (tag[:0], tag[:1], tag[:16], tag[:31], tag + b"\0"):
        assert not OLD.verify_mac("p", b"data", cut)
    for cut in (tag[:0], tag[:15], tag[:17], tag):
        assert not OLD.verify_mac("p", b"data", cut, size=16)


def test_a_digest_recognises() -> None:
    assert BOTH.digest("p", b"data") == NEW.digest("p", b"data")
    others = (OLD.digest("p", b"data"), NEW.digest("q", b"data"), NEW.digest("p", b"x"), NEW.mac("p", b"data"))
    assert NEW.digest("p", b"data") not in others


@pytest.mark.parametrize("values", [[], [""], ["x" * 31], [SECRET, "short"]])
def test_none_and_short_ones_are_refused(values: list[str]) -> None:
    with pytest.raises(ValueError, match="at least 32 characters"):
        SecretKeys(values)


def test_g02_nothing_of_them_is_printed() -> None:
    BOTH.mac("p", b"")
    assert repr(BOTH) == str(BOTH) == "SecretKeys(...)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is shorter than 32 characters"),
        (SECRET[:31], "is shorter than 32 characters"),
        (SECRET[:20] + " " * 20, "is shorter than 32 characters"),
        ("changeme-changeme-changeme-changeme", "is a sample value"),
        ("please_CHANGE_ME_before_going_live!!", "is a sample value"),
        ("a-string-secret-at-least-256-bits-long", "is a sample value"),
        ("django-insecure-4k!x2m#9q@7w$5z^8b&1n*3v", "is a sample value"),
        ("this is an Example of a long value 1234", "is a sample value"),
        ("09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7", "is a sample value"),
        ("192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf", "is a sample value"),
        ("a" * 64, "repeats itself"),
        ("0123456789abcdef" * 2, "repeats itself"),
        ("correct-horse-battery-correct-horse-battery-", "repeats itself"),
        ("aabbabbabaabbabaaabbbababbabaabab1", "has fewer than 6 different characters"),
        ("abcdefghijklmnopqrstuvwxyz0123456789", "follows a sequence"),
        ("zyxwvutsrqponmlkjihgfedcba9876543210", "follows a sequence"),
        ("111122223333444455556666777788889999", "follows a sequence"),
    ],
)
def test_c01_weak_secrets(text: str, reason: str) -> None:
    """C01."""
    assert weak_secret(text) == reason


@pytest.mark.parametrize(
    "make",
    [
        lambda: secrets.token_hex(16),
        lambda: secrets.token_hex(32),
        lambda: secrets.token_urlsafe(32),
        lambda: base64.b64encode(secrets.token_bytes(32)).decode(),
        lambda: base64.b64encode(secrets.token_bytes(64)).decode(),
        lambda: "".join(secrets.choice("0123456789") for _ in range(40)),
        lambda: hashlib.sha256(secrets.token_bytes()).hexdigest().upper(),
    ],
)
def test_random_ones_are_good(make: Callable[[], str]) -> None:
    assert {weak_secret(make()) for _ in range(300)} == {None}
