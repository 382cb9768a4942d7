"""What is particular to bcrypt: 72 bytes, rules for what is longer, variants, and a cost that is never paid."""

import hashlib

import bcrypt
import pytest

from infrastructure.passwords.bcrypt import BcryptScheme
from infrastructure.passwords.scheme import UnreadableHash

VECTORS = [
    # crypt_blowfish 1.3, wrapper.c
    (b"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    (b"U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    (b"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    (b"", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
    (b"\xa3", "$2y$05$/OK.fbVrR/bpIqNJ5ianF.Sa7shbm4.OzKpvFnX1pQLmQW96oUlCq"),
    (
        b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
    ),
    # jBCrypt, TestBCrypt.java
    (b"abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    (b"~!@#$%^&*()      ~!@#$%^&*()PNBFRD", "$2a$06$fPIsBO8qRqkjj273rfaOI.HtSV9jLDpTbZn782DC6/t7qT67P6FfO"),
    # PHP's manual, password_verify
    (b"rasmuslerdorf", "$2y$07$BCryptRequires22Chrcte/VlQH0piJtjXl.0t1XkA8pw9dMXTpOq"),
]


@pytest.fixture
def scheme() -> BcryptScheme:
    return BcryptScheme(cost=4)


def legacy(password: bytes, rule: str | None = None) -> str:
    """As another service has stored it."""
    hashed = bcrypt.hashpw(password, bcrypt.gensalt(4)).decode()
    return hashed if rule is None else f"$bcrypt$rule={rule}{hashed}"


@pytest.mark.parametrize(("password", "stored"), VECTORS)
def test_published_vectors(scheme: BcryptScheme, password: bytes, stored: str) -> None:
    assert scheme.matches(password, stored)
    assert not scheme.matches(b"!" + password, stored)
    assert scheme.is_outdated(stored)


@pytest.mark.parametrize("digit", "./AZaz09")
def test_salts_with_bits_set_that_do_not_count(scheme: BcryptScheme, digit: str) -> None:
    """As some services have made them; the library raises for those."""
    digits = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    canonical = digits[digits.index(digit) // 16 * 16]
    hashed = bcrypt.hashpw(b"U*U", f"$2b$04$CCCCCCCCCCCCCCCCCCCCC{canonical}".encode()).decode()
    stored = hashed[:28] + digit + hashed[29:]

    assert scheme.matches(b"U*U", stored)
    assert not scheme.matches(b"U*V", stored)


@pytest.mark.parametrize("variant", ["2a", "2b", "2y"])
def test_the_variants_are_read_alike(scheme: BcryptScheme, variant: str) -> None:
    stored = legacy("пароль, который длиннее".encode()).replace("$2b$", f"${variant}$")

    assert scheme.matches("пароль, который длиннее".encode(), stored)
    assert not scheme.matches("пароль, который короче".encode(), stored)


@pytest.mark.parametrize(
    "stored",
    [
        "$2x$05$/OK.fbVrR/bpIqNJ5ianF.CE5elHaaO4EbggVDjb8P19RukzXSM3e",
        "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2c$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n",
        "$2b$\u0660\u0665$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$bcrypt$rule=cut$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$bcrypt$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ],
)
def test_what_is_no_such_hash_is_unreadable(scheme: BcryptScheme, stored: str) -> None:
    assert scheme.is_its_own(stored)
    with pytest.raises(UnreadableHash):
        scheme.matches(b"U*U", stored)
    assert scheme.is_outdated(stored)


@pytest.mark.parametrize("cost", ["00", "03", "15", "20", "31", "99"])
def test_d01_a_cost_out_of_bounds_is_never_computed(
    scheme: BcryptScheme, cost: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """D01: 2^31 rounds take days."""
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: pytest.fail("computed"))
    for rule in ("", "$bcrypt$rule=prehash"):
        with pytest.raises(UnreadableHash, match="cost"):
            scheme.matches(b"U*U", f"{rule}$2b${cost}$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")
    assert scheme.stand_in(f"$2b${cost}") is None


def test_the_dearest_cost_that_is_computed_is_the_dearest_that_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bcrypt, "checkpw", lambda *_: True)
    assert BcryptScheme().matches(b"U*U", "$2b$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")


HEAD = b"a" * 72


@pytest.mark.parametrize("rule", [None, "truncate"])
def test_l12_truncated_hashes_read_72_bytes(scheme: BcryptScheme, rule: str | None) -> None:
    """T11: the library raises for more; here it is a password like others."""
    stored = legacy(HEAD, rule)

    assert scheme.matches(HEAD, stored)
    assert scheme.matches(HEAD + b"b", stored)
    assert scheme.matches(HEAD + b"b" * 952, stored)
    assert not scheme.matches(HEAD[:-1], stored)
    assert not scheme.matches(HEAD[:-1] + b"b" + b"a", stored)


def test_l12_rejecting_hashes_are_of_no_longer_password(scheme: BcryptScheme) -> None:
    """L12: a wrong password, and no failure."""
    stored = legacy(HEAD, "reject")

    assert scheme.matches(HEAD, stored)
    assert not scheme.matches(HEAD + b"b", stored)
    assert not scheme.matches(HEAD[:-1], stored)


def test_prehashed_hashes_read_all(scheme: BcryptScheme) -> None:
    stored = legacy(hashlib.sha256(HEAD + b"b").hexdigest().encode(), "prehash")

    assert scheme.matches(HEAD + b"b", stored)
    assert not scheme.matches(HEAD + b"c", stored)
    assert not scheme.matches(HEAD, stored)


def test_a_character_that_is_cut_in_the_middle(scheme: BcryptScheme) -> None:
    password = ("a" + "é" * 36).encode()
    assert len(password) == 73

    for rule in (None, "truncate"):
        assert scheme.matches(password, legacy(password[:72], rule))
    assert not scheme.matches(password, legacy(password[:72], "reject"))


@pytest.mark.parametrize("rule", [None, "reject"])
def test_s05_a_nul_ends_nothing(scheme: BcryptScheme, rule: str | None) -> None:
    """S05."""
    stored = legacy(b"before\0after", rule)

    assert scheme.matches(b"before\0after", stored)
    assert not scheme.matches(b"before\0other", stored)
    assert not scheme.matches(b"before", stored)


def test_new_hashes_are_prehashed() -> None:
    stored = BcryptScheme(cost=4).hash(HEAD + b"b")

    assert stored.startswith("$bcrypt$rule=prehash$2b$04$")
    assert not BcryptScheme(cost=4).is_outdated(stored)
    assert BcryptScheme(cost=5).is_outdated(stored)
    assert BcryptScheme(cost=4).is_outdated(stored.replace("$2b$", "$2a$"))
    assert BcryptScheme(cost=4).is_outdated(stored.removeprefix("$bcrypt$rule=prehash"))


@pytest.mark.parametrize("kind", ["$2a$05", "$2b$05", "$2y$05", "$bcrypt$rule=reject$2b$05"])
def test_a_stand_in_costs_what_its_kind_does_and_matches_nothing(scheme: BcryptScheme, kind: str) -> None:
    stored = scheme.stand_in(kind)

    assert stored is not None
    assert stored.startswith("$2b$05$")
    assert not scheme.matches(b"U*U", stored)
    assert scheme.stand_in(kind) != stored


@pytest.mark.parametrize("kind", ["", "$2x$05", "$2b$5", "$argon2id$v=19$m=19456,t=2,p=1", "$2b$05$"])
def test_other_kinds_have_no_stand_in(scheme: BcryptScheme, kind: str) -> None:
    assert scheme.stand_in(kind) is None
