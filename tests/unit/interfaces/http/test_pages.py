"""The page that sets a new password by a link: what it posts, what it says, and what it never does."""

import re

import httpx
import pytest

from application.recovery.confirm_password_reset import PasswordReset
from domain.errors import InvalidInput, Overloaded, Violation
from domain.recovery.one_time_token import token_refused
from interfaces.http.pages.languages import ENGLISH, texts_for
from interfaces.http.pages.texts import Texts
from tests.unit.interfaces.http.fake_service import PUBLIC_URL, FakeService, client_of

TOKEN = "crm_or_a-token"
NEW = "saffron ladder orbit velvet & ümlaut"
FORM = {"token": TOKEN, "new_password": NEW, "repeated": NEW}
HOSTILE = '"><script>alert(1)</script>'
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}


async def test_p09_opening_the_link_spends_nothing(client: httpx.AsyncClient, service: FakeService) -> None:
    """P09: scanners of mail open links too."""
    for method in ("GET", "HEAD"):
        answer = await client.request(method, "/password-reset", params={"token": TOKEN})
        assert answer.status_code == 200
    assert service.confirm_password_reset.calls == []


async def test_the_form_posts_the_token_to_itself_and_works_without_script(client: httpx.AsyncClient) -> None:
    text = (await client.get("/password-reset", params={"token": TOKEN})).text
    assert f'<input type="hidden" name="token" value="{TOKEN}">' in text
    assert '<form method="post" action="password-reset"' in text
    assert text.count('autocomplete="new-password"') == 2
    assert "<script" not in text
    assert "style=" not in text
    assert re.search(r'(?:href|src|action)="(?:https?:)?//', text) is None


@pytest.mark.parametrize("state", ["form", "done", "dead link", "foreign"])
async def test_h05_h06_headers(client: httpx.AsyncClient, service: FakeService, state: str) -> None:
    """H05, H06, and the referrer, which would hand the token on."""
    if state == "form":
        answer = await client.get("/password-reset", params={"token": TOKEN})
    elif state == "dead link":
        answer = await client.get("/password-reset")
    else:
        headers = SAME_ORIGIN if state == "done" else {"Sec-Fetch-Site": "cross-site"}
        answer = await client.post("/password-reset", data=FORM, headers=headers)
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none';")
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert {"form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"} <= set(policy.split("; "))
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "set-cookie" not in answer.headers
    if state != "form":
        assert TOKEN not in answer.text


@pytest.mark.parametrize(
    "headers",
    [SAME_ORIGIN, {"Origin": "null"}, {"Origin": PUBLIC_URL}, {}, SAME_ORIGIN | {"Origin": "null"}],
    ids=str,
)
async def test_posting_sets_the_password(
    client: httpx.AsyncClient, service: FakeService, headers: dict[str, str]
) -> None:
    answer = await client.post("/password-reset", data=FORM, headers=headers)
    assert answer.status_code == 200
    assert ENGLISH.done_title in answer.text
    [(reset, origin)] = service.confirm_password_reset.calls
    assert reset == PasswordReset(token=TOKEN, new_password=NEW)
    assert origin.request_id == answer.headers["x-request-id"]
    assert NEW not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "cross-site", "Origin": PUBLIC_URL},
        {"Origin": "https://evil.example"},
        {"Origin": "http://service.test.evil.example"},
        {"Origin": "https://service.test"},
    ],
    ids=str,
)
async def test_another_site_cannot_post(
    client: httpx.AsyncClient, service: FakeService, headers: dict[str, str]
) -> None:
    answer = await client.post("/password-reset", data=FORM, headers=headers)
    assert answer.status_code == 403
    assert ENGLISH.foreign_title in answer.text
    assert service.confirm_password_reset.calls == []


