"""When something looks wrong in who is asking, and when nothing does."""

from dataclasses import replace

import pytest

from domain.self_check.sightings import Sightings, Suspicion, network_of, suspicions, together

PROXIED = Sightings(
    requests=60, addresses=1, agents=6, callers=20, networks=("10.0.0.0/24",), forwarders=(), by_public_host=60
)


@pytest.mark.parametrize("network", ["10.0.0.0/24", "127.0.0.0/8", "fd00::/64", "a Unix socket"])
def test_many_people_at_one_private_address_are_a_proxy(network: str) -> None:
    told = suspicions(replace(PROXIED, networks=(network,)))
    assert list(told) == [Suspicion.SHARED_ADDRESS]
    assert "is there a proxy?" in told[Suspicion.SHARED_ADDRESS]
    assert network in told[Suspicion.SHARED_ADDRESS]


@pytest.mark.parametrize(
    "seen",
    [
        replace(PROXIED, requests=49, by_public_host=49),
        replace(PROXIED, addresses=2),
        replace(PROXIED, agents=1, callers=3),
        replace(PROXIED, networks=("203.0.114.0/24",)),
        Sightings(),
    ],
    ids=["few requests", "two addresses", "one person", "an office on the internet", "nothing"],
)
def test_these_are_no_proxy(seen: Sightings) -> None:
    assert suspicions(seen) == {}


@pytest.mark.parametrize(
    ("network", "times", "is_told"),
    [("10.0.0.0/24", 3, True), ("10.0.0.0/24", 2, False), ("198.20.0.0/24", 20, True), ("198.20.0.0/24", 19, False)],
)
def test_a_forwarder_that_is_not_trusted_is_told_of(network: str, times: int, is_told: bool) -> None:
    seen = Sightings(requests=times, addresses=1, networks=(network,), forwarders=((network, times),), by_public_host=1)
    told = suspicions(seen)
    assert (Suspicion.UNTRUSTED_FORWARDER in told) == is_told
    assert not is_told or network in told[Suspicion.UNTRUSTED_FORWARDER]


def test_a_public_url_that_nobody_asks_for_is_told_of() -> None:
    assert list(suspicions(replace(PROXIED, addresses=9, by_public_host=0))) == [Suspicion.PUBLIC_URL_UNSEEN]


def test_what_one_process_saw_alone_is_no_share_of_all() -> None:
    other = replace(PROXIED, networks=("192.0.2.0/24",), forwarders=(("10.0.0.0/24", 2),))
    both = together([PROXIED, replace(other, forwarders=(("10.0.0.0/24", 1),)), other])
    assert (both.requests, both.addresses, both.forwarders) == (180, 2, (("10.0.0.0/24", 3),))
    assert Suspicion.SHARED_ADDRESS not in suspicions(both)
    assert suspicions(together([PROXIED, PROXIED])).keys() == suspicions(PROXIED).keys()


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.77", "192.0.2.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("127.0.0.1", "127.0.0.0/8"),
        ("::1", "::1/128"),
        (None, "a Unix socket"),
    ],
)
def test_of_an_address_its_network_is_told(address: str | None, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(
    "seen",
    [
        replace(PROXIED, agents=5, callers=1),
        replace(PROXIED, agents=1, callers=15),
        replace(PROXIED, requests=50, by_public_host=50),
    ],
    ids=["just enough kinds", "just enough callers", "just enough requests"],
)
def test_these_just_are(seen: Sightings) -> None:
    assert list(suspicions(seen)) == [Suspicion.SHARED_ADDRESS]


def test_what_is_told_says_how_many_and_who() -> None:
    """Fifty requests are enough; networks are told in one order."""
    forwarders = (("10.0.1.0/24", 3), ("10.0.0.0/24", 3))
    told = suspicions(replace(PROXIED, requests=50, by_public_host=0, forwarders=forwarders))
    assert "all of 50 requests share one address, of 10.0.0.0/24:" in told[Suspicion.SHARED_ADDRESS]
    assert "peer, of 10.0.0.0/24, 10.0.1.0/24, and" in told[Suspicion.UNTRUSTED_FORWARDER]
    assert "none of 50 requests named" in told[Suspicion.PUBLIC_URL_UNSEEN]


def test_what_several_saw_is_added_and_who_it_was_is_not() -> None:
    """The same clients may have come to each."""
    other = replace(PROXIED, agents=9, callers=3, by_public_host=1)
    assert together([PROXIED, other]) == replace(PROXIED, requests=120, agents=9, by_public_host=61)
