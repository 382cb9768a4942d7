"""Signing in, up to the point where there is a session. What a session starts with is in ``test_start_session.py``."""

import asyncio
from datetime import timedelta

import pytest

from application.origin import NOWHERE
from application.sessions.log_in import LogInProgress, LogInRequest, StepRequired
from application.sessions.ports import LogInAttempt
from application.sessions.signed_in import SignedIn
from domain.credentials.password import Password
from domain.errors import DomainError, InvalidInput, Overloaded, ServiceUnavailable, TooManyAttempts
from domain.sessions.errors import InvalidCredentials
from tests.support.builders import ADA, MALLORY, NOON
from tests.support.fakes import TODAY
from tests.support.service import PASSWORD, Service
from tests.support.world import SIGN_IN_ACCOUNT, SIGN_IN_SOURCE

REQUEST = LogInRequest(identifier="Ada", password=PASSWORD)


@pytest.fixture
async def service(service: Service) -> Service:
    """Ada has signed up; what that took is forgotten."""
    await service.sign_up()
    service.world.store.round_trips = 0
    service.world.store.rows.events.clear()
    service.hasher.hashed.clear()
    return service


async def refusal_of(service: Service, identifier: str, password: str) -> DomainError:
    with pytest.raises(DomainError) as refusal:
        await service.try_to_sign_in(identifier, password)
    return refusal.value


@pytest.mark.parametrize("identifier", ["Ada", "ada", "ADA", "Ada@Example.com", "ada@example.com", "ADA@EXAMPLE.COM"])
async def test_signing_in_by_either_identifier(service: Service, identifier: str) -> None:
    signed_in = await service.sign_in(identifier)

    assert signed_in.user.username.original == "Ada"
    assert await service.event_types() == ["session.started"]


async def test_signing_in_takes_two_round_trips(service: Service) -> None:
    await service.sign_in()

    assert service.world.store.round_trips == 2


@pytest.mark.parametrize(
    ("identifier", "password", "checked_against"),
    [
        ("Ada", "another password", TODAY + PASSWORD),
        ("Ada", "", TODAY + PASSWORD),
        ("Ada", PASSWORD + " ", TODAY + PASSWORD),
        ("nobody", PASSWORD, None),
        ("nobody@example.com", PASSWORD, None),
        ("@", PASSWORD, None),
        ("", PASSWORD, None),
        (PASSWORD, PASSWORD, None),
        ("x" * 100_000, PASSWORD, None),
    ],
)
async def test_l01_l02_whatever_is_wrong_is_refused_alike_and_after_equal_work(
    service: Service, identifier: str, password: str, checked_against: str | None
) -> None:
    """L01, L02."""
    refusal = await refusal_of(service, identifier, password)

    assert type(refusal) is InvalidCredentials
    assert (refusal.detail, refusal.violations, refusal.retry_after) == (InvalidCredentials.title, (), None)
    assert service.hasher.verified == [(password, checked_against)]
    assert service.world.store.round_trips == 2
    assert await service.event_types() == ["log_in.failed"]
    assert service.world.store.rows.sessions == {}
    assert service.issuer.issued == []


async def test_a_disabled_user_is_refused_alike_with_the_right_password(service: Service) -> None:
    user = (await service.sign_in()).user
    service.world.store.round_trips = 0
    service.world.store.rows.events.clear()
    service.hasher.verified.clear()
    await service.world.disable(user.id)

    right, wrong = [await refusal_of(service, "Ada", password) for password in (PASSWORD, "wrong")]

    assert type(right) is type(wrong) is InvalidCredentials
    assert str(right) == str(wrong)
    assert [password_hash for _, password_hash in service.hasher.verified] == [TODAY + PASSWORD] * 2
    assert service.world.store.round_trips == 4
    assert await service.event_types() == ["log_in.failed"] * 2


async def test_l02_the_cost_of_an_unknown_name_hangs_on_the_name_in_one_form_and_on_nothing_it_is_known_by(
    service: Service,
) -> None:
    """L02: each spelling alike, and not the name itself, which anybody could reckon with."""
    for identifier in ("Nobody", "nobody", "somebody"):
        await refusal_of(service, identifier, "wrong")

    one, same, other = service.hasher.stood_in_for
    assert one == same != other
    assert "nobody" not in one.lower()


