"""Counters of attempts by the generic cell rate algorithm (ITU-T I.371): one time a counter, exact at any burst.

The time kept is when the counter would be empty again. An attempt moves it on by one interval, and is refused when that
would bring it further than a whole period ahead.
"""

import ipaddress
import math
from collections.abc import Mapping
from datetime import datetime

from domain.errors import TooManyAttempts
from tests.support.world import Limit

Allowance = tuple[str, bytes]
"""Rule and subject."""


def count(
    arrivals: dict[Allowance, datetime], limits: Mapping[str, Limit], allowance: Allowance, now: datetime
) -> None:
    """Count one attempt. Raises TooManyAttempts, and then counts nothing."""
    limit = limits[allowance[0]]
    empty_at = max(arrivals.get(allowance, now), now) + limit.interval
    if empty_at - now > limit.period:
        raise TooManyAttempts(retry_after=math.ceil((empty_at - limit.period - now).total_seconds()))
    arrivals[allowance] = empty_at


def give_back(arrivals: dict[Allowance, datetime], limits: Mapping[str, Limit], allowance: Allowance) -> None:
    """Take one attempt off a counter."""
    arrivals[allowance] -= limits[allowance[0]].interval


def source_of(ip_address: str) -> bytes:
    """Whom to count an address as: IPv4 by itself, IPv6 by the /64 that one subscriber gets (L04)."""
    address = ipaddress.ip_address(ip_address)
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return ipaddress.ip_network((address, 64), strict=False).network_address.packed
        address = address.ipv4_mapped
    return address.packed
