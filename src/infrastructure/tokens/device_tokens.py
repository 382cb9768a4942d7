"""Device tokens: by them a device that somebody signed in from before is known again (L06). Read without a database.

A token is ``crm_dv_`` and the base64url (RFC 4648 5, without padding) of 63 bytes, 91 characters in all:

=========  =====  =============================================================================================
bytes      size   what
=========  =====  =============================================================================================
0          1      version, 1
1 to 16    16     user id
17 to 32   16     device id
33 to 36   4      version of the password, big endian
37 to 42   6      time of making, in milliseconds since 1970, big endian
43 to 58   16     HMAC-SHA256 under the service's key, cut, over prefix and the bytes before
59 to 62   4      CRC-32 (zlib's), big endian, over the prefix and the bytes before
=========  =====  =============================================================================================

It names nobody to whom it is shown, and proves nothing about a person. The checksum is for scanners for leaked
secrets, as that of refresh tokens is.
"""

import struct
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zlib import crc32

from application.sessions.ports import IssuedDeviceToken
from domain.sessions.known_device import KnownDevice
from infrastructure.tokens import base64url
from infrastructure.tokens.secret_keys import SecretKeys

PREFIX = "crm_dv_"
LENGTH = len(PREFIX) + 84
"""Characters."""

_BODY = struct.Struct(">B16s16sI6s")
_VERSION = 1
_MAC_SIZE = 16
_PURPOSE = "device-token/v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class DeviceTokenCodec:
    """Implements ``DeviceTokens``."""

    def __init__(self, secret_keys: SecretKeys, lifetime: timedelta) -> None:
        self._secret_keys = secret_keys
        self._lifetime = int(lifetime.total_seconds())

    def issue(self, device: KnownDevice) -> IssuedDeviceToken:
        """See the port."""
        made_at = ((device.made_at - _EPOCH) // _MILLISECOND).to_bytes(6)
        body = _BODY.pack(_VERSION, device.user_id.bytes, device.id.bytes, device.credential_version, made_at)
        data = body + self._secret_keys.mac(_PURPOSE, PREFIX.encode() + body, size=_MAC_SIZE)
        return IssuedDeviceToken(text=PREFIX + base64url.encode(data + _checksum(data)), expires_in=self._lifetime)

    def read(self, text: str) -> KnownDevice | None:
        """See the port: strictly, so that one token has one spelling."""
        if len(text) != LENGTH or not text.startswith(PREFIX):
            return None
        try:
            data = base64url.decode(text[len(PREFIX) :])
        except ValueError:
            return None
        body, mac, checksum = data[: _BODY.size], data[_BODY.size : -4], data[-4:]
        if _checksum(data[:-4]) != checksum or body[0] != _VERSION:
            return None
        if not self._secret_keys.verify_mac(_PURPOSE, PREFIX.encode() + body, mac, size=_MAC_SIZE):
            return None
        _, user_id, device_id, version, made_at = _BODY.unpack(body)
        return KnownDevice(
            id=UUID(bytes=device_id),
            user_id=UUID(bytes=user_id),
            credential_version=version,
            made_at=_EPOCH + int.from_bytes(made_at) * _MILLISECOND,
        )


def _checksum(data: bytes) -> bytes:
    return crc32(PREFIX.encode() + data).to_bytes(4)
