"""The keys of the audit log as they are kept: sealed under a key derived from one of the deployment's data keys.

A change of ``CRM_AUTH_SECRET_KEY`` therefore seals one key anew, and not one for each user.
"""

import os
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from infrastructure.audit.personal import KEY_SIZE, AesGcmPersonalCipher
from infrastructure.tokens.data_keys import DataKey

_CIPHER = AesGcmPersonalCipher()


class AuditKeyUnreadable(Exception):
    """A key of the audit log was altered, or sealed under another deployment's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedSigningKey:
    """A signing key as it is kept: one row."""

    key_id: str
    public_key: bytes
    sealed_private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AuditKeyWrap:
    """Makes keys, and seals and opens them."""

    data_key: DataKey

    def new_owner_key(self, owner: str) -> tuple[bytes, bytes]:
        """A key for what is personal, and as it is kept."""
        key = os.urandom(KEY_SIZE)
        return key, self._seal(key, f"owner {owner}")

    def owner_key(self, owner: str, sealed: bytes) -> bytes:
        """The key that is kept. Raises AuditKeyUnreadable."""
        return self._unseal(sealed, f"owner {owner}")

    def new_signing_key(self) -> SealedSigningKey:
        """A key that signs heads (Ed25519, RFC 8032)."""
        private_key = Ed25519PrivateKey.generate()
        public_key = private_key.public_key().public_bytes_raw()
        sealed = self._seal(private_key.private_bytes_raw(), f"signing {key_id_of(public_key)}")
        return SealedSigningKey(key_id=key_id_of(public_key), public_key=public_key, sealed_private_key=sealed)

    def signing_key(self, kept: SealedSigningKey) -> Ed25519PrivateKey:
        """The key that is kept. Raises AuditKeyUnreadable.

        Its public part is what follows from the sealed private one, never what the row says: whoever can write rows
        gives us no key of theirs to trust.
        """
        private_key = Ed25519PrivateKey.from_private_bytes(
            self._unseal(kept.sealed_private_key, f"signing {kept.key_id}")
        )
        if key_id_of(private_key.public_key().public_bytes_raw()) != kept.key_id:
            raise AuditKeyUnreadable(f"the key {kept.key_id} is another one")
        return private_key

    def _seal(self, key: bytes, bound_to: str) -> bytes:
        return _CIPHER.seal(self.data_key.derived("audit/keys/v1"), key, bound_to)

    def _unseal(self, sealed: bytes, bound_to: str) -> bytes:
        key = _CIPHER.unseal(self.data_key.derived("audit/keys/v1"), sealed, bound_to)
        if key is None:
            raise AuditKeyUnreadable(f"cannot open the key of the audit log for {bound_to}")
        return key


class Ed25519HeadSigner:
    """Implements ``application.audit.ports.HeadSigner`` by the keys of the deployment."""

    def __init__(self, key_id: str, keys: dict[str, Ed25519PrivateKey]) -> None:
        """``key_id`` is that of the one of ``keys`` that signs."""
        self.key_id = key_id
        self._signing = keys[key_id]
        self._public: dict[str, Ed25519PublicKey] = {each: key.public_key() for each, key in keys.items()}

    def sign(self, message: bytes) -> bytes:
        """See the port."""
        return self._signing.sign(message)

    def is_ours(self, key_id: str, message: bytes, signature: bytes) -> bool:
        """See the port."""
        if key_id not in self._public:
            return False
        try:
            self._public[key_id].verify(signature, message)
        except InvalidSignature:
            return False
        return True


def pem_of(public_key: bytes) -> str:
    """A public key as files have it (RFC 8410)."""
    key = Ed25519PublicKey.from_public_bytes(public_key)
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id_of(public_key: bytes) -> str:
    """What a key is called in heads: the beginning of its hash."""
    return sha256(public_key).hexdigest()[:16]
