"""The pages by which an address is confirmed or disowned: they act when posted to, and speak the reader's language."""

import httpx
import pytest

from application.recovery.confirm_email_verification import EmailVerification
from domain.errors import DomainError, InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts, Violation
from domain.recovery.one_time_token import token_refused
from domain.sessions.errors import InvalidCredentials
from interfaces.http.pages.languages import LANGUAGES
from interfaces.http.pages.languages.english import ENGLISH
from interfaces.http.pages.languages.french import FRENCH
from interfaces.http.pages.languages.german import GERMAN
from tests.unit.interfaces.http.fake_service import FakeService

TOKEN = "crm_ev_a-token"
PASSWORD = "saffron ladder orbit velvet & ümlaut"
FORM = {"token": TOKEN, "password": PASSWORD}
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PAGES = ("/email-verification", "/email-rejection")


@pytest.mark.parametrize("path", PAGES)
async def test_p09_opening_a_link_spends_nothing(client: httpx.AsyncClient, service: FakeService, path: str) -> None:
    """P09: scanners of mail open links too."""
    for method in ("GET", "HEAD"):
        assert (await client.request(method, path, params={"token": TOKEN})).status_code == 200
    assert service.confirm_email_verification.calls == service.reject_email_verification.calls == []


async def test_the_form_confirms_with_the_password(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post("/email-verification", data=FORM, headers=SAME_ORIGIN)

    assert answer.status_code == 200
    assert ENGLISH.verified_title in answer.text
    [(given, caller, _)] = service.confirm_email_verification.calls
    assert (given, caller) == (EmailVerification(token=TOKEN, password=PASSWORD), None)


async def test_the_other_form_disowns(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post("/email-rejection", data={"token": TOKEN}, headers=SAME_ORIGIN)

    assert answer.status_code == 200
    assert ENGLISH.rejected_title in answer.text
    [(token, _)] = service.reject_email_verification.calls
    assert token == TOKEN


async def test_the_way_to_disown_is_beside_the_way_to_confirm(client: httpx.AsyncClient) -> None:
    text = (await client.get("/email-verification", params={"token": TOKEN})).text

    assert '<form method="post" action="email-verification"' in text
    assert '<form method="get" action="email-rejection"' in text
    assert "<script" not in text


@pytest.mark.parametrize(
    ("refusal", "status", "said"),
    [
        (token_refused(), 422, ENGLISH.dead_link_title),
        (InvalidCredentials(), 401, ENGLISH.wrong_password),
        (TooManyAttempts(retry_after=7), 429, ENGLISH.too_many_attempts),
        (ServiceUnavailable(), 503, ENGLISH.busy),
        (Overloaded(retry_after=1), 503, ENGLISH.busy),
        (InvalidInput(violations=[Violation("password", "password_too_long", "Too long.")]), 422, "Too long."),
    ],
)
async def test_a_refusal_is_said_in_words(
    client: httpx.AsyncClient, service: FakeService, refusal: DomainError, status: int, said: str
) -> None:
    service.confirm_email_verification.outcome = refusal

    answer = await client.post("/email-verification", data=FORM, headers=SAME_ORIGIN)

    assert answer.status_code == status
    assert said in answer.text
    assert PASSWORD not in answer.text
    assert ("retry-after" in answer.headers) == (status in {429, 503})


@pytest.mark.parametrize("path", PAGES)
async def test_another_site_cannot_post(client: httpx.AsyncClient, service: FakeService, path: str) -> None:
    answer = await client.post(path, data=FORM, headers={"Sec-Fetch-Site": "cross-site"})

    assert answer.status_code == 403
    assert service.confirm_email_verification.calls == service.reject_email_verification.calls == []


@pytest.mark.parametrize("path", PAGES)
async def test_a_link_without_its_token_is_dead(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 422
    assert ENGLISH.dead_link_title in answer.text


@pytest.mark.parametrize(
    ("asked", "texts"), [("de-AT, en;q=0.5", GERMAN), ("fr", FRENCH), ("nl, fr;q=0.2", FRENCH), ("", ENGLISH)]
)
async def test_pages_speak_the_readers_language(client: httpx.AsyncClient, asked: str, texts: object) -> None:
    answer = await client.get("/email-rejection", params={"token": TOKEN}, headers={"Accept-Language": asked})

    assert getattr(texts, "reject_title") in answer.text.replace("&#39;", "'")  # noqa: B009 - of whichever language
    assert f'<html lang="{getattr(texts, "language")}"' in answer.text  # noqa: B009


def test_every_language_says_why_a_password_is_refused() -> None:
    codes = set(GERMAN.violations)
    assert all(set(texts.violations) == codes for texts in LANGUAGES.values() if texts is not ENGLISH)
