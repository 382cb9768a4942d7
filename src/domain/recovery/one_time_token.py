"""Tokens that are good for one thing, once, and not for long (P05)."""

from datetime import timedelta
from enum import StrEnum

from domain.errors import InvalidInput, InvalidValue, Violation

PASSWORD_RESET_LIFETIME = timedelta(minutes=30)
EMAIL_VERIFICATION_LIFETIME = timedelta(hours=24)
NEW_EMAIL_LIFETIME = timedelta(hours=24)
ACCOUNT_FREEZE_LIFETIME = timedelta(hours=72)


class TokenPurpose(StrEnum):
    """What a token is good for, and nothing else (P14)."""

    PASSWORD_RESET = "password_reset"
    """A new password, by a link that was mailed: whoever uses it has that mailbox."""
    EMAIL_VERIFICATION = "email_verification"
    """That the address is the account's, said by whoever has both."""
    NEW_EMAIL = "new_email"
    """That the account is to have the address from now on, said by whoever has both. Bound to the new address (P11)."""
    ACCOUNT_FREEZE = "account_freeze"
    """An end to whatever goes on in the account, by whoever has the address that it is to lose, or has lost."""
    SIGN_UP = "sign_up"
    """An account of a sign-up that waits, made by whoever has its password and the mailbox. It has no user yet."""

    OPERATOR_PASSWORD_RESET = "operator_password_reset"
    """A new password, by a link that the operator handed over. It was not mailed, so it proves no address."""


PASSWORD_RESETS = frozenset({TokenPurpose.PASSWORD_RESET, TokenPurpose.OPERATOR_PASSWORD_RESET})
"""The purposes by which a password is set without the one before."""

PROVES_AN_ADDRESS = frozenset({TokenPurpose.EMAIL_VERIFICATION, TokenPurpose.NEW_EMAIL})
"""The purposes by which whoever has the account shows that they have the mailbox, or somebody that it is not theirs."""

ENDED_BY_A_NEW_PASSWORD = PASSWORD_RESETS | {TokenPurpose.NEW_EMAIL}
"""What must not outlive the password: whoever changed it may have done so because somebody asked for these (P02)."""

ENDED_BY_A_NEW_EMAIL = ENDED_BY_A_NEW_PASSWORD | {TokenPurpose.EMAIL_VERIFICATION}
"""What must not outlive the address (P05). The way to freeze does: it is meant for whoever had the one before."""


def invalid_token() -> InvalidValue:
    """The one refusal of a token: spent, expired, unknown and of another kind alike."""
    return InvalidValue("invalid_token", "This link has been used, has expired, or is not whole. Ask for a new one.")


def token_refused() -> InvalidInput:
    """The same, where it is all that is wrong with the input."""
    refusal = invalid_token()
    return InvalidInput(violations=[Violation("token", refusal.reason, refusal.detail)])