async def test_two_that_differ(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post("/password-reset", data=FORM | {"repeated": "another"}, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert ENGLISH.not_the_same in answer.text
    assert f'value="{TOKEN}"' in answer.text, "to try again"
    assert service.confirm_password_reset.calls == []


async def test_a_refused_password_is_explained_beside_the_form(client: httpx.AsyncClient, service: FakeService) -> None:
    refusal = Violation("new_password", "password_common", "This password is among those that are tried first.")
    service.confirm_password_reset.outcome = InvalidInput(violations=[refusal])
    answer = await client.post("/password-reset", data=FORM, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert refusal.detail in answer.text
    assert f'value="{TOKEN}"' in answer.text
    assert NEW not in answer.text
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_link_that_does_not_work(client: httpx.AsyncClient, service: FakeService, method: str) -> None:
    service.confirm_password_reset.outcome = token_refused()
    data = {"new_password": NEW, "repeated": NEW} if method == "POST" else None
    answer = await client.request(method, "/password-reset", data=data, headers=SAME_ORIGIN)
    assert answer.status_code == 422
    assert ENGLISH.dead_link_title in answer.text
    assert "<form" not in answer.text


async def test_a_busy_service_keeps_the_form(client: httpx.AsyncClient, service: FakeService) -> None:
    service.confirm_password_reset.outcome = Overloaded(retry_after=2)
    answer = await client.post("/password-reset", data=FORM, headers=SAME_ORIGIN)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    assert ENGLISH.busy in answer.text
    assert f'value="{TOKEN}"' in answer.text


async def test_what_comes_in_is_escaped_going_out(client: httpx.AsyncClient, service: FakeService) -> None:
    shown = await client.get("/password-reset", params={"token": HOSTILE})
    violation = Violation("new_password", "x", HOSTILE)
    service.confirm_password_reset.outcome = InvalidInput(violations=[violation])
    again = await client.post("/password-reset", data=FORM | {"token": HOSTILE}, headers=SAME_ORIGIN)
    for answer in (shown, again):
        assert "<script" not in answer.text
        assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"", "application/x-www-form-urlencoded", 400),
        (b"no form", "application/x-www-form-urlencoded", 400),
        (b"token=%ff&new_password=a&repeated=a", "application/x-www-form-urlencoded", 400),
        (b"token=\xff", "application/x-www-form-urlencoded", 400),
        (b"token=a&token=b", "application/x-www-form-urlencoded", 400),
        (b"&".join(b"a%d=1" % number for number in range(9)), "application/x-www-form-urlencoded", 400),
        (b'{"token": "a"}', "application/json", 415),
        (b"token=a", "text/plain", 415),
        (b"token=" + b"a" * 20_000, "application/x-www-form-urlencoded", 413),
    ],
)
async def test_what_is_no_form_of_ours(
    client: httpx.AsyncClient, service: FakeService, content: bytes, media_type: str, status: int
) -> None:
    answer = await client.post("/password-reset", content=content, headers={"Content-Type": media_type} | SAME_ORIGIN)
    assert answer.status_code == status
    assert service.confirm_password_reset.calls == []


async def test_the_assets_of_a_page_are_served_under_every_mount(service: FakeService) -> None:
    async with client_of(service.app(), root_path="/team/auth") as client:
        shown = await client.get("/team/auth/password-reset", params={"token": TOKEN})
        urls = re.findall(r'href="([^"]+)"', shown.text)
        assert len(urls) == 2
        for url in urls:
            answer = await client.get(f"/team/auth/{url}")
            assert answer.status_code == 200
            assert "immutable" in answer.headers["cache-control"]
            assert (await client.get(f"/team/auth/{url.partition('?')[0]}")).headers["cache-control"] == "no-cache"
        assert (await client.get("/team/auth/pages/assets/layout.html")).status_code == 404


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        ("", "en"),
        ("de", "de"),
        ("de-AT,de;q=0.9,en;q=0.5", "de"),
        ("en;q=0.5,de", "de"),
        ("fr,de;q=0.2,en;q=0.8", "en"),
        ("de;q=0", "en"),
        ("fr", "en"),
        ("de;q=nonsense", "en"),
        ("*", "en"),
    ],
)
def test_the_language_that_is_liked_best(accept: str, language: str) -> None:
    german = Texts(**{name: getattr(ENGLISH, name) for name in Texts.__slots__} | {"language": "de"})
    assert texts_for(accept, {"en": ENGLISH, "de": german}).language == language
