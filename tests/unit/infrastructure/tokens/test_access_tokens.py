import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import jwt
import pytest

from domain.accounts.user import User
from domain.errors import ServiceUnavailable
from domain.sessions.session import Session
from infrastructure.tokens import base64url
from infrastructure.tokens.access_tokens import JwtAccessTokenIssuer, SessionClaims
from infrastructure.tokens.signing_keys import KeyState
from tests.support.builders import session_of, user_named
from tests.support.tokens import AUDIENCE, ISSUER, Deployment

USER = user_named("ada")
SESSION = session_of(USER.id)


@pytest.fixture
async def deployment() -> Deployment:
    return await Deployment.start()


def claims_of(text: str) -> dict[str, object]:
    claims: dict[str, object] = json.loads(base64url.decode(text.split(".")[1]))
    return claims


async def test_k05_k06_a_token_says_what_rfc_9068_asks_for_and_nothing_personal(deployment: Deployment) -> None:
    """K05, K06."""
    now = int(deployment.clock.now().timestamp())
    token = deployment.issuer.issue(USER, SESSION)
    claims = claims_of(token.text)
    assert len(str(claims.pop("jti"))) == 22
    assert claims == {
        "iss": ISSUER,
        "sub": str(USER.id),
        "aud": AUDIENCE,
        "exp": now + 300,
        "iat": now,
        "client_id": "first-party",
        "sid": str(SESSION.id),
        "auth_time": now,
        "amr": ["pwd"],
    }
    assert token.expires_in == 300
    header = jwt.get_unverified_header(token.text)
    assert header == {"typ": "at+jwt", "alg": "ES256", "kid": deployment.ring.signing.kid}


async def test_another_library_user_verifies_it_with_the_published_keys(deployment: Deployment) -> None:
    key_set = jwt.PyJWKSet.from_json(deployment.ring.jwks().decode())
    text = deployment.issuer.issue(USER, SESSION).text
    key = key_set[jwt.get_unverified_header(text)["kid"]]
    options: jwt.types.Options = {"verify_exp": False, "verify_iat": False, "require": ["exp", "iat", "sub", "jti"]}
    claims = jwt.decode(text, key, algorithms=["ES256"], audience=AUDIENCE, issuer=ISSUER, options=options)
    assert claims["sid"] == str(SESSION.id)


async def test_what_is_known_of_the_context_is_said(deployment: Deployment) -> None:
    authentication = replace(SESSION.authentication, context_class="urn:example:silver", scope="crm")
    claims = claims_of(deployment.issuer.issue(USER, replace(SESSION, authentication=authentication)).text)
    assert (claims["acr"], claims["scope"]) == ("urn:example:silver", "crm")


class Presumptuous(SessionClaims):
    def claims(self, user: User, session: Session) -> Mapping[str, object]:
        usurped = {"iss": "https://evil.example", "aud": "all", "exp": 2**40, "iat": 0, "jti": "same"}
        return {**super().claims(user, session), **usurped, "tenant": "t1"}


async def test_a_claims_source_adds_and_does_not_overrule(deployment: Deployment) -> None:
    issuer = JwtAccessTokenIssuer(
        ring=deployment.ring, clock=deployment.clock, claims_source=Presumptuous(), issuer=ISSUER, audience=AUDIENCE
    )
    text = issuer.issue(USER, SESSION).text
    assert claims_of(text)["tenant"] == "t1"
    assert deployment.verifier.verify(text).session_id == SESSION.id


@pytest.mark.parametrize("seconds", [-1, 0, 0.5, 901, 86_400])
async def test_a_lifetime_beyond_the_bounds_is_refused(deployment: Deployment, seconds: float) -> None:
    with pytest.raises(ValueError, match="1 to 900 seconds"):
        JwtAccessTokenIssuer(
            ring=deployment.ring,
            clock=deployment.clock,
            claims_source=SessionClaims(),
            issuer=ISSUER,
            audience=AUDIENCE,
            lifetime=timedelta(seconds=seconds),
        )


async def test_without_an_active_key_nothing_is_issued(deployment: Deployment) -> None:
    deployment.store.rows = {kid: replace(row, state=KeyState.REVOKED) for kid, row in deployment.store.rows.items()}
    await deployment.ring.reload()
    with pytest.raises(ServiceUnavailable):
        deployment.issuer.issue(USER, SESSION)
