"""The limits that the settings ask for.

The numbers, and why they are so: a person seldom needs more than a few tries, so ten an account leave room for a bad
day, and a guesser has 38 on the first day and 24 on the next, up to a hundred in a row. An office or a mobile network
is one source, so a hundred. The budget of all is ten failures a second, which the people of a product stay far below.
Windows, and what has no setting, stand in ``RateLimits``.
"""

from datetime import timedelta

from bootstrap.settings import Settings
from domain.limits import Rule
from infrastructure.postgres.limits import RateLimits
from infrastructure.tokens.secret_keys import SecretKeys

_WINDOW = timedelta(minutes=10)
_HOUR = timedelta(hours=1)


def rate_limits_of(settings: Settings, secret_keys: SecretKeys) -> RateLimits:
    """The rules in force."""
    failures, longest = settings.sign_in_failures_per_account, settings.sign_in_longest_wait
    return RateLimits(
        digest=lambda data: secret_keys.digest("subject/v1", data),
        enabled=settings.rate_limits,
        device_lifetime=settings.device_lifetime,
        sign_in_source=Rule("sign_in.source", settings.sign_in_failures_per_source, _WINDOW),
        sign_in_pair=Rule("sign_in.pair", failures, _WINDOW, longest),
        sign_in_account=Rule("sign_in.account", failures, _WINDOW, longest),
        sign_in_device=Rule("sign_in.device", settings.sign_in_failures_per_device, _WINDOW, longest),
        sign_in_all=Rule("sign_in.all", settings.sign_in_failures_in_all, _WINDOW),
        sign_up_source=Rule("sign_up.source", settings.sign_ups_per_source, _HOUR),
        sign_up_all=Rule("sign_up.all", settings.sign_ups_in_all, _HOUR),
        recovery_source=Rule("recovery.source", settings.recoveries_per_source, _HOUR),
        recovery_all=Rule("recovery.all", settings.recoveries_in_all, _HOUR),
    )
