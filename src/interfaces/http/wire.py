"""What travels, field by field, as the contract names it: the bodies that are read and the answers that are written.

The docstrings and descriptions are read by client developers, in the OpenAPI document. Limits are told there and
enforced by the domain, which says why a value is refused.
"""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Id = Annotated[str, Meta(description="A UUIDv7.", extra_json_schema={"format": "uuid"})]
Timestamp = Annotated[datetime, Meta(description="RFC 3339, in UTC with `Z`.")]
Seconds = Annotated[int, Meta(description="Seconds from now.")]

Name = Annotated[str | None, Meta(description="1 to 100 printable characters.")]
PhoneNumber = Annotated[str | None, Meta(description="E.164, as `+442079460123`.")]
Locale = Annotated[str | None, Meta(description="A BCP 47 tag, as `en-GB`.")]
Zoneinfo = Annotated[str | None, Meta(description="A name of the IANA time zone database, as `Europe/London`.")]
Username = Annotated[
    str,
    Meta(
        description="3 to 32 ASCII letters, digits, `.`, `_`, `-`; begins and ends with a letter or digit.",
        extra_json_schema={"minLength": 3, "maxLength": 32, "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*[A-Za-z0-9]$"},
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


class Credentials(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to sign in with."""

    identifier: Annotated[str, Meta(description="The e-mail address or the username, in any case.")]
    password: Annotated[str, Meta(extra_json_schema={"format": "password"})]
    remember: Annotated[bool | None, Meta(description="Asks for a session of weeks instead of hours.")] = None


class RefreshRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The refresh token to be exchanged."""

    refresh_token: str


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
    device: str | None
    current: Annotated[bool, Meta(description="Whether it is the one that asks.")]
    authentication_methods: Annotated[list[str], Meta(description="`amr` values of RFC 8176.")]


class TokenResponse(Struct, frozen=True, kw_only=True):
    """A session with its tokens. The refresh token is good for one exchange; keep only the newest."""

    access_token: Annotated[str, Meta(description="A JWT (RFC 9068), for `Authorization: Bearer`.")]
    token_type: Literal["Bearer"]
    expires_in: Seconds
    refresh_token: str
    refresh_expires_in: Seconds
    session: Session
    user: User
