"""The mails there are."""

from collections.abc import Mapping
from enum import StrEnum

LANGUAGES = ("en", "de", "fr")
"""Those that come with the service; the first is for everybody else."""


class MailKind(StrEnum):
    """What a mail is about; the value is the name of its text."""

    VERIFY_EMAIL = "verify_email"
    CONFIRM_SIGN_UP = "confirm_sign_up"
    """Of a sign-up that waits for its address to be proven."""
    SIGN_UP_TAKEN = "sign_up_taken"
    """To the owner of an address that somebody signed up with again."""
    RESET_PASSWORD = "reset_password"
    CONFIRM_NEW_EMAIL = "confirm_new_email"
    NEW_EMAIL_TAKEN = "new_email_taken"
    """To the owner of an address that somebody wanted for another account."""
    NEW_EMAIL_UNPROVEN = "new_email_unproven"
    """The same where an account has the address that never proved it."""
    EMAIL_CHANGE_REQUESTED = "email_change_requested"
    """To the address that is to be replaced."""
    EMAIL_CHANGED = "email_changed"
    PASSWORD_CHANGED = "password_changed"
    NEW_DEVICE = "new_device"
    REFRESH_TOKEN_REUSED = "refresh_token_reused"
    ACCOUNT_DISABLED = "account_disabled"
    FAILED_ATTEMPTS = "failed_attempts"
    CREDENTIAL_STUFFING = "credential_stuffing"
    """To the operator."""


NOTICES = (
    MailKind.NEW_DEVICE,
    MailKind.PASSWORD_CHANGED,
    MailKind.REFRESH_TOKEN_REUSED,
    MailKind.ACCOUNT_DISABLED,
    MailKind.FAILED_ATTEMPTS,
)
"""Those that tell an account's owner what has happened, and that an operator may switch off."""

_SEEN = frozenset({"username", "time", "device", "ip_address"})
_BOTH_LINKS = frozenset({"link", "second_link"})
VALUES: Mapping[MailKind, frozenset[str]] = {
    MailKind.VERIFY_EMAIL: _BOTH_LINKS | {"username", "hours"},
    MailKind.CONFIRM_SIGN_UP: _BOTH_LINKS | {"username", "hours"},
    MailKind.SIGN_UP_TAKEN: frozenset({"username"}),
    MailKind.RESET_PASSWORD: frozenset({"link", "username", "minutes"}),
    MailKind.CONFIRM_NEW_EMAIL: _BOTH_LINKS | {"username", "hours"},
    MailKind.NEW_EMAIL_TAKEN: frozenset({"username"}),
    MailKind.NEW_EMAIL_UNPROVEN: frozenset({"link", "username", "hours"}),
    MailKind.EMAIL_CHANGE_REQUESTED: frozenset({"link", "username", "new_email", "hours"}),
    MailKind.EMAIL_CHANGED: frozenset({"link", "username", "new_email", "hours"}),
    **dict.fromkeys(NOTICES, _SEEN),
    MailKind.CREDENTIAL_STUFFING: frozenset({"time", "ip_address", "failed", "accounts", "sources"}),
}
"""What each mail is given, no more and no less, and its text can speak of."""

MAY_BE_EMPTY = frozenset({"device", "ip_address"})
"""Those of them that are not always known."""


def language_of(locale: str | None) -> str:
    """The language to write in for a BCP 47 locale: that of its first subtag if there is one, else the first."""
    wanted = (locale or "").partition("-")[0].lower()
    return wanted if wanted in LANGUAGES else LANGUAGES[0]
