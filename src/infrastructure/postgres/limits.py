"""The limits in force, and who is counted as whom."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import IPv6Address, ip_address
from random import randrange
from uuid import UUID

from application.origin import Origin
from domain.limits import Rule
from infrastructure.refusals import Refusals

_IPV6_SITE = 8
"""Bytes of an IPv6 address that are one subscriber's: within a /64 addresses cost nothing (L04)."""
BUDGET_SHARES = 8
"""Rows that the budget of all is spread over: every attempt moves one of them, and one row would be a queue."""

_TEN_MINUTES = timedelta(minutes=10)
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimits:
    """The rules. Of those that have no setting the reason stands here, of the others in ``bootstrap.settings``."""

    digest: Callable[[bytes], bytes]
    """Keyed, so that the table holds neither addresses nor what people typed."""
    enabled: bool = True
    budget_shares: int = BUDGET_SHARES
    budget_refuses: bool = False
    """Whether beyond the budget of all nobody is admitted to sign in, unless from a known device."""
    refusals: Refusals = field(default_factory=Refusals)
    device_lifetime: timedelta = timedelta(days=180)

    sign_in_source: Rule = Rule("sign_in.source", 100, _TEN_MINUTES)
    sign_in_pair: Rule = Rule("sign_in.pair", 10, _TEN_MINUTES, _HOUR)
    """Source and account together: who guesses from one place is slowed there, before the account is for others."""
    sign_in_account: Rule = Rule("sign_in.account", 10, _TEN_MINUTES, _HOUR)
    sign_in_device: Rule = Rule("sign_in.device", 10, _TEN_MINUTES, _HOUR)
    """Of a known device, of an open session whose holder proves the password again, or of a sign-up whose link is used;
    instead of all the others."""
    sign_in_all: Rule = Rule("sign_in.all", 6000, _TEN_MINUTES)
    sign_up_account: Rule = Rule("sign_up.account", 20, _HOUR)
    """By address of mail. Twenty, for forms are sent again and again until the password pleases."""
    sign_up_source: Rule = Rule("sign_up.source", 60, _HOUR)
    sign_up_all: Rule = Rule("sign_up.all", 3000, _HOUR)
    recovery_account: Rule = Rule("recovery.account", 10, _HOUR)
    recovery_source: Rule = Rule("recovery.source", 60, _HOUR)
    recovery_all: Rule = Rule("recovery.all", 3000, _HOUR)
    sign_in_notice: Rule = Rule("sign_in.notice", 1, _HOUR)
    """Of events that tell of a used up ``sign_in_account``: one a burst of guesses is news, one a guess is a flood."""
    refusal_notice: Rule = Rule("refusal.notice", 60, _HOUR)
    """Of events that tell of a refusal which nobody counts otherwise: the record must not be anybody's to fill."""
    mail_recipient: Rule = Rule("mail.recipient", 3, _HOUR)
    """Of one kind: whoever asks for twenty reset links floods nobody (P08, D08)."""
    mail_total: Rule = Rule("mail.total", 3000, _HOUR)
    export_account: Rule = Rule("export.account", 10, _HOUR)

    def text_subject(self, text: str) -> bytes | None:
        """A subject known by a text, such as an identifier in canonical form."""
        return self.digest(text.encode(errors="replace")) if self.enabled else None

    def user_subject(self, user_id: UUID) -> bytes | None:
        """An account that is known, or a session of one."""
        return user_id.bytes if self.enabled else None

    def source_subject(self, origin: Origin) -> bytes | None:
        """The source of a request: its address, of IPv6 the /64."""
        if not self.enabled or origin.ip_address is None:
            return None
        address = ip_address(origin.ip_address)
        if isinstance(address, IPv6Address):
            mapped = address.ipv4_mapped
            return self.digest(mapped.packed if mapped else address.packed[:_IPV6_SITE])
        return self.digest(address.packed)

    def budget_subject(self) -> bytes | None:
        """One share of the budget of all, whichever."""
        return b"share %d" % randrange(self.budget_shares) if self.enabled else None  # noqa: S311 - no secret

    def share_of(self, budget: Rule) -> Rule:
        """The rule of one share."""
        return Rule(budget.name, -(-budget.burst // self.budget_shares), budget.period)
