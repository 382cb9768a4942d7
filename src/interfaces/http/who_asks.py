"""A running look at who is asking: whether the addresses that are seen can be the clients' own."""

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from litestar.types import Scope

from domain.self_check.sightings import Sightings, network_of
from interfaces.http.client_address import ClientAddress

WINDOW = 300.0
"""Seconds. What is told is of the window that goes on and of the one before."""
PER_WINDOW = 512
"""Requests that are looked at; the others cost nothing. A flood of one kind may hide others for as long as it lasts."""
_AT_MOST = 64
"""Different things that are told apart."""
_NETWORKS = 8
_NOT_CLIENTS = ("/health/", "/metrics")
"""Asked by machines of the operator's."""


@dataclass(slots=True)
class _Window:
    requests: int = 0
    addresses: set[str | None] = field(default_factory=set)
    agents: set[int] = field(default_factory=set)
    callers: set[int] = field(default_factory=set)
    forwarders: dict[str, int] = field(default_factory=dict)
    by_public_host: int = 0


class WhoAsks:
    """Looks at some of the requests. Keeps hashes and counts, in memory alone; tells networks."""

    def __init__(self, client_address: ClientAddress, public_url: str) -> None:
        self._client_address = client_address
        self._host = urlsplit(public_url).netloc.encode().lower()
        self._now, self._before = _Window(), _Window()
        self._left = PER_WINDOW

    def see(self, scope: Scope) -> None:
        """Look at a request, if it is one of those that are."""
        if self._left <= 0 or scope["path"].startswith(_NOT_CLIENTS):
            return
        self._left -= 1
        window = self._now
        window.requests += 1
        headers = dict(scope["headers"])
        agent = hash(headers.get(b"user-agent"))
        _add(window.addresses, self._client_address.of(scope))
        _add(window.agents, agent)
        _add(window.callers, hash((agent, headers.get(b"authorization"))))
        window.by_public_host += headers.get(b"host", b"").lower() == self._host
        if self._client_address.is_forwarded_by_a_stranger(scope):
            self._note_forwarder(window, scope)

    def turn(self) -> None:
        """A window is over: the next begins."""
        self._now, self._before = _Window(), self._now
        self._left = PER_WINDOW

    def sightings(self) -> Sightings:
        """Of the window that goes on and of the one before."""
        both = (self._now, self._before)
        addresses = set().union(*(each.addresses for each in both))
        forwarders: dict[str, int] = {}
        for each in both:
            for network, times in each.forwarders.items():
                forwarders[network] = forwarders.get(network, 0) + times
        return Sightings(
            requests=sum(each.requests for each in both),
            addresses=len(addresses),
            agents=len(set().union(*(each.agents for each in both))),
            callers=len(set().union(*(each.callers for each in both))),
            networks=tuple(sorted({network_of(address) for address in addresses}))[:2],
            forwarders=tuple(sorted(forwarders.items())),
            by_public_host=sum(each.by_public_host for each in both),
        )

    def _note_forwarder(self, window: _Window, scope: Scope) -> None:
        network = network_of(self._client_address.peer_of(scope))
        if network in window.forwarders or len(window.forwarders) < _NETWORKS:
            window.forwarders[network] = window.forwarders.get(network, 0) + 1


def _add(seen: "set[int] | set[str | None]", value: object) -> None:
    if len(seen) < _AT_MOST:
        seen.add(value)  # type: ignore[arg-type]  # each set is given what it is of
