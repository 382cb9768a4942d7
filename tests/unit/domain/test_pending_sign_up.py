"""What becomes of a sign-up that waited for its address."""

from dataclasses import replace
from datetime import timedelta

from domain.accounts.pending_sign_up import PendingSignUp
from domain.credentials.password import PasswordCredential
from tests.support.builders import NOON, new_id, user_named

LATER = NOON + timedelta(hours=1)


def test_it_becomes_an_account_that_is_proven_and_its_password() -> None:
    ada, credential_id = user_named("Ada", now=LATER), new_id()
    sign_up = PendingSignUp(
        id=ada.id, email=ada.email, username=ada.username, profile=ada.profile, password_hash="a hash", photo_id="photo"
    )

    assert sign_up.user(LATER) == replace(ada, email_verified=True, photo_id="photo")
    assert sign_up.credential(credential_id, LATER) == PasswordCredential(
        id=credential_id, user_id=ada.id, password_hash="a hash", version=1, created_at=LATER
    )
