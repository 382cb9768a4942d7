"""What the pages say, whatever the language."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.errors import Violation


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """All sentences of the pages in one language; `violations` are by code, for those whose own is in English."""

    language: str
    new_password_title: str
    new_password_lead: str
    new_password_label: str
    new_password_hint: str
    repeat_label: str
    save: str
    not_the_same: str
    done_title: str
    done_lead: str
    dead_link_title: str
    dead_link_lead: str
    foreign_title: str
    foreign_lead: str
    busy: str
    verify_title: str
    verify_lead: str
    password_label: str
    confirm: str
    verified_title: str
    verified_lead: str
    wrong_password: str
    too_many_attempts: str
    reject_title: str
    reject_lead: str
    reject: str
    rejected_title: str
    rejected_lead: str
    not_me: str
    email_taken: str
    freeze_title: str
    freeze_lead: str
    freeze: str
    disabled_title: str
    disabled_lead: str
    violations: Mapping[str, str] = field(default_factory=dict)

    def of(self, violation: Violation) -> str:
        """Why a value was refused."""
        return self.violations.get(violation.code, violation.detail)
