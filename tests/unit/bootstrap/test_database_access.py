"""As whom the database is spoken to."""

import pytest

from bootstrap.database_access import DatabaseAccess
from infrastructure.postgres.schema_version import SchemaError

OWNER = "postgresql://owner:secret@db/crm"


def test_c05_a_service_without_a_name_beside_an_owner_is_refused() -> None:
    """Nobody could be given its rights."""
    with pytest.raises(SchemaError, match="must name its user"):
        assert DatabaseAccess(service_url="postgresql://db/crm", owner_url=OWNER).service_role


@pytest.mark.parametrize(
    ("service_url", "role"),
    [(OWNER, None), ("postgresql://owner@db/crm", None), ("postgresql://db/crm?user=service", "service")],
)
def test_c05_whom_the_owner_gives_rights_to(service_url: str, role: str | None) -> None:
    assert DatabaseAccess(service_url=service_url, owner_url=OWNER).service_role == role


def test_one_role_needs_no_name() -> None:
    assert DatabaseAccess(service_url="postgresql:///crm", owner_url="postgresql:///crm").service_role is None
