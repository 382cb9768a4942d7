"""Who may create an account."""

from dataclasses import dataclass

from domain.accounts.errors import SignupClosed
from domain.accounts.identifiers import EmailAddress


@dataclass(frozen=True, slots=True)
class SignupPolicy:
    """Sign-up is open to all, to addresses of some domains (canonical, without subdomains), or to nobody."""

    domains: frozenset[str] | None = None
    """``None`` admits every domain, the empty set none."""

    def __str__(self) -> str:
        if self.domains is None:
            return "open"
        return f"domains:{','.join(sorted(self.domains))}" if self.domains else "closed"

    def refuse_if_closed(self) -> None:
        """Raises SignupClosed when nobody at all is admitted: nothing need be looked at then."""
        if self.domains == frozenset():
            raise SignupClosed

    def admit(self, email: EmailAddress) -> None:
        """Raises SignupClosed for an address that is not admitted."""
        if self.domains is not None and email.domain not in self.domains:
            raise SignupClosed


OPEN = SignupPolicy()
CLOSED = SignupPolicy(frozenset())
