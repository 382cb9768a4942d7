"""Who signs after whom, decided on keys alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from infrastructure.tokens.key_rotation import (
    PUBLISHED_FOR,
    KeyChange,
    KeyChangeRefused,
    UnknownSigningKey,
    revoked,
    rotated,
)
from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import KeyState, SigningKey, StoredSigningKey
from interfaces.http.jwks import MAX_AGE_SECONDS
from tests.support.tokens import SECRET

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)
ACTIVE, NEXT, RETIRED, REVOKED = KeyState.ACTIVE, KeyState.NEXT, KeyState.RETIRED, KeyState.REVOKED


def made(state: KeyState, *, age: timedelta = timedelta(days=1)) -> StoredSigningKey:
    return SigningKey.generate(state, NOW - age).sealed(SecretKeys([SECRET]))


def states_after(keys: Sequence[StoredSigningKey], change: KeyChange) -> list[KeyState]:
    """Of the keys there were, in their order, and of the new ones."""
    return [*(change.states.get(key.kid, key.state) for key in keys), *(key.state for key in change.added)]


def test_k07_a_next_key_is_published_for_twice_as_long_as_the_set_is_kept() -> None:
    assert 2 * timedelta(seconds=MAX_AGE_SECONDS) < PUBLISHED_FOR


def test_k07_the_next_key_signs_the_one_before_retires_and_another_is_next() -> None:
    keys = [made(RETIRED), made(ACTIVE), made(NEXT)]
    change = rotated(keys, NOW, made, published_for=PUBLISHED_FOR)
    assert states_after(keys, change) == [RETIRED, RETIRED, ACTIVE, NEXT]
    assert list(change.states.values()) == [RETIRED, ACTIVE], "in an order in which no two are active"
    assert change.event.data == {"retired": keys[1].kid, "active": keys[2].kid, "next": change.added[0].kid}


@pytest.mark.parametrize("age", [timedelta(0), PUBLISHED_FOR - timedelta(seconds=1)])
def test_k07_a_key_that_not_everybody_knows_yet_does_not_sign(age: timedelta) -> None:
    keys = [made(ACTIVE), made(NEXT, age=age)]
    with pytest.raises(KeyChangeRefused, match="--at-once"):
        rotated(keys, NOW, made, published_for=PUBLISHED_FOR)
    assert states_after(keys, rotated(keys, NOW, made, published_for=timedelta(0))) == [RETIRED, ACTIVE, NEXT]


def test_without_a_next_key_there_is_nothing_to_rotate() -> None:
    with pytest.raises(KeyChangeRefused, match="no next key"):
        rotated([made(ACTIVE)], NOW, made, published_for=timedelta(0))


@pytest.mark.parametrize(
    ("states", "after"),
    [
        ([ACTIVE, NEXT], [REVOKED, ACTIVE, NEXT]),
        ([ACTIVE], [REVOKED, ACTIVE, NEXT]),
        ([NEXT, ACTIVE], [REVOKED, ACTIVE, NEXT]),
        ([RETIRED, ACTIVE, NEXT], [REVOKED, ACTIVE, NEXT]),
    ],
)
def test_k08_whichever_key_is_revoked_one_signs_and_one_is_next(states: list[KeyState], after: list[KeyState]) -> None:
    keys = [made(state) for state in states]
    change = revoked(keys[0].kid, keys, made)
    assert states_after(keys, change) == after
    assert change.event.data == {"revoked": keys[0].kid, "was": states[0].value}


def test_k08_a_key_that_is_not_there_or_revoked_already_is_said() -> None:
    gone = made(REVOKED)
    for kid in (gone.kid, "nothing"):
        with pytest.raises(UnknownSigningKey):
            revoked(kid, [gone, made(ACTIVE)], made)
