import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from unittest.mock import Mock

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from infrastructure.tokens.secret_keys import SecretKeys
from infrastructure.tokens.signing_keys import KeyState, SigningKey, SigningKeyUnreadable, thumbprint
from tests.support.tokens import OTHER_SECRET, SECRET, b64

NOW = datetime(2030, 1, 1, tzinfo=UTC)
KEYS = SecretKeys([SECRET])


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.generate(KeyState.ACTIVE, NOW)


def test_a_key_is_named_by_its_thumbprint(key: SigningKey) -> None:
    """RFC 7638 3: the required members, sorted, without white space."""
    required = {name: key.public_jwk[name] for name in ("kty", "crv", "x", "y")}
    canonical = json.dumps(required, sort_keys=True, separators=(",", ":"))
    assert key.kid == b64(sha256(canonical.encode()).digest())


def test_the_thumbprint_of_a_known_key() -> None:
    """The key of RFC 7517 A.1, by the name that other implementations give it."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
        "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
        "use": "enc",
        "kid": "1",
    }
    assert thumbprint(jwk) == "cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s"


def test_k07_the_public_part_holds_nothing_private(key: SigningKey) -> None:
    assert key.public_jwk.keys() == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert (key.public_jwk["use"], key.public_jwk["alg"], key.public_jwk["crv"]) == ("sig", "ES256", "P-256")
    assert {len(base64.urlsafe_b64decode(key.public_jwk[name] + "=")) for name in "xy"} == {32}


def test_coordinates_keep_their_leading_zeros() -> None:
    """RFC 7518 6.2.1.2: one key in 128 has one."""
    keys = [SigningKey.generate(KeyState.NEXT, NOW) for _ in range(400)]
    assert {len(key.public_jwk[name]) for key in keys for name in "xy"} == {43}
    assert all(key.kid == thumbprint(key.public_jwk) for key in keys)


def test_a_signature_keeps_its_leading_zeros(key: SigningKey) -> None:
    """RFC 7518 3.4: 64 bytes, whatever the numbers; one signature in 128 has a short one."""
    fixed = Mock(spec=ec.EllipticCurvePrivateKey)
    fixed.sign.return_value = encode_dss_signature(1, 2)
    signature = replace(key, private_key=fixed).sign(b"payload", "at+jwt").rpartition(".")[2]
    assert base64.urlsafe_b64decode(signature + "==") == (1).to_bytes(32) + (2).to_bytes(32)


def test_a_key_verifies_what_it_signed(key: SigningKey) -> None:
    text = key.sign(b"payload", "at+jwt")
    assert key.verify(text) == b"payload"
    assert jwt.get_unverified_header(text) == {"typ": "at+jwt", "alg": "ES256", "kid": key.kid}
    with pytest.raises(jwt.PyJWTError):
        SigningKey.generate(KeyState.ACTIVE, NOW).verify(text)


@pytest.mark.parametrize("state", [KeyState.NEXT, KeyState.ACTIVE])
def test_a_key_comes_back_from_where_it_is_kept(state: KeyState) -> None:
    key = SigningKey.generate(state, NOW)
    stored = key.sealed(KEYS)
    again = SigningKey.unsealed(stored, KEYS)
    assert again.sealed(KEYS).public_jwk == stored.public_jwk == key.public_jwk
    assert (again.kid, again.state, again.created_at, again.activated_at) == (key.kid, state, NOW, key.activated_at)
    assert key.verify(again.sign(b"payload", "at+jwt")) == b"payload"
    assert key.activated_at == (NOW if state is KeyState.ACTIVE else None)


def test_a_retired_key_only_verifies(key: SigningKey) -> None:
    retired = SigningKey.unsealed(replace(key.sealed(KEYS), state=KeyState.RETIRED, retired_at=NOW), KEYS)
    assert retired.verify(key.sign(b"payload", "at+jwt")) == b"payload"
    for use in (lambda: retired.sign(b"payload", "at+jwt"), lambda: retired.sealed(KEYS)):
        with pytest.raises(ValueError, match=key.kid):
            use()


def test_with_another_secret_the_operator_is_told_what_to_do(key: SigningKey) -> None:
    with pytest.raises(SigningKeyUnreadable, match=f"{key.kid} .* CRM_AUTH_SECRET_KEY was changed, give the value"):
        SigningKey.unsealed(key.sealed(KEYS), SecretKeys([OTHER_SECRET]))
    assert SigningKey.unsealed(key.sealed(KEYS), SecretKeys([OTHER_SECRET, SECRET])).kid == key.kid


def test_a_row_with_the_key_of_another_is_refused(key: SigningKey) -> None:
    other = SigningKey.generate(KeyState.NEXT, NOW).sealed(KEYS)
    with pytest.raises(SigningKeyUnreadable):
        SigningKey.unsealed(replace(other, kid=key.kid), KEYS)
    with pytest.raises(SigningKeyUnreadable):
        SigningKey.unsealed(replace(other, algorithm="RS256"), KEYS)


def test_whoever_writes_rows_gives_us_no_public_key_of_theirs(key: SigningKey) -> None:
    theirs = SigningKey.generate(KeyState.ACTIVE, NOW)
    row = replace(key.sealed(KEYS), public_jwk={**theirs.public_jwk, "kid": key.kid})
    assert SigningKey.unsealed(row, KEYS).public_jwk == key.public_jwk


def test_g02_nothing_private_is_printed(key: SigningKey) -> None:
    assert repr(key) == f"SigningKey(kid={key.kid}, state=active)"
    assert repr(key.sealed(KEYS)) == f"StoredSigningKey(kid={key.kid}, state=active)"
