"""What is looked at in requests, and what is kept of them."""

from dataclasses import asdict
from ipaddress import ip_network
from typing import Any

from domain.self_check.sightings import Suspicion, suspicions
from interfaces.http.client_address import ClientAddress
from interfaces.http.who_asks import PER_WINDOW, WhoAsks
from tests.unit.interfaces.http.fake_service import FakeService, client_of


def asked(peer: str | None = "10.0.0.9", path: str = "/v1/users/me", **headers: str) -> Any:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"path": path, "client": (peer, 1) if peer else None, "headers": given}


def looking(trusted: str | None = None) -> WhoAsks:
    return WhoAsks(ClientAddress([ip_network(trusted)] if trusted else []), "https://auth.example.test")


def test_people_behind_a_proxy_that_is_not_named_look_like_one() -> None:
    who_asks = looking()
    for number in range(60):
        who_asks.see(asked(user_agent=f"browser {number % 7}", host="auth.example.test"))
    assert set(suspicions(who_asks.sightings())) == {Suspicion.SHARED_ADDRESS}


def test_behind_one_that_is_named_they_do_not() -> None:
    who_asks = looking("10.0.0.0/24")
    for number in range(60):
        client = f"198.51.100.{number}"
        who_asks.see(asked(user_agent=f"browser {number % 7}", host="Auth.Example.Test", x_forwarded_for=client))
    seen = who_asks.sightings()
    assert (seen.addresses, seen.forwarders, seen.by_public_host) == (60, (), 60)
    assert suspicions(seen) == {}


def test_a_forwarder_that_is_not_trusted_is_counted_by_its_network() -> None:
    who_asks = looking("10.9.0.0/24")
    for last in (1, 2, 3):
        who_asks.see(asked(f"10.0.0.{last}", x_forwarded_for="203.0.113.7"))
        who_asks.see(asked("10.9.0.1", x_forwarded_for="203.0.113.7"))
    assert who_asks.sightings().forwarders == (("10.0.0.0/24", 3),)


def test_g02_nothing_of_clients_is_kept_but_networks_and_counts() -> None:
    who_asks = looking()
    for number in range(300):
        who_asks.see(asked(f"192.0.2.{number % 250}", user_agent="canary", authorization="canary", host="canary"))
        who_asks.see(asked(f"10.{number % 250}.0.7", x_forwarded_for="203.0.113.77", via="canary"))
    told = asdict(who_asks.sightings())
    assert "canary" not in str(told)
    assert "203.0.113" not in str(told)
    assert len(told["forwarders"]) == 8
    assert (told["requests"], told["addresses"], len(told["networks"])) == (PER_WINDOW, 64, 2)


def test_what_is_older_than_two_windows_is_forgotten() -> None:
    who_asks = looking()
    who_asks.see(asked())
    who_asks.turn()
    who_asks.see(asked("10.0.0.10"))
    assert who_asks.sightings().addresses == 2
    who_asks.turn()
    assert who_asks.sightings().addresses == 1
    who_asks.turn()
    assert who_asks.sightings().requests == 0


async def test_every_request_is_shown_and_probes_do_not_count() -> None:
    who_asks = looking()
    async with client_of(FakeService().app(see=who_asks.see)) as client:
        for path in ("/health/live", "/health/ready", "/metrics", "/v1/users/me", "/nothing"):
            await client.get(path)
    assert who_asks.sightings().requests == 2
