"""Tokens that are right in everything but one thing. Every one is refused, by the verifier and by the one that caches.

``tests.support.token_mutants`` says what is done; ``test_the_workshop_makes_good_tokens`` shows that the rest is right.
"""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.sessions.ports import AccessTokenVerifier
from domain.sessions.errors import InvalidAccessToken
from infrastructure.tokens.verified_tokens import CachingAccessTokenVerifier
from tests.support.listener import Listener, listening
from tests.support.token_mutants import all_mutants
from tests.support.token_mutants.mutant import Mutant
from tests.support.tokens import Deployment, Forge

MUTANTS = dict(all_mutants())


@pytest.fixture(scope="module")
def listener() -> Iterator[Listener]:
    """Where ``jku`` and ``x5u`` lead."""
    with listening() as listener:
        yield listener


@pytest.fixture(scope="module")
async def deployment() -> Deployment:
    return await Deployment.start()


@pytest.fixture(scope="module")
async def forge(deployment: Deployment, listener: Listener) -> Forge:
    return Forge(deployment, attacker_url=listener.url)


@pytest.fixture(scope="module", params=["verifier", "caching verifier"])
def verifier(request: pytest.FixtureRequest, deployment: Deployment, forge: Forge) -> AccessTokenVerifier:
    if request.param == "verifier":
        return deployment.verifier
    caching = CachingAccessTokenVerifier(deployment.verifier, deployment.ring, deployment.clock)
    caching.verify(forge.token())
    return caching


def test_the_workshop_makes_good_tokens(verifier: AccessTokenVerifier, forge: Forge) -> None:
    good = [
        forge.token(),
        forge.raw(),
        forge.token({"typ": "AT+JWT"}),
        forge.token({"typ": "application/at+jwt"}),
        forge.token({"typ": "Application/AT+jwt"}),
        forge.token(claims={"aud": [forge.claims["aud"]]}),
        forge.token(claims={"aud": ["https://other.example", forge.claims["aud"]]}),
        forge.token(claims={"iat": forge.now + 30}),
        forge.token(claims={"exp": forge.now + 1}),
        forge.token(claims={"exp": forge.now + 900}),
        forge.token(claims={"nbf": forge.now}),
        forge.token(claims={"scope": "crm", "acr": "2", "tenant": {"id": [1.5, None]}}),
    ]
    assert [verifier.verify(text) for text in good] == [forge.caller] * len(good)


def test_the_list_is_as_long_as_it_should_be() -> None:
    assert len(MUTANTS) >= 160
    assert sum(name.startswith("claims") for name in MUTANTS) >= 22


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_k01_k02_k03_k04_k05_a_mutant_is_refused(
    verifier: AccessTokenVerifier, forge: Forge, listener: Listener, mutant: Mutant
) -> None:
    """K01 to K05."""
    text = mutant(forge)
    assert text != forge.token()
    with pytest.raises(InvalidAccessToken):
        verifier.verify(text)
    assert listener.calls == [], "K02: nobody is called"


async def test_a_token_of_another_deployment_is_refused(verifier: AccessTokenVerifier) -> None:
    for secret in ("another secret of another deployment", "2vU8yJ1c-0nq5XwEkR7tLZb3sGd9aHf6Mo4pQiCxYVA"):
        elsewhere = Forge(await Deployment.start(secret))
        with pytest.raises(InvalidAccessToken):
            verifier.verify(elsewhere.token())


async def test_the_refusal_does_not_say_why(verifier: AccessTokenVerifier, forge: Forge) -> None:
    said = set()
    for mutant in MUTANTS.values():
        with pytest.raises(InvalidAccessToken) as refusal:
            verifier.verify(mutant(forge))
        said.add((str(refusal.value), refusal.value.detail, refusal.value.code, refusal.value.__cause__))
    assert len(said) == 1


property_test = settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@property_test
@given(st.data())
def test_k01_no_byte_can_be_changed(verifier: AccessTokenVerifier, forge: Forge, data: st.DataObject) -> None:
    text = forge.token()
    position = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(max_codepoint=0x17F).filter(lambda character: character != text[position]))
    with pytest.raises(InvalidAccessToken):
        verifier.verify(text[:position] + other + text[position + 1 :])


@property_test
@given(st.data())
def test_k01_nothing_can_be_cut_out_or_put_in(verifier: AccessTokenVerifier, forge: Forge, data: st.DataObject) -> None:
    text = forge.token()
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    spoilt = text[:start] + data.draw(st.text(max_size=5)) + text[end:]
    if spoilt != text:
        with pytest.raises(InvalidAccessToken):
            verifier.verify(spoilt)
