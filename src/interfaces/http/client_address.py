"""The address a request comes from, proxies taken off."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from litestar.types import Scope

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

FORWARDING_HEADERS = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})
"""By which a request tells that it came by a proxy."""

_TEXT_MAX_LENGTH = 128
"""No address is longer; keeps what is remembered of strangers small."""


class ClientAddress:
    """Finds the client behind proxies that the operator trusts, by default none (T6).

    Every proxy appends the address it was called from to `X-Forwarded-For`, and a client can write anything to the
    left of that. So the header is read from the right, and only as far as each hop is a trusted proxy. `Forwarded`,
    `X-Real-IP` and their kin are ignored: a proxy that does not set them passes on whatever the client wrote.
    """

    def __init__(self, trusted_proxies: Sequence[Network] = ()) -> None:
        self._trusted_proxies = tuple(trusted_proxies)

    def of(self, scope: Scope) -> str | None:
        """The address in its canonical text, without port or zone; None when nothing tells it.

        A peer on a Unix socket has no address. It is a proxy on this machine, and believed once any proxy is trusted.
        """
        if not self._trusted_proxies:
            return self.peer_of(scope)
        address = self._walk(_peer(scope), _forwarded_for(scope["headers"]))
        return None if address is None else str(address)

    def peer_of(self, scope: Scope) -> str | None:
        """The address at the other end of the connection; None on a Unix socket."""
        peer = scope.get("client")
        return _canonical(peer[0]) if peer and len(peer[0]) <= _TEXT_MAX_LENGTH else None

    def is_forwarded_by_a_stranger(self, scope: Scope) -> bool:
        """Whether a proxy that is not trusted says whom it asks for, so that the address is the proxy's (T6)."""
        names = {name for name, _ in scope["headers"]}
        if names.isdisjoint(FORWARDING_HEADERS):
            return False
        address = _peer(scope)
        return not self._trusted_proxies or not (address is None or self._trusts(address))

    def _walk(self, address: Address | None, hops: list[str]) -> Address | None:
        while hops and (address is None or self._trusts(address)):
            hop = _parse(hops.pop())
            if hop is None:
                # Nothing to the left of an entry that is no address can be told from what a client wrote.
                break
            address = hop
        return address

    def _trusts(self, address: Address) -> bool:
        return any(address in network for network in self._trusted_proxies)


def _peer(scope: Scope) -> Address | None:
    peer = scope.get("client")
    return _parse(peer[0]) if peer else None


@lru_cache(maxsize=1024)
def _canonical(peer: str) -> str | None:
    address = _parse(peer)
    return None if address is None else str(address)


def _forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> list[str]:
    values = [value for name, value in headers if name == b"x-forwarded-for"]
    return b",".join(values).decode("latin-1").split(",") if values else []


def _parse(text: str) -> Address | None:
    """An address as proxies write it: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`."""
    return _parse_short(text.strip()) if len(text) <= _TEXT_MAX_LENGTH else None


@lru_cache(maxsize=1024)
def _parse_short(host: str) -> Address | None:
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        # A zone (`fe80::1%eth0`) means something on this machine only.
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    # A socket that listens on both protocols sees IPv4 clients as ::ffff:192.0.2.1; limits must see one client.
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
