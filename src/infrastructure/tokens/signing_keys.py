"""The keys that sign access tokens, in use and as they are kept.

A key passes through four states (K07, K08): *next* is published and does not sign yet, *active* signs, *retired*
is published while tokens it signed may live, *revoked* is neither published nor trusted.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Protocol

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)
from jwt.algorithms import ECAlgorithm

from infrastructure.tokens import base64url
from infrastructure.tokens.secret_keys import CannotUnseal, SecretKeys

ALGORITHM = "ES256"

_PURPOSE = "signing-key/v1"
_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
_ECDSA = ec.ECDSA(SHA256())
_SCALAR_SIZE = 32
"""Bytes of each half of a signature on P-256."""


class KeyState(StrEnum):
    """Where a key is in its life."""

    NEXT = "next"
    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


class SigningKeyUnreadable(Exception):
    """The private part of a key cannot be had. The message tells the operator what to do."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StoredSigningKey:
    """A key as it is kept: one row. Worth nothing without the secret keys (K09)."""

    kid: str
    algorithm: str
    state: KeyState
    public_jwk: dict[str, str]
    sealed_private_key: bytes
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None

    def __repr__(self) -> str:
        return f"StoredSigningKey(kid={self.kid}, state={self.state.value})"


class SigningKeyStore(Protocol):
    """Where the deployment keeps its keys: one set for all nodes."""

    async def load(self) -> list[StoredSigningKey]:
        """All keys, the oldest first. Raises ServiceUnavailable."""
        ...

    async def replace_sealed(self, kid: str, *, old: bytes, new: bytes) -> None:
        """Store the sealed key ``new`` where it still is ``old``. Raises ServiceUnavailable."""
        ...

    async def create_first(self, make: Callable[[], list[StoredSigningKey]]) -> list[StoredSigningKey]:
        """Store what ``make`` gives, unless there are keys; all keys there are then.

        Of any number of nodes and workers that start at once one makes keys, and all get those. Raises
        ServiceUnavailable.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class SigningKey:
    """A key in use. It knows its one algorithm, which is therefore never a token's to choose (K01)."""

    kid: str
    algorithm: str
    state: KeyState
    public_key: ec.EllipticCurvePublicKey
    private_key: ec.EllipticCurvePrivateKey | None
    """``None`` once the key only verifies."""
    created_at: datetime
    activated_at: datetime | None = None
    retired_at: datetime | None = None

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid}, state={self.state.value})"

    @classmethod
    def generate(cls, state: KeyState, now: datetime) -> "SigningKey":
        """A new key on P-256."""
        private_key = ec.generate_private_key(ec.SECP256R1())
        return cls(
            kid=thumbprint(ECAlgorithm.to_jwk(private_key.public_key(), as_dict=True)),
            algorithm=ALGORITHM,
            state=state,
            public_key=private_key.public_key(),
            private_key=private_key,
            created_at=now,
            activated_at=now if state is KeyState.ACTIVE else None,
        )

    @property
    def public_jwk(self) -> dict[str, str]:
        """The public part as an RFC 7517 key, with what it is for."""
        jwk = ECAlgorithm.to_jwk(self.public_key, as_dict=True)
        return {**jwk, "use": "sig", "alg": self.algorithm, "kid": self.kid}

    def sign(self, payload: bytes, typ: str) -> str:
        """The payload as a signed compact JWS (RFC 7515 7.1). Raises ValueError for a key that only verifies.

        The signature is put together here (RFC 7518 3.4): PyJWT's way through DER and hexadecimal costs a fifth as much
        as the signing. Verifying, where a mistake would let somebody in, stays PyJWT's.
        """
        if self.private_key is None:
            raise ValueError(f"{self} does not sign")
        signed = f"{_header(self.algorithm, self.kid, typ)}.{base64url.encode(payload)}"
        r, s = decode_dss_signature(self.private_key.sign(signed.encode(), _ECDSA))
        return f"{signed}.{base64url.encode(r.to_bytes(_SCALAR_SIZE) + s.to_bytes(_SCALAR_SIZE))}"

    def verify(self, text: str) -> bytes:
        """The payload of a compact JWS that this key signed. Raises jwt.PyJWTError for any other text."""
        payload: bytes = _JWS.decode(text, self.public_key, algorithms=[self.algorithm])
        return payload

    def sealed(self, secret_keys: SecretKeys) -> StoredSigningKey:
        """The key as it is to be kept. Raises ValueError for one that only verifies."""
        if self.private_key is None:
            raise ValueError(f"{self} has no private part")
        private_key = self.private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return StoredSigningKey(
            kid=self.kid,
            algorithm=self.algorithm,
            state=self.state,
            public_jwk=self.public_jwk,
            sealed_private_key=secret_keys.seal(_PURPOSE, private_key, _bound_to(self.kid, self.algorithm)),
            created_at=self.created_at,
            activated_at=self.activated_at,
            retired_at=self.retired_at,
        )

    @classmethod
    def unsealed(cls, stored: StoredSigningKey, secret_keys: SecretKeys) -> "SigningKey":
        """The key that is kept. Raises SigningKeyUnreadable.

        The public part comes from the sealed private one, never from the row: whoever can write rows, but does not
        know the secret, can thus give us no key of theirs to trust.
        """
        bound_to = _bound_to(stored.kid, stored.algorithm)
        try:
            private_key = load_der_private_key(secret_keys.unseal(_PURPOSE, stored.sealed_private_key, bound_to), None)
        except CannotUnseal as error:
            raise SigningKeyUnreadable(
                f"The signing key {stored.kid} was {error}. If CRM_AUTH_SECRET_KEY was changed, give the value it had"
                " as well, behind the new one; if that is lost, revoke this key: tokens it signed end with it."
            ) from None
        if not isinstance(private_key, ec.EllipticCurvePrivateKey) or stored.algorithm != ALGORITHM:
            raise SigningKeyUnreadable(f"The signing key {stored.kid} is of a kind this version does not know.")
        signs = stored.state in {KeyState.NEXT, KeyState.ACTIVE}
        return cls(
            kid=stored.kid,
            algorithm=stored.algorithm,
            state=stored.state,
            public_key=private_key.public_key(),
            private_key=private_key if signs else None,
            created_at=stored.created_at,
            activated_at=stored.activated_at,
            retired_at=stored.retired_at,
        )


@lru_cache(maxsize=16)
def _header(algorithm: str, kid: str, typ: str) -> str:
    """The JOSE header, the same for all tokens of a key: encoding it anew is a fifth of what a signature costs."""
    return base64url.encode(json.dumps({"alg": algorithm, "kid": kid, "typ": typ}, separators=(",", ":")).encode())


def resealed(stored: StoredSigningKey, secret_keys: SecretKeys) -> bytes | None:
    """The sealed private key under the newest secret, unless it is so already. Raises CannotUnseal."""
    return secret_keys.resealed(_PURPOSE, stored.sealed_private_key, _bound_to(stored.kid, stored.algorithm))


def thumbprint(jwk: dict[str, str]) -> str:
    """The ``kid`` of an elliptic-curve key: its RFC 7638 thumbprint, SHA-256 in base64url."""
    members = ",".join(f'"{name}":"{jwk[name]}"' for name in ("crv", "kty", "x", "y"))
    return base64url.encode(sha256(f"{{{members}}}".encode()).digest())


def _bound_to(kid: str, algorithm: str) -> bytes:
    """A sealed key opens only as the key it is."""
    return f"{kid} {algorithm}".encode()
