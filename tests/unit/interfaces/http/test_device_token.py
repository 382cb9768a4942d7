"""Where the token of a device is looked for."""

import pytest

from application.sessions.ports import IssuedDeviceToken
from interfaces.http.device_token import COOKIE, device_headers, device_token_of

A, B = "crm_dv_" + "A" * 84, "crm_dv_" + "B" * 84


def headers(*pairs: tuple[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in pairs]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (headers(), None),
        (headers(("x-device-token", A)), A),
        (headers(("cookie", f"{COOKIE}={A}")), A),
        (headers(("cookie", f"a=b; {COOKIE}={A};c=d")), A),
        (headers(("cookie", "a=b"), ("cookie", f"{COOKIE}={A}")), A),
        (headers(("cookie", f"{COOKIE}={A}"), ("x-device-token", B)), B),
        (headers(("cookie", f"{COOKIE}={A}"), ("x-device-token", "no token")), "no token"),
        (headers(("x-device-token", A), ("x-device-token", B)), None),
        (headers(("x-device-token", A), ("x-device-token", A)), None),
        (headers(("cookie", f"{COOKIE}={A}; {COOKIE}={B}")), None),
        (headers(("cookie", f"x{COOKIE}={A}; crm_auth_device={B}")), None),
        (headers(("x-device-token", "A" * 129)), None),
        (headers(("cookie", f"{COOKIE}=" + "A" * 129)), None),
        (headers(("cookie", ";;=;" + COOKIE)), ""),
    ],
)
def test_l06_the_header_counts_before_the_cookie_and_several_are_none(
    given: list[tuple[bytes, bytes]], found: str | None
) -> None:
    assert device_token_of(given) == found


def test_it_is_handed_out_as_header_and_cookie() -> None:
    told = device_headers(IssuedDeviceToken(text=A, expires_in=60))

    assert told["X-Device-Token"] == A
    name, *attributes = told["Set-Cookie"].split("; ")
    assert name == f"__Host-crm_auth_device={A}"
    assert set(attributes) == {"Path=/", "Max-Age=60", "HttpOnly", "Secure", "SameSite=Lax"}
    assert device_headers(None) == {}
