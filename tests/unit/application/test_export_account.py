"""What an export gives of sessions and events, however many there are."""

import pytest

from application.accounts import export_account
from domain.sessions.errors import InvalidAccessToken
from tests.support.builders import ADA
from tests.support.service import Service, caller_of


@pytest.mark.parametrize("sign_ins", [1, 2, 3, 4, 5])
async def test_all_of_it_is_given_some_at_a_time(
    service: Service, sign_ins: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_account, "PAGE", 2)
    ada = await service.sign_up()
    opened = [await service.sign_in() for _ in range(sign_ins)]

    export = await service.export_account(caller_of(opened[0]), ADA)

    assert export.contents.user == ada
    pages = [page async for page in export.sessions]
    assert [session.id for page in pages for session in page] == [each.session.id for each in opened]
    assert {len(page) for page in pages} <= {1, 2}
    event_pages = [page async for page in export.events]
    assert {len(page) for page in event_pages} <= {1, 2}
    written = [held for page in event_pages for held in page]
    assert [held.event.type for held in written] == ["user.registered"] + ["session.started"] * sign_ins
    assert [held.position for held in written] == sorted(held.position for held in written)


async def test_whoever_has_signed_out_is_given_nothing(service: Service) -> None:
    await service.sign_up()
    caller = caller_of(await service.sign_in())
    await service.log_out(caller, ADA)

    with pytest.raises(InvalidAccessToken):
        await service.export_account(caller, ADA)
