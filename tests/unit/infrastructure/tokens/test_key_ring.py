import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from domain.errors import ServiceUnavailable
from infrastructure.tokens.key_ring import RETIRED_KEPT_FOR, KeyRing
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import KeyState, SigningKey, SigningKeyUnreadable
from tests.support.clock import MovableClock
from tests.support.tokens import OTHER_SECRET, SECRET, MemorySigningKeyStore


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def store() -> MemorySigningKeyStore:
    return MemorySigningKeyStore()


@pytest.fixture
async def ring(store: MemorySigningKeyStore, clock: MovableClock) -> KeyRing:
    ring = KeyRing(store, SecretKeys([SECRET]), clock)
    await ring.reload()
    return ring


def kid_of(store: MemorySigningKeyStore, state: KeyState) -> str:
    return next(kid for kid, row in store.rows.items() if row.state is state)


def set_state(store: MemorySigningKeyStore, kid: str, state: KeyState, clock: MovableClock) -> None:
    retired_at = clock.now() if state is KeyState.RETIRED else None
    store.rows[kid] = replace(store.rows[kid], state=state, retired_at=retired_at)


def published(ring: KeyRing) -> set[str]:
    return {jwk["kid"] for jwk in json.loads(ring.jwks())["keys"]}


async def test_the_first_start_makes_a_key_and_its_successor(ring: KeyRing, store: MemorySigningKeyStore) -> None:
    assert sorted(row.state for row in store.rows.values()) == [KeyState.ACTIVE, KeyState.NEXT]
    assert ring.signing.kid == kid_of(store, KeyState.ACTIVE)
    assert published(ring) == set(store.rows)


async def test_all_nodes_have_the_same_keys(ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock) -> None:
    other = KeyRing(store, SecretKeys([SECRET]), clock)
    await other.reload()
    assert other.jwks() == ring.jwks()
    key = ring.verifying(other.signing.kid)
    assert key is not None
    assert key.verify(other.signing.sign(b"payload", "at+jwt")) == b"payload"


async def test_k07_the_key_set_is_public(ring: KeyRing) -> None:
    """K07."""
    keys = json.loads(ring.jwks())["keys"]
    assert len(keys) == 2
    for jwk in keys:
        assert jwk.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}
        assert (jwk["kty"], jwk["crv"], jwk["use"], jwk["alg"]) == ("EC", "P-256", "sig", "ES256")


async def test_k07_a_planned_rotation(ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock) -> None:
    """K07: the next key is published before it signs, the last one while its tokens live."""
    old, new = kid_of(store, KeyState.ACTIVE), kid_of(store, KeyState.NEXT)
    text = ring.signing.sign(b"payload", "at+jwt")
    assert ring.verifying(new) is not None
    set_state(store, old, KeyState.RETIRED, clock)
    set_state(store, new, KeyState.ACTIVE, clock)
    await ring.reload()
    assert ring.signing.kid == new
    retired = ring.verifying(old)
    assert retired is not None
    assert retired.verify(text) == b"payload"
    assert published(ring) == {old, new}
    clock.advance(RETIRED_KEPT_FOR)
    await ring.reload()
    assert published(ring) == {new}
    assert ring.verifying(old) is None


async def test_k08_a_revoked_key_is_gone_with_the_reload(
    ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock
) -> None:
    """K08."""
    revoked = kid_of(store, KeyState.ACTIVE)
    set_state(store, revoked, KeyState.REVOKED, clock)
    await ring.reload()
    assert ring.verifying(revoked) is None
    assert revoked not in published(ring)
    with pytest.raises(ServiceUnavailable):
        _ = ring.signing


async def test_an_unknown_kid_costs_no_look_at_the_database(ring: KeyRing, store: MemorySigningKeyStore) -> None:
    loads = store.loads
    assert [ring.verifying(kid) for kid in ("", "unknown", "../../etc/passwd")] == [None] * 3
    assert store.loads == loads


