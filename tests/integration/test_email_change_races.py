"""Changes of address against whatever else happens to the account at that moment: PostgreSQL alone can lose these."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest

from application.accounts.erase_account import EraseAccount
from application.origin import NOWHERE
from application.photos.discard_photo import DiscardPhoto
from application.recovery.freeze_account import FreezeAccount
from domain.accounts.errors import EmailTaken
from domain.errors import InvalidInput
from domain.recovery.email_change import EmailChange
from domain.recovery.one_time_token import (
    ACCOUNT_FREEZE_LIFETIME,
    ENDED_BY_A_NEW_EMAIL,
    NEW_EMAIL_LIFETIME,
    TokenPurpose,
)
from domain.sessions.errors import InvalidAccessToken
from domain.sessions.session import EndReason
from infrastructure.postgres.database import Database, DatabaseOptions
from tests.support.builders import ADA, Account, add, credential_of, new_id, registered, signed_in, user_named
from tests.support.fakes import TODAY, FakeHasher, FakeOneTimeTokenCodec, parse_email
from tests.support.memory_photos import MemoryPhotoStore
from tests.support.postgres import PostgresWorld
from tests.support.rows import connected
from tests.support.world import LIMITS

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
NEXT = parse_email("next@example.com")
CODEC = FakeOneTimeTokenCodec()


class Scene:
    """Ada, whose address is proven, with a change that waits and both tokens."""

    def __init__(self, world: PostgresWorld, database_url: str) -> None:
        self.world, self.database_url = world, database_url
        self.change = EmailChange(id=new_id(), email=NEXT)
        self.new = CODEC.new(TokenPurpose.NEW_EMAIL).token
        freeze = CODEC.new(TokenPurpose.ACCOUNT_FREEZE)
        self.freeze, self.freeze_text = freeze.token, freeze.text
        self.meanwhile: Callable[[], Awaitable[None]] | None = None

    async def prepare(self) -> None:
        self.ada = await registered(self.world)
        self.caller = (await signed_in(self.world, self.ada)).caller
        work = self.world.unit_of_work(NOWHERE)
        work.accounts.prove_email(self.ada.user.id)
        await work.commit()
        work = self.world.unit_of_work(NOWHERE)
        work.email_changes.request(self.caller, self.change)
        work.one_time_tokens.issue(self.new, self.ada.user.id, NEW_EMAIL_LIFETIME, to=NEXT)
        work.one_time_tokens.issue(self.freeze, self.ada.user.id, ACCOUNT_FREEZE_LIFETIME)
        await work.commit()

    async def confirming(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.one_time_tokens.spend(self.new)
        work.email_changes.apply(self.ada.user.id, self.change)
        work.one_time_tokens.revoke_all_of(self.ada.user.id, ENDED_BY_A_NEW_EMAIL)
        await work.commit()
        if self.meanwhile:
            await self.meanwhile()

    async def squatting(self) -> None:
        """Somebody signs up with the address that Ada had."""
        user = user_named(f"p{new_id().hex[:12]}", email=self.ada.email.original)
        self.squatter = Account(user, credential_of(user))
        await add(self.world, self.squatter)

    async def freezing(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.sessions.end_all_of(self.ada.user.id, EndReason.ACCOUNT_FROZEN)
        work.one_time_tokens.spend(self.freeze)
        work.credentials.lock_out(self.ada.user.id, f"{TODAY}nobody knows")
        work.one_time_tokens.revoke_all_of(self.ada.user.id, ENDED_BY_A_NEW_EMAIL)
        work.email_changes.drop_of(self.ada.user.id)
        work.email_changes.undo(self.ada.user.id, self.ada.email)
        await work.commit()

    async def deleting(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.sessions.end_all_of(self.ada.user.id, EndReason.ACCOUNT_DELETED)
        work.accounts.remove(self.ada.user.id)
        await work.commit()

    async def asking_again(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.email_changes.request(self.caller, EmailChange(id=new_id(), email=parse_email("attacker@example.com")))
        await work.commit()

    async def replacing_the_password(self) -> None:
        work = self.world.unit_of_work(NOWHERE)
        work.credentials.replace(self.ada.credential, f"{TODAY}an attacker's")
        await work.commit()

    async def signing_up(self) -> None:
        user = user_named(f"p{new_id().hex[:12]}", email=NEXT.original)
        await add(self.world, Account(user, credential_of(user)))

    async def one_behind_the_other(self, *those: Callable[[], Awaitable[None]]) -> Sequence[object]:
        """Each begins while the one before waits for the account, so that all of them have begun before any is done."""
        async with connected(self.database_url) as holding, connected(self.database_url) as looking:
            transaction = holding.transaction()
            await transaction.start()
            await holding.fetch("SELECT FROM credentials WHERE user_id = $1 FOR UPDATE", self.ada.user.id)
            await holding.fetch("SELECT FROM users WHERE id = $1 FOR UPDATE", self.ada.user.id)
            begun: list[asyncio.Future[None]] = []
            for each in those:
                begun.append(asyncio.ensure_future(each()))
                await _until(looking, waiting=len(begun))
            await transaction.commit()
            return await asyncio.gather(*begun, return_exceptions=True)

    async def email(self) -> str:
        found = await self.world.directory.find(self.ada.user.id)
        assert found is not None
        assert found.email_verified
        return found.email.canonical


async def _until(looking: "asyncpg.Connection[asyncpg.Record]", *, waiting: int) -> None:
    async with asyncio.timeout(10):
        while await looking.fetchval(WAITING) < waiting:  # noqa: ASYNC110 - only the server knows
            await asyncio.sleep(0.01)


@pytest.fixture
async def scene(database_url: str) -> AsyncIterator[Scene]:
    options = DatabaseOptions(url=database_url, lock_timeout=10, statement_timeout=10, answer_timeout=10)
    async with Database(options).opened() as database:
        scene = Scene(PostgresWorld(database, LIMITS), database_url)
        await scene.prepare()
        yield scene


async def test_a_confirmation_behind_a_freeze_is_refused(scene: Scene) -> None:
    frozen, confirmed = await scene.one_behind_the_other(scene.freezing, scene.confirming)

    assert frozen is None
    assert isinstance(confirmed, InvalidInput)
    assert await scene.email() == scene.ada.email.canonical
    assert await scene.world.email_changes.former(scene.change.id) is None


async def test_a_confirmation_before_a_freeze_is_undone(scene: Scene) -> None:
    results = await scene.one_behind_the_other(scene.confirming, scene.freezing)

    assert list(results) == [None, None]
    assert await scene.email() == scene.ada.email.canonical
    assert await scene.world.email_changes.former(scene.change.id) is None


async def test_two_confirmations_are_one(scene: Scene) -> None:
    results = await scene.one_behind_the_other(scene.confirming, scene.confirming)

    assert [type(each) for each in results] == [type(None), InvalidInput]
    assert await scene.email() == NEXT.canonical


async def test_two_freezes_are_one(scene: Scene) -> None:
    results = await scene.one_behind_the_other(scene.freezing, scene.freezing)

    assert [type(each) for each in results] == [type(None), InvalidInput]


async def test_a_confirmation_behind_a_deletion_is_refused(scene: Scene) -> None:
    results = await scene.one_behind_the_other(scene.deleting, scene.confirming)

    assert [type(each) for each in results] == [type(None), InvalidInput]
    assert await scene.world.directory.find(NEXT) is None


async def test_a_deletion_behind_a_confirmation_leaves_nothing(scene: Scene) -> None:
    results = await scene.one_behind_the_other(scene.confirming, scene.deleting)

    assert list(results) == [None, None]
    assert await scene.world.directory.find(scene.ada.user.id) is None
    assert await scene.world.email_changes.former(scene.change.id) is None


async def test_what_is_asked_for_beside_a_freeze_does_not_outlive_it(scene: Scene) -> None:
    """By whoever was signed in when they began: their session has ended, or the freeze drops what they asked for."""
    frozen, asked = await scene.one_behind_the_other(scene.freezing, scene.asking_again)

    assert frozen is None
    assert asked is None or isinstance(asked, InvalidAccessToken)
    assert await scene.world.email_changes.pending(scene.ada.user.id) is None


async def test_a_password_that_was_changed_before_a_freeze_is_gone(scene: Scene) -> None:
    results = await scene.one_behind_the_other(scene.replacing_the_password, scene.freezing)

    assert list(results) == [None, None]
    credential = (await scene.world.attempts.open(scene.ada.email, "", NOWHERE)).credential
    assert credential is not None
    assert (credential.password_hash, credential.version) == (f"{TODAY}nobody knows", 3)


async def test_x13_of_a_change_and_a_sign_up_with_the_same_address_one_wins(scene: Scene) -> None:
    results = await asyncio.gather(scene.confirming(), scene.signing_up(), return_exceptions=True)

    assert sorted(type(each).__name__ for each in results) == ["EmailTaken", "NoneType"]
    assert {type(each) for each in results} == {EmailTaken, type(None)}


async def test_a_sign_up_that_has_begun_with_the_address_has_it(scene: Scene, database_url: str) -> None:
    """The change waits for the unique index, and is refused when that is taken."""
    async with connected(database_url) as signing_up, connected(database_url) as looking:
        bob = await registered(scene.world)
        transaction = signing_up.transaction()
        await transaction.start()
        await signing_up.execute(
            "UPDATE users SET email = $2, email_canonical = $2 WHERE id = $1", bob.user.id, NEXT.canonical
        )
        confirming = asyncio.ensure_future(scene.confirming())
        await _until(looking, waiting=1)
        await transaction.commit()
    with pytest.raises(EmailTaken):
        await confirming
    assert await scene.email() == scene.ada.email.canonical


async def restoring(scene: Scene) -> str | None:
    discard = DiscardPhoto(scene.world.photos, MemoryPhotoStore())
    freeze = FreezeAccount(
        codec=CODEC,
        tokens=scene.world.one_time_tokens,
        users=scene.world.directory,
        hasher=FakeHasher(),
        unit_of_work=scene.world.unit_of_work,
        erase_account=EraseAccount(discard),
    )
    await scene.confirming()
    return await freeze(scene.freeze_text, ADA)


async def test_an_account_that_is_in_the_way_goes_as_the_address_comes_back(scene: Scene) -> None:
    """One statement deletes it and gives its address away, and the unique index lets it."""
    scene.meanwhile = scene.squatting
    reset = await restoring(scene)

    assert reset is not None
    assert await scene.email() == scene.ada.email.canonical
    assert await scene.world.directory.find(scene.squatter.user.id) is None
    types = [event.type for event in await scene.world.events()]
    assert types.index("user.deleted") < types.index("account.frozen")
    redeemable = await scene.world.one_time_tokens.redeemable(CODEC.parse(reset))
    assert redeemable is not None
    assert redeemable.user.id == scene.ada.user.id


async def test_an_account_that_proved_the_address_meanwhile_is_not_deleted(scene: Scene) -> None:
    """It is looked at, proves the address, and is found proven by the statement that would have deleted it."""
    scene.meanwhile = scene.squatting
    await scene.confirming()
    work = scene.world.unit_of_work(NOWHERE)
    work.accounts.prove_email(scene.squatter.user.id)
    await work.commit()
    work = scene.world.unit_of_work(NOWHERE)
    work.email_changes.require_unproven(scene.squatter.user.id)
    work.accounts.remove(scene.squatter.user.id)
    work.email_changes.undo(scene.ada.user.id, scene.ada.email)
    with pytest.raises(EmailTaken):
        await work.commit()
    assert await scene.world.directory.find(scene.squatter.user.id)
    assert await scene.email() == NEXT.canonical
