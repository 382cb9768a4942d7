"""The public keys of the access tokens, for services that trust ours."""

from typing import Any, Protocol

from litestar import get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import SkipValidation
from litestar.response.base import ASGIResponse
from msgspec import Struct

from interfaces.http.problem_responses import problems

JWK_SET_MEDIA_TYPE = "application/jwk-set+json"
MAX_AGE_SECONDS = 300
"""How long a verifier may keep the set: a new key is in it for longer before it signs (K07)."""

TAG = "Tokens"


class JwksSource(Protocol):
    """Has the set ready; no database is asked for it (D07)."""

    def jwks(self) -> bytes:
        """A JWK set (RFC 7517 5) of public keys, as JSON."""
        ...


class JwkSet(Struct, frozen=True, kw_only=True):
    """A JWK set (RFC 7517 5) of public keys: each with `kty`, `use`, `alg`, `kid` and the parts of its kind."""

    keys: list[dict[str, Any]]


@get(
    "/.well-known/jwks.json",
    operation_id="getJwks",
    tags=[TAG],
    summary="Read the keys that access tokens are verified with",
    description="Verify the signature by the token's `kid`, then `typ` `at+jwt`, `iss`, `aud` and `exp` (RFC 9068 4)."
    " Fetch the set again for a `kid` it does not have, once a minute at most.",
    responses={
        200: ResponseSpec(JwkSet, description="The set.", media_type=JWK_SET_MEDIA_TYPE, generate_examples=False),
        **problems(),
    },
)
async def get_jwks(jwks: NamedDependency[SkipValidation[JwksSource]]) -> ASGIResponse:
    """Hand out the set."""
    return ASGIResponse(
        body=jwks.jwks(),
        media_type=JWK_SET_MEDIA_TYPE,
        headers={"Cache-Control": f"public, max-age={MAX_AGE_SECONDS}"},
    )