async def test_g01_g05_x01_a_refusal_is_recorded_before_it_is_told(service: Service) -> None:
    """X01, G01: who, if that is known, from where, and a digest of what was typed."""
    await refusal_of(service, "Ada", "wrong")
    await refusal_of(service, PASSWORD, PASSWORD)

    known, unknown = await service.world.events()
    assert known.user_id in service.world.store.rows.users
    assert unknown.user_id is None
    assert (known.origin, unknown.origin) == (ADA, ADA)
    assert known.data["identifier_digest"] != unknown.data["identifier_digest"]
    assert PASSWORD not in repr(unknown)


async def test_a_refusal_that_cannot_be_recorded_is_not_told(service: Service) -> None:
    """Or a guesser would learn more while the database is away."""

    async def store_goes_away() -> None:
        service.world.store.is_away = True

    service.hasher.meanwhile = store_goes_away

    assert isinstance(await refusal_of(service, "Ada", "wrong"), ServiceUnavailable)


@pytest.mark.parametrize("is_known", [True, False])
async def test_l03_a_limited_attempt_never_reaches_the_hasher(service: Service, *, is_known: bool) -> None:
    """L03: known and unknown users alike."""
    identifier = "Ada" if is_known else "nobody"
    burst = service.world.limits[SIGN_IN_ACCOUNT].burst
    for _ in range(burst):
        await refusal_of(service, identifier, "wrong")

    refusal = await refusal_of(service, identifier, PASSWORD)

    assert isinstance(refusal, TooManyAttempts)
    assert refusal.retry_after
    assert len(service.hasher.verified) == burst
    assert (await service.event_types())[-burst - 1 :] == ["log_in.failed"] * burst + ["log_in.limited"]


async def test_guesses_at_once_are_no_way_around_the_limit(service: Service) -> None:
    burst = service.world.limits[SIGN_IN_ACCOUNT].burst

    await asyncio.gather(
        *(service.try_to_sign_in("Ada", f"guess {number}") for number in range(3 * burst)), return_exceptions=True
    )

    assert len(service.hasher.verified) == burst


async def test_a_source_is_limited_whomever_it_aims_at(service: Service) -> None:
    burst = service.world.limits[SIGN_IN_SOURCE].burst
    for number in range(burst):
        await refusal_of(service, f"user{number}", "wrong")

    assert isinstance(await refusal_of(service, "Ada", PASSWORD), TooManyAttempts)
    assert isinstance(await service.try_to_sign_in(origin=MALLORY), SignedIn)


async def test_l05_a_success_is_no_guess_and_forgives_none(service: Service) -> None:
    """L05."""
    burst = service.world.limits[SIGN_IN_ACCOUNT].burst
    for _ in range(burst - 1):
        await refusal_of(service, "Ada", "wrong")

    for _ in range(3):
        await service.sign_in()

    assert isinstance(await refusal_of(service, "Ada", "wrong"), InvalidCredentials)
    assert isinstance(await refusal_of(service, "Ada", "wrong"), TooManyAttempts)


async def test_a_limit_passes_with_time(service: Service) -> None:
    limit = service.world.limits[SIGN_IN_ACCOUNT]
    for _ in range(limit.burst):
        await refusal_of(service, "Ada", "wrong")
    refusal = await refusal_of(service, "Ada", PASSWORD)

    await service.world.advance(timedelta(seconds=refusal.retry_after or 0))

    await service.sign_in()


async def test_l06_a_limit_leaves_open_sessions_alone(service: Service) -> None:
    """L06."""
    signed_in = await service.sign_in()
    for _ in range(15):
        await refusal_of(service, "Ada", "wrong")

    assert (await service.refresh_session(signed_in.refresh_token, ADA)).user == signed_in.user


@pytest.mark.parametrize(
    ("password", "code"), [("x" * 1025, "password_too_long"), ("\ud800", "invalid_password")], ids=["long", "surrogate"]
)
async def test_l13_a_password_that_cannot_be_one_costs_nothing(service: Service, password: str, code: str) -> None:
    """L13."""
    refusal = await refusal_of(service, "Ada", password)

    assert isinstance(refusal, InvalidInput)
    assert [(violation.field, violation.code) for violation in refusal.violations] == [("password", code)]
    assert (service.world.store.round_trips, service.hasher.verified) == (0, [])


