"""A key that outlives the secret keys that seal it."""

from dataclasses import dataclass, field

import pytest

from domain.errors import ServiceUnavailable
from infrastructure.tokens.data_keys import DataKey, DataKeyUnreadable
from infrastructure.tokens.secret_keys import SecretKeys
from tests.support.tokens import OTHER_SECRET, SECRET


@dataclass
class MemoryDataKeyStore:
    rows: dict[str, bytes] = field(default_factory=dict)

    async def keep(self, purpose: str, sealed: bytes) -> bytes:
        return self.rows.setdefault(purpose, sealed)

    async def replace_sealed(self, purpose: str, *, old: bytes, new: bytes) -> None:
        if self.rows[purpose] == old:
            self.rows[purpose] = new


@pytest.fixture
def store() -> MemoryDataKeyStore:
    return MemoryDataKeyStore()


async def loaded(store: MemoryDataKeyStore, *secrets: str, purpose: str = "test/v1") -> DataKey:
    key = DataKey(purpose, store, SecretKeys(secrets))
    await key.load()
    return key


async def test_all_nodes_make_the_same_digest(store: MemoryDataKeyStore) -> None:
    one, other = await loaded(store, SECRET), await loaded(store, SECRET)

    assert one.digest("ada") == other.digest("ada") != one.digest("eve")
    assert len(one.digest("ada")) == 32


async def test_deployments_make_different_digests(store: MemoryDataKeyStore) -> None:
    one, other = await loaded(store, SECRET), await loaded(MemoryDataKeyStore(), SECRET)

    assert one.digest("ada") != other.digest("ada")


async def test_c07_the_digest_outlives_a_change_of_the_secret_and_the_old_secret(store: MemoryDataKeyStore) -> None:
    before = (await loaded(store, SECRET)).digest("ada")

    assert (await loaded(store, OTHER_SECRET, SECRET)).digest("ada") == before
    assert (await loaded(store, OTHER_SECRET)).digest("ada") == before


async def test_a_secret_behind_the_newest_reseals_nothing(store: MemoryDataKeyStore) -> None:
    await loaded(store, SECRET)
    before = dict(store.rows)
    await loaded(store, SECRET, OTHER_SECRET)

    assert store.rows == before


async def test_a_key_that_cannot_be_read_says_what_to_do_and_stays(store: MemoryDataKeyStore) -> None:
    await loaded(store, SECRET)
    before = dict(store.rows)

    with pytest.raises(DataKeyUnreadable, match="CRM_AUTH_SECRET_KEY was changed"):
        await loaded(store, OTHER_SECRET)
    assert store.rows == before


async def test_a_key_opens_for_its_own_purpose_only(store: MemoryDataKeyStore) -> None:
    await loaded(store, SECRET)
    store.rows["other/v1"] = store.rows["test/v1"]

    with pytest.raises(DataKeyUnreadable):
        await loaded(store, SECRET, purpose="other/v1")


def test_nothing_is_digested_before_the_key_is_there(store: MemoryDataKeyStore) -> None:
    with pytest.raises(ServiceUnavailable):
        DataKey("test/v1", store, SecretKeys([SECRET])).digest("ada")
