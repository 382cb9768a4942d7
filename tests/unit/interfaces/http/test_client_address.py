"""`X-Forwarded-For` is read right to left, and through trusted proxies only."""

from ipaddress import ip_network
from typing import Any

import pytest

from interfaces.http.client_address import ClientAddress

PROXIES = [ip_network("10.0.0.0/8"), ip_network("2001:db8:ffff::/48")]


def scope(peer: str | None, *forwarded: str, **headers: str) -> Any:
    raw = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    raw += [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": None if peer is None else (peer, 1234), "headers": raw}


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        pytest.param("198.51.100.1", [], "198.51.100.1", id="no proxy"),
        pytest.param("198.51.100.1", ["203.0.113.9"], "198.51.100.1", id="a stranger's header is not read"),
        pytest.param("10.0.0.1", [], "10.0.0.1", id="a proxy's own request"),
        pytest.param("10.0.0.1", ["203.0.113.9"], "203.0.113.9", id="one proxy"),
        pytest.param("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9", id="what the client wrote is not believed"),
        pytest.param("10.0.0.1", ["1.1.1.1, 203.0.113.9, 10.2.3.4"], "203.0.113.9", id="two proxies"),
        pytest.param("10.0.0.1", ["1.1.1.1", "203.0.113.9"], "203.0.113.9", id="two headers, in their order"),
        pytest.param("10.0.0.1", ["10.9.9.9, 10.8.8.8"], "10.9.9.9", id="proxies all the way"),
        pytest.param("10.0.0.1", ["203.0.113.9, unknown"], "10.0.0.1", id="a malformed entry ends the walk"),
        pytest.param("10.0.0.1", ["203.0.113.9, , 10.1.1.1"], "10.1.1.1", id="so does an empty one"),
        pytest.param("10.0.0.1", ["203.0.113.9,\x00"], "10.0.0.1", id="and a control character"),
        pytest.param("10.0.0.1", ["9" * 5000], "10.0.0.1", id="and an endless one"),
        pytest.param("10.0.0.1", ["010.1.1.1"], "10.0.0.1", id="and an octal one"),
        pytest.param("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9", id="port"),
        pytest.param("10.0.0.1", ["[2001:DB8::1]:4711"], "2001:db8::1", id="brackets and port"),
        pytest.param("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1", id="brackets"),
        pytest.param("10.0.0.1", ["2001:0db8:0::0001"], "2001:db8::1", id="canonical text"),
        pytest.param("10.0.0.1", ["fe80::1%eth0"], "fe80::1", id="a zone is of this machine only"),
        pytest.param("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9", id="mapped client"),
        pytest.param("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9", id="mapped proxy"),
        pytest.param("2001:db8:ffff::1", ["203.0.113.9"], "203.0.113.9", id="proxy on IPv6"),
        pytest.param(None, ["203.0.113.9"], "203.0.113.9", id="unix socket"),
        pytest.param(None, ["1.1.1.1, 203.0.113.9, 10.1.1.1"], "203.0.113.9", id="unix socket and a proxy"),
        pytest.param(None, ["junk"], None, id="unix socket and no address"),
        pytest.param(None, [], None, id="unix socket without the header"),
        pytest.param("", [], None, id="a peer without address"),
    ],
)
def test_the_client_behind_trusted_proxies(peer: str | None, forwarded: list[str], expected: str | None) -> None:
    assert ClientAddress(PROXIES).of(scope(peer, *forwarded)) == expected


@pytest.mark.parametrize("peer", ["10.0.0.1", "127.0.0.1", None])
def test_l04_nobody_is_trusted_by_default(peer: str | None) -> None:
    assert ClientAddress().of(scope(peer, "203.0.113.9")) == peer


@pytest.mark.parametrize("header", ["forwarded", "x_real_ip", "x_client_ip", "true_client_ip", "cf_connecting_ip"])
def test_other_headers_are_ignored(header: str) -> None:
    assert ClientAddress(PROXIES).of(scope("10.0.0.1", **{header: "for=203.0.113.9"})) == "10.0.0.1"