async def test_the_version_tells_changes_and_only_those(
    ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock
) -> None:
    version, signing, jwks = ring.version, ring.signing, ring.jwks()
    await ring.reload()
    assert (ring.version, ring.signing, ring.jwks()) == (version, signing, jwks)
    assert ring.signing is signing
    for change, state in enumerate((KeyState.ACTIVE, KeyState.RETIRED, KeyState.REVOKED), start=1):
        set_state(store, list(store.rows)[1], state, clock)
        await ring.reload()
        assert ring.version == version + change


async def test_an_empty_ring_trusts_and_publishes_nothing(store: MemorySigningKeyStore, clock: MovableClock) -> None:
    ring = KeyRing(store, SecretKeys([SECRET]), clock)
    assert json.loads(ring.jwks()) == {"keys": []}
    with pytest.raises(ServiceUnavailable):
        _ = ring.signing


async def test_a_changed_secret_is_said(ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock) -> None:
    assert published(ring) == set(store.rows)
    other = KeyRing(store, SecretKeys([OTHER_SECRET]), clock)
    with pytest.raises(SigningKeyUnreadable, match="CRM_AUTH_SECRET_KEY"):
        await other.reload()
    assert published(other) == set()


async def test_an_old_secret_can_be_dropped_once_the_new_one_has_been_in_force(
    ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock
) -> None:
    before = published(ring)
    await KeyRing(store, SecretKeys([OTHER_SECRET, SECRET]), clock).reseal()
    alone = KeyRing(store, SecretKeys([OTHER_SECRET]), clock)
    await alone.reload()
    assert published(alone) == before


async def test_a_secret_that_waits_behind_the_old_one_seals_nothing(
    ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock
) -> None:
    """Nodes that do not have it yet must go on reading."""
    rows = dict(store.rows)
    await KeyRing(store, SecretKeys([SECRET, OTHER_SECRET]), clock).reseal()
    assert store.rows == rows
    await ring.reload()


async def test_an_unreadable_key_keeps_no_revoked_one_alive(
    ring: KeyRing, store: MemorySigningKeyStore, clock: MovableClock
) -> None:
    """A node with the old secret only, while another one has put in a key under the new."""
    revoked, stays = kid_of(store, KeyState.ACTIVE), kid_of(store, KeyState.NEXT)
    foreign = SigningKey.generate(KeyState.NEXT, clock.now()).sealed(SecretKeys([OTHER_SECRET]))
    store.rows = {foreign.kid: foreign, **store.rows}
    set_state(store, revoked, KeyState.REVOKED, clock)
    with pytest.raises(SigningKeyUnreadable, match=foreign.kid):
        await ring.reload()
    assert published(ring) == {stays}


async def test_an_old_key_needs_no_old_secret(store: MemorySigningKeyStore, clock: MovableClock) -> None:
    """Once it has been retired long enough nobody unseals it."""
    ancient = SigningKey.generate(KeyState.ACTIVE, clock.now()).sealed(SecretKeys([OTHER_SECRET]))
    current = SigningKey.generate(KeyState.ACTIVE, clock.now()).sealed(SecretKeys([SECRET]))
    store.rows = {ancient.kid: ancient, current.kid: current}
    set_state(store, ancient.kid, KeyState.RETIRED, clock)
    clock.advance(RETIRED_KEPT_FOR + timedelta(seconds=1))
    ring = KeyRing(store, SecretKeys([SECRET]), clock)
    await ring.reload()
    assert published(ring) == {current.kid}


async def test_g02_the_log_names_keys_and_shows_none(
    store: MemorySigningKeyStore, clock: MovableClock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        await KeyRing(store, SecretKeys([SECRET]), clock).reload()
    assert all(f"{kid}={row.state.value}" in caplog.text for kid, row in store.rows.items())
    assert SECRET not in caplog.text