async def test_an_overloaded_hasher_refuses_and_nothing_is_written(service: Service) -> None:
    service.hasher.overloaded = True

    assert isinstance(await refusal_of(service, "Ada", PASSWORD), Overloaded)
    assert await service.world.events() == []
    assert service.world.store.rows.sessions == {}


async def test_d01_where_no_place_is_left_nothing_is_looked_up_and_nothing_counted(service: Service) -> None:
    """What a storm is made of is to cost next to nothing; 29 % of the sign-ins that could be were, before that."""
    service.hasher.is_full = True
    for _ in range(20):
        assert isinstance(await refusal_of(service, "Ada", "not Ada's password"), Overloaded)
    assert (service.world.store.round_trips, service.hasher.verified) == (0, [])
    service.hasher.is_full = False
    assert isinstance(await service.try_to_sign_in("Ada", PASSWORD), SignedIn)


class SecondFactor:
    """A step that asks for a code until it is told that the code was right."""

    def __init__(self, *, is_passed: bool) -> None:
        self.is_passed = is_passed
        self.seen: list[LogInProgress] = []

    async def __call__(self, progress: LogInProgress) -> StepRequired | None:
        self.seen.append(progress)
        if not self.is_passed:
            return StepRequired("totp")
        progress.methods.append("otp")
        return None


async def test_l16_a_step_that_is_still_required_ends_without_a_session(service: Service) -> None:
    """L16."""
    second = SecondFactor(is_passed=False)

    result = await service.log_in_by([service.verify_password, second])(REQUEST, ADA)

    assert result == StepRequired("totp")
    assert second.seen[0].authenticated is not None
    assert service.world.store.rows.sessions == {}
    assert service.issuer.issued == []
    assert await service.world.events() == []
    assert service.world.store.round_trips == 1


async def test_l16_an_attempt_that_waits_for_a_step_stays_counted(service: Service) -> None:
    """Or a second factor could be guessed without limit."""
    log_in = service.log_in_by([service.verify_password, SecondFactor(is_passed=False)])
    for _ in range(service.world.limits[SIGN_IN_ACCOUNT].burst):
        await log_in(REQUEST, ADA)

    with pytest.raises(TooManyAttempts):
        await log_in(REQUEST, ADA)


async def test_l16_a_step_behind_a_wrong_password_is_never_reached(service: Service) -> None:
    second = SecondFactor(is_passed=True)

    with pytest.raises(InvalidCredentials):
        await service.log_in_by([service.verify_password, second])(LogInRequest(identifier="Ada", password="no"), ADA)

    assert second.seen == []


async def test_a_session_says_which_steps_opened_it(service: Service) -> None:
    second = SecondFactor(is_passed=True)

    result = await service.log_in_by([service.verify_password, second])(REQUEST, ADA)

    assert isinstance(result, SignedIn)
    assert result.session.authentication.methods == ("pwd", "otp")
    assert second.seen[0].request is REQUEST


@pytest.mark.parametrize("steps", [[], [SecondFactor(is_passed=True)]], ids=["no steps", "only a second"])
async def test_steps_that_establish_nobody_open_nothing(service: Service, steps: list[SecondFactor]) -> None:
    with pytest.raises(InvalidCredentials):
        await service.log_in_by(steps)(REQUEST, ADA)

    assert service.world.store.rows.sessions == {}


async def test_without_an_address_only_the_account_is_limited(service: Service) -> None:
    for number in range(service.world.limits[SIGN_IN_SOURCE].burst + 1):
        with pytest.raises(InvalidCredentials):
            await service.try_to_sign_in(f"user{number}", "wrong", origin=NOWHERE)


def test_g02_a_request_does_not_show_its_password() -> None:
    """G02: nor does the progress that carries it."""
    assert PASSWORD not in repr(REQUEST)
    attempt = LogInAttempt(now=NOON, identifier_digest="", user=None, credential=None, allowances=())
    progress = LogInProgress(request=REQUEST, password=Password.given(PASSWORD), origin=NOWHERE, attempt=attempt)
    assert PASSWORD not in repr(progress)
