"""One-time tokens: a prefix that says what the token is for, and the base64url of 32 random bytes (P05, P14).

They are opaque and carry nothing: what they are good for is a row in the database, found by the SHA-256 of the whole
text. 256 random bits need nothing slower. The prefix lets a scanner for leaked secrets tell a token from other text,
and makes a token of one kind differ from every token of another before anything is looked up.
"""

from collections.abc import Mapping
from hashlib import sha256
from secrets import token_bytes

from application.recovery.ports import NewOneTimeToken, OneTimeToken
from domain.recovery.one_time_token import TokenPurpose, invalid_token
from infrastructure.tokens import base64url

_PREFIXES: Mapping[TokenPurpose, str] = {
    TokenPurpose.PASSWORD_RESET: "crm_pr_",
    TokenPurpose.EMAIL_VERIFICATION: "crm_ev_",
    TokenPurpose.NEW_EMAIL: "crm_ne_",
    TokenPurpose.ACCOUNT_FREEZE: "crm_af_",
    TokenPurpose.SIGN_UP: "crm_su_",
    TokenPurpose.OPERATOR_PASSWORD_RESET: "crm_or_",
}
_PREFIX_LENGTH = 7
_PURPOSES = {prefix: purpose for purpose, prefix in _PREFIXES.items()}
_SECRET_SIZE = 32
_SECRET_LENGTH = 43
"""Characters of base64url without padding."""


class OpaqueOneTimeTokenCodec:
    """Implements ``OneTimeTokenCodec``."""

    def new(self, purpose: TokenPurpose) -> NewOneTimeToken:
        """A token nobody has had."""
        text = _PREFIXES[purpose] + base64url.encode(token_bytes(_SECRET_SIZE))
        return NewOneTimeToken(text=text, token=OneTimeToken(purpose=purpose, digest=_digest(text)))

    def parse(self, text: str) -> OneTimeToken:
        """One token has one spelling. Raises InvalidValue ``invalid_token``."""
        purpose, secret = _PURPOSES.get(text[:_PREFIX_LENGTH]), text[_PREFIX_LENGTH:]
        if purpose is None or len(secret) != _SECRET_LENGTH:
            raise invalid_token()
        try:
            base64url.decode(secret)
        except ValueError:
            raise invalid_token() from None
        return OneTimeToken(purpose=purpose, digest=_digest(text))


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()
