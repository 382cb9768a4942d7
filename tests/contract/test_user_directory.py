"""Finding accounts as operators do: one by its names, many by a part of them."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from application.accounts.ports import UserQuery
from domain.accounts.identifiers import Username
from domain.accounts.profile import Profile
from domain.accounts.user import User, UserStatus
from tests.support.builders import Account, add, credential_of, new_id, registered, user_named
from tests.support.fakes import parse_email
from tests.support.world import World

EVERYBODY = UserQuery()


async def registered_as(world: World, username: str, profile: Profile) -> User:
    user = replace(user_named(username), profile=profile)
    await add(world, Account(user, credential_of(user)))
    return user


async def scanned(world: World, query: UserQuery, *, limit: int = 2) -> list[str]:
    """The usernames of all that match, by scans that follow each other; no scan gives more than ``limit``."""
    found: list[User] = []
    after = None
    while True:
        scan = await world.directory.scan(query, after=after, limit=limit)
        assert len(scan.users) <= limit
        found += scan.users
        if scan.next is None:
            return usernames(found)
        assert after is None or scan.next < after, "it goes on towards older accounts"
        after = scan.next


def usernames(users: Sequence[User]) -> list[str]:
    return [user.username.original for user in users]


async def test_an_account_is_found_by_id_and_by_either_identifier(world: World) -> None:
    await registered(world)
    ada = (await registered(world, "Ada", email="ada@example.com")).user

    for reference in (ada.id, Username.parse("ADA"), parse_email("ADA@example.com")):
        assert await world.directory.find(reference) == ada


async def test_nobody_is_found_by_what_nobody_has(world: World) -> None:
    await registered(world, "Ada", email="ada@example.com")

    for reference in (new_id(), Username.parse("bob"), parse_email("bob@example.com")):
        assert await world.directory.find(reference) is None


async def test_a_disabled_account_is_found(world: World) -> None:
    ada = await registered(world)
    await world.disable(ada.user.id)

    found = await world.directory.find(ada.user.id)

    assert found is not None
    assert found.status is UserStatus.DISABLED


@pytest.mark.parametrize("accounts", range(9))
@pytest.mark.parametrize("limit", [1, 2, 7])
async def test_scans_give_every_account_once_newest_first(world: World, accounts: int, limit: int) -> None:
    """Around the length of the stretch that one of them looks at, which is three in the tests."""
    names = [f"user-{number}" for number in range(accounts)]
    for name in names:
        await registered(world, name)

    assert await scanned(world, EVERYBODY, limit=limit) == names[::-1]


async def test_an_account_that_is_added_meanwhile_moves_nothing(world: World) -> None:
    for number in range(4):
        await registered(world, f"user-{number}")
    first = await world.directory.scan(EVERYBODY, after=None, limit=2)
    await registered(world, "newcomer")

    second = await world.directory.scan(EVERYBODY, after=first.next, limit=2)

    assert usernames([*first.users, *second.users]) == ["user-3", "user-2", "user-1", "user-0"]


async def test_accounts_are_told_apart_by_their_status(world: World) -> None:
    accounts = [await registered(world, f"user-{number}") for number in range(7)]
    for account in (accounts[0], accounts[5]):
        await world.disable(account.user.id)

    assert await scanned(world, UserQuery(status=UserStatus.DISABLED)) == ["user-5", "user-0"]
    assert len(await scanned(world, UserQuery(status=UserStatus.ACTIVE))) == 5
    assert await scanned(world, UserQuery(status=UserStatus.DISABLED, text="USER-0")) == ["user-0"]


SOUGHT = {
    "start of the username": "ada.l",
    "end of the username": "LOVELACE",
    "address": "Ada.Lovelace@Exa",
    "domain": "@example.com",
    "given name": "augusta",
    "family name in small letters": "öztürk",
    "family name in capitals": "ÖZTÜRK",
    "letters and accents typed apart": "o\u0308ztu\u0308rk",
    "both names": "ada öz",
    "display name": "伯爵夫人",
}


@pytest.mark.parametrize("text", SOUGHT.values(), ids=SOUGHT)
async def test_an_account_is_found_by_a_part_of_its_names(world: World, text: str) -> None:
    profile = Profile(given_name="Augusta Ada", family_name="Öztürk", display_name="Ada, 伯爵夫人")
    ada = await registered_as(world, "Ada.Lovelace", profile)
    others = [await registered(world, f"user-{number}", email=f"{number}@example.org") for number in range(7)]

    assert await scanned(world, UserQuery(text=text)) == [ada.username.original]
    assert len(others) == 7


@pytest.mark.parametrize(
    "text", ["%", "_", "a.a", "a*", ".*", "\\", "[ad]a", "^Ada", "(", "adax", "Ada Ada", "***:.*", "x"]
)
async def test_text_is_sought_as_it_stands(world: World, text: str) -> None:
    """What means something in a pattern means itself."""
    await registered_as(world, "Ada", Profile(given_name="Ada", display_name="Ada"))

    assert await scanned(world, UserQuery(text=text)) == (["Ada"] if text == "x" else [])
