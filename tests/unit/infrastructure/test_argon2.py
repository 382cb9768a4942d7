"""What is particular to Argon2: its floor, its cost, its memory."""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest

from domain.credentials.password import Password
from domain.errors import Overloaded
from infrastructure.passwords import argon2 as argon2_scheme
from infrastructure.passwords.argon2 import Argon2Parameters, Argon2Scheme
from infrastructure.passwords.hasher import PooledPasswordHasher
from infrastructure.passwords.hashing_pool import HashingPool
from infrastructure.passwords.scheme import UnreadableHash

PASSWORD = Password.given("correct horse battery staple")
SOURCE = Path(__file__).parents[3] / "src"


@pytest.fixture
def pool() -> Iterator[HashingPool]:
    pool = HashingPool(workers=1, max_wait=60)
    yield pool
    pool.close()


@pytest.fixture
def hasher(pool: HashingPool) -> PooledPasswordHasher:
    return PooledPasswordHasher(pool, Argon2Scheme())


async def test_the_defaults_are_those_of_the_floor(hasher: PooledPasswordHasher) -> None:
    stored = await hasher.hash(PASSWORD)

    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    found = argon2.extract_parameters(stored)
    assert (found.salt_len, found.hash_len) == (16, 32)


@pytest.mark.parametrize(("memory", "passes"), [(47_104, 1), (19_456, 2), (12_288, 3), (65_536, 4), (20_000, 5)])
def test_parameters_at_or_above_a_line_of_the_floor_are_taken(memory: int, passes: int) -> None:
    assert Argon2Parameters(memory=memory, passes=passes).memory == memory


@pytest.mark.parametrize(("memory", "passes"), [(47_103, 1), (19_455, 2), (12_287, 3), (8, 1000), (10**6, 0)])
def test_parameters_below_the_floor_are_refused(memory: int, passes: int) -> None:
    with pytest.raises(ValueError, match="below the floor"):
        Argon2Parameters(memory=memory, passes=passes)


@pytest.mark.parametrize("short", [{"salt": 15}, {"tag": 31}, {"lanes": 0}])
def test_short_salts_and_tags_are_refused(short: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="salt of 16 bytes"):
        Argon2Parameters(**short)


async def test_l02_an_unknown_user_costs_what_a_known_one_does(hasher: PooledPasswordHasher) -> None:
    stored = await hasher.hash(PASSWORD)
    wrong = Password.given("a guess, and a wrong one")

    known, unknown = [], []
    for _ in range(7):
        known.append(await _cpu_seconds(hasher, wrong, stored))
        unknown.append(await _cpu_seconds(hasher, wrong, None))

    assert 0.6 < sorted(unknown)[3] / sorted(known)[3] < 1.6


async def test_l13_a_length_at_the_limit_costs_little_more(hasher: PooledPasswordHasher) -> None:
    short, long = Password.given("a" * 15), Password.given("a" * 1024)

    costs = [(await _cpu_seconds(hasher, short, None), await _cpu_seconds(hasher, long, None)) for _ in range(7)]

    assert sorted(long for _, long in costs)[3] < 2 * sorted(short for short, _ in costs)[3]


