"""What a running process says of who is asking: once in the log, as a metric, in the database."""

import logging
from contextlib import ExitStack

import pytest

from bootstrap.watch import SelfCheck
from domain.self_check.sightings import Suspicion
from infrastructure.metrics import catalogue
from interfaces.http.client_address import ClientAddress
from interfaces.http.who_asks import WhoAsks
from tests.unit.interfaces.http.test_who_asks import asked


async def test_it_is_told_when_it_begins_and_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    who_asks = WhoAsks(ClientAddress(), "https://auth.example.test")
    check = SelfCheck(who_asks)
    with ExitStack() as gauges, caplog.at_level(logging.INFO, logger="crm_auth.self_check"):
        check.read_gauges(gauges)
        for _ in range(5):
            for number in range(12):
                who_asks.see(asked(user_agent=f"browser {number}", host="auth.example.test"))
            check.look()
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "all of 60 requests share one address, of 10.0.0.0/24: is there a proxy?" in caplog.text
        assert catalogue.SUSPICIONS.values[(Suspicion.SHARED_ADDRESS.value,)] == 1
        who_asks.see(asked("192.0.2.1", host="auth.example.test"))
        check.look()
        check.look()
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
        assert catalogue.SUSPICIONS.values[(Suspicion.SHARED_ADDRESS.value,)] == 0
