"""What is done with the audit log, which is in it as well."""

from domain.events import DomainEvent


def audit_read(what: str) -> DomainEvent:
    """An operator looked into the log: by which command."""
    return DomainEvent(type="audit.read", data={"what": what})


def erasures_replayed(users: int) -> DomainEvent:
    """An operator had erasures done again that a restore had undone: how many users were there again."""
    return DomainEvent(type="audit.erasures_replayed", data={"users": str(users)})
