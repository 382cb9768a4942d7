"""Project Wycheproof's vectors for ES256: signatures that careless verifiers took."""

import json
from pathlib import Path

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from infrastructure.tokens.signing_keys import ALGORITHM, KeyState, SigningKey
from tests.support.builders import NOON

PUBLISHED = json.loads((Path(__file__).parent / "wycheproof" / "es256.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def key() -> SigningKey:
    public_key = ECAlgorithm.from_jwk(PUBLISHED["key"])
    assert isinstance(public_key, ec.EllipticCurvePublicKey)
    return SigningKey(
        kid=PUBLISHED["key"]["kid"],
        algorithm=ALGORITHM,
        state=KeyState.RETIRED,
        public_key=public_key,
        private_key=None,
        created_at=NOON,
    )


@pytest.mark.parametrize("vector", PUBLISHED["vectors"], ids=lambda vector: f"{vector['id']} {vector['comment']}")
def test_k16_what_must_fail_fails(key: SigningKey, vector: dict[str, str]) -> None:
    if vector["result"] == "valid":
        assert key.verify(vector["jws"]) == b"foo"
    else:
        with pytest.raises(jwt.PyJWTError):
            key.verify(vector["jws"])
