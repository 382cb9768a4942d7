"""The page that freezes an account: it acts when posted to, and leads to where a new password is set."""

import httpx
import pytest

from domain.accounts.errors import EmailTaken
from domain.errors import Overloaded
from domain.recovery.one_time_token import token_refused
from interfaces.http.pages.languages.english import ENGLISH
from interfaces.http.pages.languages.french import FRENCH
from interfaces.http.pages.languages.german import GERMAN
from interfaces.http.pages.texts import Texts
from tests.unit.interfaces.http.fake_service import BEARER, CALLER, EMAIL_CHANGE, FakeService

TOKEN = "crm_af_a-token"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
PAGE = "/account-freeze"


async def test_p09_opening_the_link_freezes_nothing(client: httpx.AsyncClient, service: FakeService) -> None:
    """P09: scanners of mail open links too."""
    for method in ("GET", "HEAD"):
        answer = await client.request(method, PAGE, params={"token": f'{TOKEN}">'})
        assert answer.status_code == 200
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
    assert "<script" not in answer.text
    assert f'{TOKEN}">' not in answer.text
    assert service.freeze_account.calls == []


async def test_the_form_freezes_and_leads_to_a_new_password(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post(PAGE, data={"token": TOKEN}, headers=SAME_ORIGIN | {"Host": "evil.example"})

    assert answer.status_code == 303
    assert answer.headers["location"] == "password-reset?token=a-reset-token", "relative, so of no other host (P06)"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    [(token, origin)] = service.freeze_account.calls
    assert (token, origin.ip_address) == (TOKEN, "192.0.2.1")


async def test_an_account_whose_address_is_somebody_elses(client: httpx.AsyncClient, service: FakeService) -> None:
    service.freeze_account.outcome = None
    answer = await client.post(PAGE, data={"token": TOKEN}, headers=SAME_ORIGIN)
    assert answer.status_code == 200
    assert ENGLISH.disabled_title in answer.text


async def test_refusals_are_said_in_words(client: httpx.AsyncClient, service: FakeService) -> None:
    service.freeze_account.outcome = token_refused()
    dead = await client.post(PAGE, data={"token": TOKEN}, headers=SAME_ORIGIN)
    assert (dead.status_code, ENGLISH.dead_link_title in dead.text) == (422, True)

    service.freeze_account.outcome = Overloaded(retry_after=2)
    busy = await client.post(PAGE, data={"token": TOKEN}, headers=SAME_ORIGIN)
    assert (busy.status_code, busy.headers["retry-after"]) == (503, "2")
    assert TOKEN in busy.text, "the form again"

    assert (await client.get(PAGE)).status_code == 422


async def test_another_site_cannot_post(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post(PAGE, data={"token": TOKEN}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert service.freeze_account.calls == []


@pytest.mark.parametrize("texts", [ENGLISH, GERMAN, FRENCH])
async def test_it_speaks_the_readers_language(client: httpx.AsyncClient, texts: Texts) -> None:
    answer = await client.get(PAGE, params={"token": TOKEN}, headers={"Accept-Language": texts.language})
    assert texts.freeze_title in answer.text.replace("&#39;", "'")
    assert f'<html lang="{texts.language}"' in answer.text


async def test_an_address_that_is_taken_by_now(client: httpx.AsyncClient, service: FakeService) -> None:
    """On the page where it is confirmed, and by the API."""
    service.confirm_email_verification.outcome = EmailTaken()
    form = {"token": "crm_ne_a-token", "password": "tundra oboe"}
    answer = await client.post("/email-verification", data=form, headers=SAME_ORIGIN)
    assert (answer.status_code, ENGLISH.email_taken in answer.text) == (409, True)

    answer = await client.post("/v1/email-verifications/confirm", json=form)
    assert (answer.status_code, answer.json()["code"]) == (409, "email_taken")


async def test_asking_for_another_address(client: httpx.AsyncClient, service: FakeService) -> None:
    answer = await client.post("/v1/users/me/email", json=EMAIL_CHANGE, headers=BEARER)

    assert (answer.status_code, answer.content) == (202, b"")
    [(caller, given, _)] = service.request_email_change.calls
    assert caller == CALLER
    assert (given.new_email, given.password) == (EMAIL_CHANGE["new_email"], EMAIL_CHANGE["password"])
    assert EMAIL_CHANGE["password"] not in repr(given)