async def test_d01_the_event_loop_hashes_nothing(hasher: PooledPasswordHasher, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[str] = []
    real_hash, real_verify = argon2.PasswordHasher.hash, argon2.PasswordHasher.verify

    def spying_hash(self: argon2.PasswordHasher, password: bytes) -> str:
        threads.append(threading.current_thread().name)
        return real_hash(self, password)

    def spying_verify(self: argon2.PasswordHasher, stored: str, password: bytes) -> bool:
        threads.append(threading.current_thread().name)
        return real_verify(self, stored, password)

    monkeypatch.setattr(argon2.PasswordHasher, "hash", spying_hash)
    monkeypatch.setattr(argon2.PasswordHasher, "verify", spying_verify)

    PooledPasswordHasher(hasher._pool, Argon2Scheme())
    assert await hasher.verify(PASSWORD, await hasher.hash(PASSWORD))
    assert not await hasher.verify(PASSWORD, None)

    assert len(threads) == 3
    assert all(name.startswith("hashing") for name in threads)


async def test_g02_a_damaged_hash_is_logged_but_not_shown(
    hasher: PooledPasswordHasher, caplog: pytest.LogCaptureFixture
) -> None:
    stored = await hasher.hash(PASSWORD)
    damaged = stored[:-5] + "!" * 5

    with caplog.at_level(logging.ERROR):
        assert not await hasher.verify(PASSWORD, damaged)

    assert "cannot be read" in caplog.text
    assert stored[30:60] not in caplog.text


async def test_g02_a_wrong_password_is_not_logged(
    hasher: PooledPasswordHasher, caplog: pytest.LogCaptureFixture
) -> None:
    assert not await hasher.verify(PASSWORD, None)
    assert not caplog.records


async def test_memory_that_is_not_to_be_had_is_overload_and_not_a_wrong_password(
    hasher: PooledPasswordHasher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of any hash, where the machine is short of it: here of one that no machine has the memory for."""
    monkeypatch.setattr(argon2_scheme, "_MOST_MEMORY", 2**32)
    monkeypatch.setattr(argon2_scheme, "_MOST_WORK", 2**40)
    stored = (await hasher.hash(PASSWORD)).replace("m=19456", f"m={2**32 - 1}")

    with pytest.raises(Overloaded) as refusal:
        await hasher.verify(PASSWORD, stored)

    assert refusal.value.retry_after == 1


async def test_the_older_variants_of_argon2_are_no_scheme_of_ours(hasher: PooledPasswordHasher) -> None:
    stored = argon2.PasswordHasher(type=argon2.Type.I, memory_cost=19_456, time_cost=2, parallelism=1).hash("x" * 15)

    assert not await hasher.verify(Password.given("x" * 15), stored)


def test_d03_memory_stays_within_workers_times_parameters() -> None:
    script = """
import asyncio
from domain.credentials.password import Password
from infrastructure.passwords.argon2 import Argon2Scheme
from infrastructure.passwords.hasher import PooledPasswordHasher
from infrastructure.passwords.hashing_pool import HashingPool

def mebibytes(field):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(field)) // 1024

async def storm():
    pool = HashingPool(workers=2, queue_length=60, max_wait=60)
    hasher = PooledPasswordHasher(pool, Argon2Scheme())
    before = mebibytes("VmRSS")
    await asyncio.gather(*(hasher.verify(Password.given("x" * 1024), None) for _ in range(60)))
    print(mebibytes("VmHWM") - before)

asyncio.run(storm())
"""
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env={"PYTHONPATH": str(SOURCE)}
    )

    assert int(ran.stdout) <= 2 * 19 + 8


async def _cpu_seconds(hasher: PooledPasswordHasher, password: Password, stored: str | None) -> float:
    """Of the whole process: unlike the time on the wall it does not depend on who else uses the machine."""
    began = time.process_time()
    await hasher.verify(password, stored)
    return time.process_time() - began


@pytest.mark.parametrize(
    "cost",
    ["m=1048577,t=1,p=1", "m=4294967295,t=1,p=1", "m=65536,t=65,p=1", "m=8,t=4294967295,p=1", "m=19456,t=2,p=17"],
)
def test_d01_a_cost_beyond_reason_is_never_computed(cost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a hash that was brought along: what the operator has chosen is computed, whatever it is."""
    scheme = Argon2Scheme()
    monkeypatch.setattr(scheme, "_argon2", None)

    with pytest.raises(UnreadableHash, match="cost"):
        scheme.matches(b"x" * 15, f"$argon2id$v=19${cost}$c29tZXNhbHRzb21lc2FsdA$" + "A" * 43)


@pytest.mark.parametrize("passes", [1, 64])
def test_what_the_operator_has_chosen_is_no_cost_beyond_reason(passes: int) -> None:
    chosen = Argon2Parameters(memory=2_097_152, passes=passes)

    Argon2Scheme(chosen)._refuse_absurd(argon2.Parameters(argon2.Type.ID, 19, 16, 32, passes, 2_097_152, 1))
