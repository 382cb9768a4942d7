from dataclasses import replace
from datetime import timedelta

import pytest

from domain.sessions.errors import InvalidAccessToken
from infrastructure.tokens.access_token_verifier import JwtAccessTokenVerifier, VerifiedAccessToken
from infrastructure.tokens.signing_keys import KeyState
from infrastructure.tokens.verified_tokens import CachingAccessTokenVerifier
from tests.support.builders import session_of, user_named
from tests.support.tokens import AUDIENCE, ISSUER, Deployment


class CountingVerifier(JwtAccessTokenVerifier):
    examined = 0

    def examine(self, text: str) -> VerifiedAccessToken:
        self.examined += 1
        return super().examine(text)


class Setup:
    def __init__(self, deployment: Deployment, size: int = 3) -> None:
        self.deployment = deployment
        ring, clock = deployment.ring, deployment.clock
        self.counting = CountingVerifier(ring=ring, clock=clock, issuer=ISSUER, audience=AUDIENCE)
        self.caching = CachingAccessTokenVerifier(self.counting, ring, clock, size=size)

    def issue(self) -> str:
        user = user_named("ada")
        return self.deployment.issuer.issue(user, session_of(user.id)).text

    def examinations(self, text: str) -> int:
        """How many signatures were verified for this one call."""
        before = self.counting.examined
        assert self.caching.verify(text) == self.deployment.verifier.verify(text)
        return self.counting.examined - before


@pytest.fixture
async def setup() -> Setup:
    return Setup(await Deployment.start())


def test_a_token_is_examined_once(setup: Setup) -> None:
    first, second = setup.issue(), setup.issue()
    assert [setup.examinations(text) for text in (first, first, second, first, second)] == [1, 0, 1, 0, 0]


def test_expiry_is_looked_at_every_time(setup: Setup) -> None:
    text = setup.issue()
    setup.caching.verify(text)
    setup.deployment.clock.advance(timedelta(seconds=299))
    assert setup.examinations(text) == 0
    setup.deployment.clock.advance(timedelta(seconds=1))
    with pytest.raises(InvalidAccessToken):
        setup.caching.verify(text)


def test_only_the_exact_text_is_known(setup: Setup) -> None:
    text = setup.issue()
    setup.caching.verify(text)
    for position in range(len(text)):
        other = text[:position] + ("A" if text[position] != "A" else "B") + text[position + 1 :]
        with pytest.raises(InvalidAccessToken):
            setup.caching.verify(other)
    assert setup.counting.examined == 1 + len(text)


def test_what_was_refused_is_not_remembered(setup: Setup) -> None:
    for _ in range(2):
        with pytest.raises(InvalidAccessToken):
            setup.caching.verify(setup.issue()[:-1])
    assert len(setup.caching._verified) == 0


async def test_k08_a_revoked_key_takes_its_tokens_with_it(setup: Setup) -> None:
    """K08."""
    text, store = setup.issue(), setup.deployment.store
    setup.caching.verify(text)
    revoked = setup.deployment.ring.signing.kid
    store.rows[revoked] = replace(store.rows[revoked], state=KeyState.REVOKED)
    await setup.deployment.ring.reload()
    with pytest.raises(InvalidAccessToken):
        setup.caching.verify(text)


async def test_after_a_rotation_tokens_are_examined_once_more(setup: Setup) -> None:
    text, store = setup.issue(), setup.deployment.store
    setup.caching.verify(text)
    retired = setup.deployment.ring.signing.kid
    store.rows[retired] = replace(store.rows[retired], state=KeyState.RETIRED)
    await setup.deployment.ring.reload()
    assert [setup.examinations(text) for _ in range(3)] == [1, 0, 0]


async def test_a_reload_without_a_change_forgets_nothing(setup: Setup) -> None:
    text = setup.issue()
    setup.caching.verify(text)
    await setup.deployment.ring.reload()
    assert setup.examinations(text) == 0


def test_the_oldest_goes_first_and_the_size_holds(setup: Setup) -> None:
    texts = [setup.issue() for _ in range(4)]
    for text in texts:
        setup.caching.verify(text)
    assert len(setup.caching._verified) == 3
    assert [setup.examinations(text) for text in texts[1:]] == [0, 0, 0]
    assert setup.examinations(texts[0]) == 1


def test_no_token_lies_in_memory(setup: Setup) -> None:
    text = setup.issue()
    setup.caching.verify(text)
    assert text.encode() not in setup.caching._verified
    assert {len(fingerprint) for fingerprint in setup.caching._verified} == {32}
