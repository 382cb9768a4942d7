"""One hasher over several schemes: which it makes, which it reads, and what it costs to be unknown (L02)."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import bcrypt
import pytest

from domain.credentials.password import Password
from infrastructure.passwords.argon2 import Argon2Parameters, Argon2Scheme
from infrastructure.passwords.bcrypt import BcryptScheme
from infrastructure.passwords.hasher import PooledPasswordHasher
from infrastructure.passwords.hashing_pool import HashingPool
from infrastructure.passwords.stand_ins import StandIns

PASSWORD = Password.given("correct horse battery staple")
WRONG = Password.given("a guess, and a wrong one")
ARGON2, BCRYPT = "$argon2id$v=19$m=19456,t=2,p=1", "$2b$12"
SCHEMES = (Argon2Scheme(), BcryptScheme())


@pytest.fixture
def pool() -> Iterator[HashingPool]:
    pool = HashingPool(workers=1, max_wait=60)
    yield pool
    pool.close()


def legacy(password: Password, cost: int = 4) -> str:
    return bcrypt.hashpw(password.text.encode(), bcrypt.gensalt(cost)).decode()


async def test_the_other_scheme_is_read_and_outdated(pool: HashingPool) -> None:
    argon2, bcrypt_ = Argon2Scheme(), BcryptScheme(cost=4)
    for hasher in (PooledPasswordHasher(pool, argon2, [bcrypt_]), PooledPasswordHasher(pool, bcrypt_, [argon2])):
        for scheme in (argon2, bcrypt_):
            stored = scheme.hash(PASSWORD.text.encode())
            assert await hasher.verify(PASSWORD, stored)
            assert not await hasher.verify(WRONG, stored)
        assert not hasher.is_outdated(await hasher.hash(PASSWORD))
        assert hasher.is_outdated(legacy(PASSWORD))


async def test_a_hostile_cost_is_logged_and_costs_what_anybody_costs(
    pool: HashingPool, caplog: pytest.LogCaptureFixture
) -> None:
    hasher = PooledPasswordHasher(pool, Argon2Scheme(), [BcryptScheme()])
    stored = legacy(PASSWORD).replace("$2b$04$", "$2b$31$")

    with caplog.at_level(logging.ERROR):
        spent = await _cpu_seconds(hasher, PASSWORD, stored)

    assert "cannot be read" in caplog.text
    assert stored[8:] not in caplog.text
    assert spent > 0.3 * await _cpu_seconds(hasher, WRONG, None), "or the time would tell"


async def test_l02_an_unknown_name_costs_what_the_known_cost(pool: HashingPool) -> None:
    """L02, with users who were brought along: each of several names costs as one kind or the other."""
    hasher = PooledPasswordHasher(pool, Argon2Scheme(), [BcryptScheme()])
    hasher.learn({"$2b$10": 1})
    known = legacy(WRONG, cost=10)

    costs = [(await _cpu_seconds(hasher, PASSWORD, known), await _cpu_seconds(hasher, WRONG, None)) for _ in range(7)]

    assert 0.6 < sorted(unknown for _, unknown in costs)[3] / sorted(known for known, _ in costs)[3] < 1.6


def test_l02_names_are_spread_as_the_known_are_and_each_keeps_its_cost() -> None:
    stand_ins = StandIns(SCHEMES)
    stand_ins.learn({ARGON2: 300, BCRYPT: 100, "$unknown$": 500, "$2b$31": 500, "$2b$10": 0})
    names = [f"name {number}" for number in range(2000)]

    picked = {name: stand_ins.pick(name) for name in names}

    kinds = Counter((stored or "")[:6] for stored in picked.values())
    assert set(kinds) == {"$argon", "$2b$12"}
    assert 1350 < kinds["$argon"] < 1650
    assert {name: stand_ins.pick(name) for name in names} == picked


class ReadMeanwhile(StandIns):
    """Asked for many names whenever something of it has been set, as by a hashing thread that comes in between."""

    picked: ClassVar[list[str | None]] = []

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        if "_spread" in self.__dict__:
            self.picked.extend(self.pick(f"name {number}") for number in range(50))


def test_a_name_is_looked_for_while_the_population_changes() -> None:
    stand_ins = ReadMeanwhile(SCHEMES)
    for population in ({}, {BCRYPT: 1}, {ARGON2: 300, BCRYPT: 100}, {BCRYPT: 1}, {}):
        stand_ins.learn(population)
    assert {(stored or "")[:6] for stored in stand_ins.picked} == {"", "$argon", "$2b$12"}


def test_a_small_change_of_the_population_changes_few() -> None:
    stand_ins = StandIns(SCHEMES)
    stand_ins.learn({ARGON2: 300, BCRYPT: 100})
    before = [stand_ins.pick(f"name {number}") for number in range(2000)]
    stand_ins.learn({ARGON2: 304, BCRYPT: 96})

    after = [stand_ins.pick(f"name {number}") for number in range(2000)]

    assert 0 < sum(one != other for one, other in zip(before, after, strict=True)) < 60


@pytest.mark.parametrize("population", [{}, {"$unknown$": 5}, {"$2b$31": 1}])
async def test_where_nothing_is_known_it_costs_a_hash_of_today(pool: HashingPool, population: dict[str, int]) -> None:
    stand_ins = StandIns(SCHEMES)
    stand_ins.learn(population)
    assert stand_ins.pick("anybody") is None

    hasher = PooledPasswordHasher(pool, Argon2Scheme())
    stored = await hasher.hash(PASSWORD)
    assert await _cpu_seconds(hasher, WRONG, None) > 0.3 * await _cpu_seconds(hasher, WRONG, stored)


@pytest.mark.parametrize("kind", ["$argon2id$v=19$m=4294967295,t=2,p=1", "$argon2id$v=19$m=19456,t=4294967295,p=1"])
def test_one_strange_hash_makes_no_stranger_dear(kind: str) -> None:
    assert Argon2Scheme().stand_in(kind) is None


def test_a_stand_in_of_argon2_has_the_cost_of_its_kind() -> None:
    scheme = Argon2Scheme(Argon2Parameters(passes=3))
    stored = scheme.stand_in(ARGON2)

    assert stored is not None
    assert stored.startswith(ARGON2 + "$")
    assert not scheme.matches(b"anything", stored)
    assert scheme.stand_in("$argon2i$v=19$m=19456,t=2,p=1") is None


async def _cpu_seconds(hasher: PooledPasswordHasher, password: Password, stored: str | None) -> float:
    """Of the whole process: unlike the time on the wall it does not depend on who else uses the machine."""
    began = time.process_time()
    await hasher.verify(password, stored, stand_in_for="a name")
    return time.process_time() - began
