"""What the limits say, as the fields of draft-ietf-httpapi-ratelimit-headers-10: structured fields (RFC 9651).

They tell what is left for whoever asks, never what others used up: of sign-in only what a known device has, of sign-up
and recovery what one address has. At sign-in from elsewhere only that nothing is left is told: what is left of an
account would show that two names are of one, and one that there is not has to look like one that there is (L01).
"""

from domain.limits import Quota

POLICY_FIELD = "RateLimit-Policy"
FIELD = "RateLimit"

_TEXT = {"type": "string"}
DOCUMENTED = {
    POLICY_FIELD: {
        "description": 'How many attempts (`q`) there are in how many seconds (`w`), as in `"sign-in";q=10;w=600`.',
        "schema": _TEXT,
    },
    FIELD: {
        "description": "How many attempts are left (`r`), and in how many seconds (`t`) all of them are there again"
        ' or, if none is left, the next one: `"sign-in";r=9;t=60`.',
        "schema": _TEXT,
    },
}
"""Of the answers of routes with a limit."""


def rate_limit_fields(quota: Quota) -> list[tuple[bytes, bytes]]:
    """As ASGI has headers."""
    policy = f'"{quota.policy}";q={quota.limit};w={quota.window}'
    fields = [(POLICY_FIELD.lower().encode(), policy.encode())]
    if quota.remaining is not None:
        left = f'"{quota.policy}";r={quota.remaining};t={quota.reset}'
        fields.append((FIELD.lower().encode(), left.encode()))
    return fields
