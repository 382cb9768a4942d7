"""What a new password must not be, whatever asks for one."""

from collections.abc import Sequence
from dataclasses import dataclass

from application.credentials.ports import BreachedPasswords, PasswordStrengthEstimator
from domain.credentials.password import Password, Weakness, refuse_weak


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordJudge:
    """Refuses what is soon guessed and what has been published (S03).

    In this order, for of a password that is both, how it is made says more about what would be a better one.
    """

    estimator: PasswordStrengthEstimator
    breached: BreachedPasswords

    def refuse_weak(self, password: Password, own_words: Sequence[str]) -> None:
        """Raises InvalidValue with the reason, ServiceUnavailable; ``own_words`` are the account's names."""
        refuse_weak(self.estimator.weakness(password, own_words))
        if self.breached.includes(password):
            refuse_weak(Weakness.BREACHED)
