"""The main job without HTTP, as a script of an operator's: the settings come from the environment."""

import asyncio
import os
import sys
from collections.abc import Awaitable

from application.accounts.registration import Registration
from application.origin import NOWHERE
from application.sessions.log_in import LogInRequest, StepRequired
from bootstrap.container import make_container
from bootstrap.lifespan import running
from bootstrap.settings import Settings
from domain.errors import DomainError
from domain.sessions.errors import InvalidAccessToken, InvalidCredentials, InvalidRefreshToken

PASSWORD = "walnut ferry copper sunday"


async def main() -> None:
    async with running(make_container(Settings.from_environment(os.environ))) as container:
        use_cases = container.use_cases
        user = await use_cases.register_user()(
            Registration(email="Ada@Example.test", username="Ada", password=PASSWORD), NOWHERE
        )
        signed_in = await use_cases.log_in()(LogInRequest(identifier="ada@example.test", password=PASSWORD), NOWHERE)
        if isinstance(signed_in, StepRequired):
            raise TypeError(signed_in)
        signed_in = await use_cases.refresh_session()(signed_in.refresh_token, NOWHERE)
        caller = container.adapters.access_token_verifier().verify(signed_in.access_token.text)
        profile = await use_cases.view_profile()(caller)
        session = await use_cases.view_session()(caller)
        await use_cases.log_out()(caller, NOWHERE)
        refusals = [
            await refused_with(InvalidAccessToken, use_cases.view_profile()(caller)),
            await refused_with(InvalidRefreshToken, use_cases.refresh_session()(signed_in.refresh_token, NOWHERE)),
            await refused_with(
                InvalidCredentials, use_cases.log_in()(LogInRequest(identifier="ada", password="wrong"), NOWHERE)
            ),
        ]
        sys.stdout.write(
            f"{profile.email.original} {profile == user} {session.id == signed_in.session.id} {refusals}\n"
        )


async def refused_with(error: type[DomainError], call: Awaitable[object]) -> bool:
    try:
        await call
    except error:
        return True
    return False


asyncio.run(main())
