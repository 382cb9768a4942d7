"""Figures do not need what may be away when they are wanted most."""

import pytest

from tests.support.application import served, settings_for
from tests.support.database import DatabaseServer


@pytest.mark.superuser
async def test_d07_they_are_told_without_a_database(database_server: DatabaseServer) -> None:
    """Dropped with who is connected, which only a superuser may do to another role."""
    url = await database_server.create()
    async with served(settings_for(url)) as client:
        await database_server.drop(url)
        assert (await client.http.get("/health/ready")).status_code == 503
        answer = await client.http.get("/metrics")
    assert answer.status_code == 200
    assert 'crm_auth_outbox_deliveries{state="waiting"}' in answer.text
