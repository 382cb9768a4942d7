"""What travels, field by field, as the contract names it: the bodies that are read and the answers that are written.

The docstrings and descriptions are read by client developers, in the OpenAPI document. Limits are told there and
enforced by the domain, which says why a value is refused.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

Id = Annotated[str, Meta(description="A UUIDv7.", extra_json_schema={"format": "uuid"})]
Timestamp = Annotated[datetime, Meta(description="RFC 3339, in UTC with `Z`.")]
Seconds = Annotated[int, Meta(description="Seconds from now.")]

_NOT_EMPTY = {"minLength": 1}
Name = Annotated[str | None, Meta(description="1 to 100 printable characters.", extra_json_schema=_NOT_EMPTY)]
PhoneNumber = Annotated[
    str | None,
    Meta(
        description="Kept in E.164, as `+442079460123`; `+44 (0)20 7946-0123` is understood.",
        extra_json_schema=_NOT_EMPTY,
    ),
]
Locale = Annotated[
    str | None,
    Meta(
        description="A BCP 47 tag in canonical form, as `en-GB`; `EN-gb` is understood.", extra_json_schema=_NOT_EMPTY
    ),
]
Zoneinfo = Annotated[
    str | None,
    Meta(description="A name of the IANA time zone database, as `Europe/London`.", extra_json_schema=_NOT_EMPTY),
]
Username = Annotated[
    str,
    Meta(
        description="3 to 32 ASCII letters, digits, `.`, `_`, `-`; begins and ends with a letter or digit.",
        extra_json_schema={"minLength": 3, "maxLength": 32, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]$"},
    ),
]


NewPassword = Annotated[
    str,
    Meta(
        description="At least 15 characters, unless the operator says otherwise, and at most 1,024 bytes. A"
        " sentence is fine, with its spaces. Refused when it is easy to guess or built from the account's names.",
        extra_json_schema={"format": "password"},
    ),
]


class Registration(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to sign up with. Both identifiers are unique without regard to case, and shown as typed."""

    email: Annotated[str, Meta(extra_json_schema={"format": "email", "maxLength": 254})]
    username: Username
    password: Annotated[
        str,
        Meta(
            description="At least 15 characters, unless the operator says otherwise, and at most 1,024 bytes. A"
            " sentence is fine, with its spaces. Refused when it is easy to guess or built from the other fields.",
            extra_json_schema={"format": "password"},
        ),
    ]
    given_name: Name = None
    family_name: Name = None
    display_name: Name = None
    phone_number: PhoneNumber = None
    locale: Locale = None
    zoneinfo: Zoneinfo = None


class ProfileChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to change. A field that is left out stays as it is; `null` clears one, but for the username."""

    username: Username | UnsetType = UNSET
    given_name: Name | UnsetType = UNSET
    family_name: Name | UnsetType = UNSET
    display_name: Name | UnsetType = UNSET
    phone_number: PhoneNumber | UnsetType = UNSET
    locale: Locale | UnsetType = UNSET
    zoneinfo: Zoneinfo | UnsetType = UNSET


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to sign in with."""

    identifier: Annotated[str, Meta(description="The e-mail address or the username, in any case.")]
    password: Annotated[str, Meta(extra_json_schema={"format": "password"})]
    remember: Annotated[bool | None, Meta(description="Asks for a session of weeks instead of hours.")] = None


class RefreshRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The refresh token to be exchanged."""

    refresh_token: str


class PasswordChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password as it is and as it is to be."""

    current_password: Annotated[str, Meta(extra_json_schema={"format": "password"})]
    new_password: NewPassword


