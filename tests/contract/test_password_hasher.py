"""What every PasswordHasher does, the fake and the real one alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from application.credentials.ports import PasswordHasher
from domain.credentials.password import Password
from infrastructure.passwords.argon2 import Argon2Parameters, Argon2Scheme
from infrastructure.passwords.bcrypt import BcryptScheme
from infrastructure.passwords.hasher import PooledPasswordHasher
from infrastructure.passwords.hashing_pool import HashingPool
from tests.support.passwords import FakePasswordHasher

PASSWORD = Password.given("correct horse battery staple")


@dataclass(frozen=True)
class Hashers:
    """A hasher, and the same one after its parameters have been raised."""

    today: PasswordHasher
    tomorrow: PasswordHasher


def _fakes() -> Iterator[Hashers]:
    yield Hashers(FakePasswordHasher(cost=1), FakePasswordHasher(cost=2))


def _argon2() -> Iterator[Hashers]:
    pool = HashingPool(workers=2, max_wait=60)
    tomorrow = Argon2Scheme(Argon2Parameters(passes=3))
    yield Hashers(PooledPasswordHasher(pool, Argon2Scheme()), PooledPasswordHasher(pool, tomorrow))
    pool.close()


def _bcrypt() -> Iterator[Hashers]:
    pool = HashingPool(workers=2, max_wait=60)
    yield Hashers(PooledPasswordHasher(pool, BcryptScheme(cost=4)), PooledPasswordHasher(pool, BcryptScheme(cost=5)))
    pool.close()


def _both() -> Iterator[Hashers]:
    """After the operator has chosen the other scheme."""
    pool, argon2, bcrypt = HashingPool(workers=2, max_wait=60), Argon2Scheme(), BcryptScheme(cost=4)
    yield Hashers(PooledPasswordHasher(pool, bcrypt, [argon2]), PooledPasswordHasher(pool, argon2, [bcrypt]))
    pool.close()


@pytest.fixture(scope="module", params=[_fakes, _argon2, _bcrypt, _both], ids=["fake", "argon2", "bcrypt", "both"])
def hashers(request: pytest.FixtureRequest) -> Iterator[Hashers]:
    make: Callable[[], Iterator[Hashers]] = request.param
    yield from make()


@pytest.fixture
def hasher(hashers: Hashers) -> PasswordHasher:
    return hashers.today


async def test_d01_there_is_a_place_and_again_when_it_was_given_back(hasher: PasswordHasher) -> None:
    for _ in range(100):
        with hasher.place():
            pass
    with hasher.place(), hasher.place():
        assert await hasher.verify(PASSWORD, await hasher.hash(PASSWORD))


async def test_the_hashed_password_matches_and_no_other_does(hasher: PasswordHasher) -> None:
    stored = await hasher.hash(PASSWORD)

    assert await hasher.verify(PASSWORD, stored)
    assert not await hasher.verify(Password.given("correct horse battery stapl"), stored)
    assert not await hasher.verify(Password.given("Correct horse battery staple"), stored)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("a" * 72 + "x", "a" * 72 + "y", id="alike in the first 72 bytes"),
        pytest.param("a" * 1023 + "x", "a" * 1023 + "y", id="alike but for the last byte"),
        pytest.param("a\0b" * 6, "a\0c" * 6, id="alike up to a NUL"),
        pytest.param("trailing space ", "trailing space", id="a space at the end"),
        pytest.param("длинный пароль", "длинный паролЬ", id="another script"),
    ],
)
async def test_s04_a_password_is_used_whole(hasher: PasswordHasher, one: str, other: str) -> None:
    stored = await hasher.hash(Password.given(one))

    assert await hasher.verify(Password.given(one), stored)
    assert not await hasher.verify(Password.given(other), stored)


async def test_s04_composed_and_decomposed_spellings_are_one_password(hasher: PasswordHasher) -> None:
    composed, decomposed = "caf\u00e9 au lait, sil vous plait", "cafe\u0301 au lait, sil vous plait"

    assert await hasher.verify(Password.given(decomposed), await hasher.hash(Password.given(composed)))
    assert await hasher.verify(Password.given(composed), await hasher.hash(Password.given(decomposed)))


async def test_the_same_password_is_never_hashed_alike(hasher: PasswordHasher) -> None:
    assert await hasher.hash(PASSWORD) != await hasher.hash(PASSWORD)


async def test_a_hash_is_a_phc_string_that_does_not_show_the_password(hasher: PasswordHasher) -> None:
    stored = await hasher.hash(PASSWORD)

    assert stored.isascii()
    assert stored.startswith("$")
    assert PASSWORD.text not in stored


async def test_nothing_matches_an_unknown_user(hasher: PasswordHasher) -> None:
    assert not await hasher.verify(PASSWORD, None)
    assert not await hasher.verify(PASSWORD, None, stand_in_for="a digest")


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        "$",
        "no hash at all",
        "$argon2id$",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA",
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$!!!",
        "$argon2id$v=19$m=0,t=0,p=0$c2FsdHNhbHRzYWx0c2FsdA$c2FsdA",
        "$unknown$v=1$salt$tag",
        "$2b$",
        "$2b$04$tooshort",
        "$2b$04$" + "!" * 53,
        "$bcrypt$rule=none$2b$04$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$argon2id$v=19$ünïcode$x$y",
        "$argon2id\0$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$c2FsdA",
    ],
)
async def test_a_damaged_hash_matches_nothing_and_is_outdated(hasher: PasswordHasher, damaged: str) -> None:
    assert not await hasher.verify(PASSWORD, damaged)
    assert hasher.is_outdated(damaged)


async def test_only_a_hash_of_other_parameters_is_outdated(hashers: Hashers) -> None:
    stored = await hashers.today.hash(PASSWORD)

    assert not hashers.today.is_outdated(stored)
    assert hashers.tomorrow.is_outdated(stored)
    assert await hashers.tomorrow.verify(PASSWORD, stored)
