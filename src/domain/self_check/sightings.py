"""What a process has seen lately of who is asking, and what looks wrong about it.

An address that is not the client's is worse than none: limits then count all people as one source, or let each
guess come from another one (L04).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network, ip_network

ENOUGH_REQUESTS = 50
"""To say something of all."""
MANY_AGENTS = 5
"""Kinds of client, which one person does not have."""
MANY_CALLERS = 15
"""Pairs of client and token, which one person does not have either, unless for tests."""
FEW_FORWARDED = 3
"""Requests by a proxy that is not trusted, before they are told of; from the internet anybody may claim to be one."""
MANY_FORWARDED = 20
"""The same where the peer is of the internet."""


class Suspicion(StrEnum):
    """What looks wrong; the value is the label of its metric."""

    SHARED_ADDRESS = "shared_address"
    """All requests seem to come from one address that is not of the internet."""
    UNTRUSTED_FORWARDER = "untrusted_forwarder"
    """Somebody who is not trusted says whom they ask for."""
    PUBLIC_URL_UNSEEN = "public_url_unseen"
    """Nobody asks for the host of the public URL."""


_SHARED_ADDRESS = (
    "all of {} requests share one address, of {}: is there a proxy? Name it in CRM_AUTH_TRUSTED_PROXIES, or all people"
    " share one limit"
)
_UNTRUSTED_FORWARDER = (
    "a forwarded header comes from an untrusted peer, of {}, and is not read: if that is your proxy, name it in"
    " CRM_AUTH_TRUSTED_PROXIES; else somebody tries to look like another"
)
_PUBLIC_URL_UNSEEN = (
    "none of {} requests named the host of CRM_AUTH_PUBLIC_URL, which links and tokens name: is that right, and does"
    " the proxy pass the Host header on?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """Counts of about the last ten minutes; what is kept of addresses is their network, and of clients nothing.

    ``agents`` and ``callers`` are lower bounds. ``networks`` are those of the clients' addresses, at most two: all that
    matters is whether there is another. ``forwarders`` are networks of peers that are not trusted and forwarded, with
    how often.
    """

    requests: int = 0
    addresses: int = 0
    agents: int = 0
    callers: int = 0
    networks: tuple[str, ...] = ()
    forwarders: tuple[tuple[str, int], ...] = ()
    by_public_host: int = 0


def together(all_sightings: Iterable[Sightings]) -> Sightings:
    """Of several processes that see a share each: a share of one address is nothing that another does not show."""
    requests = addresses = agents = callers = by_public_host = 0
    networks: dict[str, None] = {}
    forwarders: dict[str, int] = {}
    for each in all_sightings:
        requests, by_public_host = requests + each.requests, by_public_host + each.by_public_host
        addresses = max(addresses, each.addresses)
        agents, callers = max(agents, each.agents), max(callers, each.callers)
        networks |= dict.fromkeys(each.networks)
        for network, times in each.forwarders:
            forwarders[network] = forwarders.get(network, 0) + times
    return Sightings(
        requests=requests,
        addresses=max(addresses, len(networks)),
        agents=agents,
        callers=callers,
        networks=tuple(networks),
        forwarders=tuple(forwarders.items()),
        by_public_host=by_public_host,
    )


def suspicions(seen: Sightings) -> dict[Suspicion, str]:
    """What looks wrong, and a sentence for the operator on each: networks, and nothing more of anybody (G02)."""
    return dict(_suspicions(seen))


def _suspicions(seen: Sightings) -> Iterator[tuple[Suspicion, str]]:
    if _share_an_address(seen):
        yield Suspicion.SHARED_ADDRESS, _SHARED_ADDRESS.format(seen.requests, seen.networks[0])
    if strangers := [network for network, times in seen.forwarders if times >= _enough(network)]:
        yield Suspicion.UNTRUSTED_FORWARDER, _UNTRUSTED_FORWARDER.format(", ".join(sorted(strangers)))
    if seen.requests >= ENOUGH_REQUESTS and not seen.by_public_host:
        yield Suspicion.PUBLIC_URL_UNSEEN, _PUBLIC_URL_UNSEEN.format(seen.requests)


def _share_an_address(seen: Sightings) -> bool:
    several = seen.agents >= MANY_AGENTS or seen.callers >= MANY_CALLERS
    alone = seen.addresses == 1 and len(seen.networks) == 1
    return alone and several and seen.requests >= ENOUGH_REQUESTS and not _of_the_internet(seen.networks[0])


def _enough(network: str) -> int:
    return MANY_FORWARDED if _of_the_internet(network) else FEW_FORWARDED


def _of_the_internet(network: str) -> bool:
    return network != NO_NETWORK and ip_network(network).is_global


NO_NETWORK = "a Unix socket"
"""What stands for the network of a peer without an address."""


def network_of(address: str | None) -> str:
    """What is told of an address: its IPv4 /24 or IPv6 /64, and of this machine itself."""
    if address is None:
        return NO_NETWORK
    network: IPv4Network | IPv6Network = ip_network(address)
    if network.is_loopback:
        return "127.0.0.0/8" if network.version == 4 else "::1/128"  # noqa: PLR2004 - the protocol's version
    return str(network.supernet(new_prefix=24 if network.version == 4 else 64))  # noqa: PLR2004 - as above
