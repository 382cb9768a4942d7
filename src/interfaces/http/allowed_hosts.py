"""Which names the service answers to (T7, H08)."""

from collections.abc import Collection

from litestar.types import Scope

PROBED = frozenset({"/health/live", "/health/ready"})
"""Asked by probes, which know an address and no name; they tell nothing that depends on who asks."""


class AllowedHosts:
    """The values of `Host` that an operator admits, by default any.

    A value is compared whole and as it stands, port included, but for the case of its letters: a dot is a dot, and a
    list of names is no list of their subdomains. `X-Forwarded-Host` and its kin are never looked at: whoever can send
    a wrong `Host` can send those too.
    """

    def __init__(self, hosts: Collection[str] = ()) -> None:
        self._hosts = frozenset(host.encode("ascii") for host in hosts)

    def admit(self, scope: Scope) -> bool:
        """Whether the request names an admitted host, once, or is a probe's."""
        if not self._hosts:
            return True
        given = [value for name, value in scope["headers"] if name == b"host"]
        if len(given) == 1 and given[0].lower() in self._hosts:
            return True
        return scope["path"].removeprefix(scope.get("root_path", "")) in PROBED
