"""Put an end to whatever goes on in an account, from the address that it is to lose or has lost."""

from contextlib import suppress
from dataclasses import dataclass

from application.accounts.erase_account import EraseAccount
from application.accounts.ports import UserDirectory
from application.credentials.ports import PasswordHasher
from application.origin import Origin
from application.ports import UnitOfWork, UnitOfWorkFactory
from application.recovery.ports import OneTimeToken, OneTimeTokenCodec, OneTimeTokenRepository, Redeemable
from application.recovery.refuse_token import RefuseToken
from domain.accounts.errors import EmailTaken
from domain.accounts.user import User, UserStatus
from domain.credentials.password import Password
from domain.errors import FieldCheck, ServiceUnavailable
from domain.recovery.events import account_frozen
from domain.recovery.one_time_token import (
    ENDED_BY_A_NEW_EMAIL,
    PASSWORD_RESET_LIFETIME,
    TokenPurpose,
    invalid_token,
    token_refused,
)
from domain.sessions.session import EndReason

_LOOKS = 3
"""How often the old address may change hands while the account is being frozen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezeAccount:
    """Give the account back to whoever has its old, proven address, and to nobody else.

    Every session ends, a change of address that waits is off, one that was made is undone, the password becomes one
    that nobody knows, and no link is good any more but one: to set a password, by whoever froze it. Whoever took the
    account over knew the password and may have the new mailbox, so nothing that those open may be left (P10).
    """

    codec: OneTimeTokenCodec
    tokens: OneTimeTokenRepository
    users: UserDirectory
    hasher: PasswordHasher
    unit_of_work: UnitOfWorkFactory
    erase_account: EraseAccount

    async def __call__(self, token_text: str, origin: Origin) -> str | None:
        """A token to set a new password with; ``None`` if the account is disabled instead.

        So it is when the old address has been proven to be another account's meanwhile: it cannot go back, and where
        it is it may be an attacker's. An account that has it unproven is deleted, for its owner is who acts here.

        Raises InvalidInput, ServiceUnavailable.
        """
        check = FieldCheck()
        token = check.required("token", self._parse_token, token_text)
        check.raise_if_any()
        if await self.tokens.redeemable(token) is None:
            await RefuseToken(self.unit_of_work)(token, origin)
        # The text of a token that is handed to nobody: 256 bits of chance.
        nobodys = Password.given(self.codec.new(TokenPurpose.PASSWORD_RESET).text)
        unknown = await self.hasher.hash(nobodys)
        for _ in range(_LOOKS):
            with suppress(EmailTaken):
                return await self._freeze(token, unknown, origin)
        raise ServiceUnavailable

    def _parse_token(self, text: str) -> OneTimeToken:
        token = self.codec.parse(text)
        if token.purpose is not TokenPurpose.ACCOUNT_FREEZE:
            raise invalid_token()
        return token

    async def _freeze(self, token: OneTimeToken, unknown: str, origin: Origin) -> str | None:
        """Raises EmailTaken when the old address is somebody else's since it was looked at."""
        redeemable = await self.tokens.redeemable(token)
        if redeemable is None:
            raise token_refused()
        user = redeemable.user
        owner = await self.users.find(redeemable.email)
        work = self.unit_of_work(origin)
        work.sessions.end_all_of(user.id, EndReason.ACCOUNT_FROZEN)
        work.one_time_tokens.spend(token)
        work.credentials.lock_out(user.id, unknown)
        work.one_time_tokens.revoke_all_of(user.id, ENDED_BY_A_NEW_EMAIL)
        work.email_changes.drop_of(user.id)
        if owner is None or owner.id == user.id:
            return await self._give_back(redeemable, None, work)
        if not owner.email_verified:
            return await self._give_back(redeemable, owner, work)
        work.accounts.set_status(user.id, UserStatus.DISABLED)
        work.record(account_frozen(user.id, outcome="disabled"))
        await work.commit()
        return None

    async def _give_back(self, redeemable: Redeemable, occupant: User | None, work: UnitOfWork) -> str:
        user, email = redeemable.user, redeemable.email
        reset = self.codec.new(TokenPurpose.PASSWORD_RESET)
        # Before the address moves: it is the row as it was that this locks.
        work.one_time_tokens.issue(reset.token, user.id, PASSWORD_RESET_LIFETIME, to=email)
        if occupant:
            work.email_changes.require_unproven(occupant.id)
            self.erase_account.stage(occupant, work)
        work.email_changes.undo(user.id, email)
        is_kept = email.canonical == user.email.canonical
        work.record(account_frozen(user.id, outcome="address_kept" if is_kept else "address_restored"))
        await work.commit()
        if occupant:
            await self.erase_account.discard_photo_of(occupant)
        return reset.text
