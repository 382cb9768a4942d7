"""As whom the database is spoken to: the service as a role that owns nothing, migrations as the owner (C05)."""

from dataclasses import dataclass, field

from bootstrap.settings import Settings
from infrastructure.postgres.roles import user_of
from infrastructure.postgres.schema_version import SchemaError


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseAccess:
    """Two URLs of one database, which are the same where one role is all there is."""

    service_url: str = field(repr=False)
    owner_url: str = field(repr=False)

    @classmethod
    def of(cls, settings: Settings) -> "DatabaseAccess":
        """That of a database which the settings name. Raises ValueError for the embedded one."""
        if settings.database_url is None:
            raise ValueError("the embedded database tells itself how to reach it")
        owner_url = settings.database_migration_url or settings.database_url
        return cls(service_url=settings.database_url, owner_url=owner_url)

    @property
    def service_role(self) -> str | None:
        """Whom the owner gives rights to; None where one role owns and serves. Raises SchemaError if it is unnamed."""
        service = user_of(self.service_url)
        if service is None and self.owner_url != self.service_url:
            raise SchemaError(
                "CRM_AUTH_DATABASE_URL must name its user beside CRM_AUTH_DATABASE_MIGRATION_URL, as"
                " postgresql://USER@HOST/NAME: the owner gives that role its rights."
            )
        return service if service != user_of(self.owner_url) else None