class PasswordReset(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The token of the link, and the password that is to be."""

    token: Annotated[str, Meta(description="What stands behind `token=` in the link.")]
    new_password: NewPassword


class EmailVerification(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The token of the link, and the account's password unless its access token is sent."""

    token: str
    password: Annotated[str | None, Meta(extra_json_schema={"format": "password"})] = None


class EmailChange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address that is to be, and the account's password."""

    new_email: Annotated[str, Meta(extra_json_schema={"format": "email", "maxLength": 254})]
    password: Annotated[str, Meta(extra_json_schema={"format": "password"})]


class LinkToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The token of a link."""

    token: str


class MailRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The address that is to be written to."""

    email: Annotated[str, Meta(extra_json_schema={"format": "email", "maxLength": 254})]


class User(Struct, frozen=True, kw_only=True):
    """An account, as its owner sees it."""

    id: Id
    email: Annotated[str, Meta(extra_json_schema={"format": "email"})]
    email_verified: bool
    username: Username
    given_name: Name
    family_name: Name
    display_name: Name
    phone_number: PhoneNumber
    locale: Locale
    zoneinfo: Zoneinfo
    picture: Annotated[str | None, Meta(description="An absolute URL.")]
    status: Literal["active", "disabled"]
    created_at: Timestamp
    updated_at: Timestamp


class Session(Struct, frozen=True, kw_only=True):
    """A sign-in. It ends at `expires_at`, or at `idle_expires_at` when it is not refreshed before that."""

    id: Id
    created_at: Timestamp
    last_used_at: Timestamp
    idle_expires_at: Timestamp
    expires_at: Timestamp
    ip_address: str | None
    user_agent: str | None
    device: Annotated[str | None, Meta(description="Browser and system for people, as `Firefox on Windows`.")]
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]
    authentication_methods: Annotated[list[str], Meta(description="`amr` values of RFC 8176.")]


class SessionPage(Struct, frozen=True, kw_only=True):
    """Some of the account's live sessions, newest first."""

    items: list[Session]
    next_cursor: Annotated[str | None, Meta(description="For `?cursor=`; null on the last page.")]


class AccountDeletion(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The password once more, so that nobody else does it."""

    password: Annotated[str, Meta(extra_json_schema={"format": "password"})]


class HeldSession(Struct, frozen=True, kw_only=True):
    """A sign-in, as long as it is kept; `ended_at` and `end_reason` of one that ended before its time."""

    id: Id
    created_at: Timestamp
    last_used_at: Timestamp
    idle_expires_at: Timestamp
    expires_at: Timestamp
    ended_at: Timestamp | None
    end_reason: str | None
    ip_address: str | None
    user_agent: str | None
    device: str | None
    authentication_methods: Annotated[list[str], Meta(description="`amr` values of RFC 8176.")]


class HeldCredential(Struct, frozen=True, kw_only=True):
    """Something that the account is proven by. Its secret is told to nobody."""

    kind: str
    created_at: Timestamp
    updated_at: Timestamp


class HeldToken(Struct, frozen=True, kw_only=True):
    """A link that is out and what it is for."""

    purpose: str
    created_at: Timestamp
    expires_at: Timestamp


class HeldEvent(Struct, frozen=True, kw_only=True):
    """Something that happened, and where the request came from."""

    id: Id
    type: str
    occurred_at: Timestamp
    session_id: Id | None
    request_id: str | None
    ip_address: str | None
    user_agent: str | None
    data: dict[str, str]


class AccountExport(Struct, frozen=True, kw_only=True):
    """All that is held on a user. New fields may be added."""

    exported_at: Timestamp
    user: User
    username_changed_at: list[Timestamp]
    reserved_usernames: Annotated[
        int, Meta(description="How many usernames nobody else may have because you have or had them.")
    ]
    credentials: list[HeldCredential]
    one_time_tokens: list[HeldToken]
    pending_email: Annotated[str | None, Meta(description="What the address is to be, once it is confirmed.")]
    former_emails: Annotated[
        list[str], Meta(description="Confirmed addresses that you had lately: a change can be undone from them.")
    ]
    sessions: Annotated[list[HeldSession], Meta(description="The oldest first.")]
    events: Annotated[list[HeldEvent], Meta(description="The oldest first.")]


class TokenResponse(Struct, frozen=True, kw_only=True):
    """A session with its tokens. The refresh token is good for one exchange; keep only the newest."""

    access_token: Annotated[str, Meta(description="A JWT (RFC 9068), for `Authorization: Bearer`.")]
    token_type: Literal["Bearer"]
    expires_in: Seconds
    refresh_token: str
    refresh_expires_in: Seconds
    session: Session
    user: User
