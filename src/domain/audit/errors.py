"""Refusals that concern the audit log."""

from domain.errors import DomainError, ErrorKind


class AuditLogAltered(DomainError):
    """Somebody else wrote into the audit log; nothing is added to it until an operator has looked."""

    code = "audit_log_altered"
    kind = ErrorKind.CONFLICT
    title = "The audit log is not as it was left."
