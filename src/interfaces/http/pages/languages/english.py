"""The pages in English."""

from interfaces.http.pages.texts import Texts

ENGLISH = Texts(
    language="en",
    new_password_title="Set a new password",
    new_password_lead="Everybody who is signed in to your account, you included, is signed out.",
    new_password_label="New password",
    new_password_hint="The longer the better: a sentence of some words that have nothing to do with each other is"
    " easy to keep in mind and hard to guess.",
    repeat_label="The same once more",
    save="Set password",
    not_the_same="The two passwords are not the same.",
    done_title="Your new password is set",
    done_lead="You have been signed out everywhere. Sign in with the new password.",
    dead_link_title="This link does not work",
    dead_link_lead="It has been used, has expired, or was not copied whole. Ask for a new one.",
    foreign_title="This form came from another site",
    foreign_lead="Nothing was changed. Open the link again, and use the page it leads to.",
    busy="The service is busy. Nothing was changed: try again in a moment.",
    verify_title="Confirm your e-mail address",
    verify_lead="Confirm with the password of the account that this address is yours. The link alone would also prove"
    " the address of somebody else who signed up with it.",
    password_label="Password",
    confirm="Confirm the address",
    verified_title="Your address is confirmed",
    verified_lead="You can close this page.",
    wrong_password="This is not the password of the account.",
    too_many_attempts="There were too many attempts. Wait some minutes, and try again.",
    reject_title="This was not you?",
    reject_lead="Somebody gave your address as theirs. Say that it was not you: an account that was made with it is"
    " deleted, and one that was to have it from now on keeps the address it has.",
    reject="It was not me",
    rejected_title="Thank you: your address is left alone",
    rejected_lead="No account has it by that request any more. You can close this page.",
    not_me="This was not me",
    email_taken="Another account has this address by now. Nothing was changed.",
    freeze_title="Freeze your account?",
    freeze_lead="If somebody else is changing the address of your account: everybody is signed out, the address stays"
    " or becomes yours again, the password holds no more, and you set a new one on the next page.",
    freeze="It was not me: freeze the account",
    disabled_title="Your account is locked",
    disabled_lead="Everybody is signed out, and nobody gets in. Your address belongs to another account by now, so it"
    " could not be brought back: please write to whoever runs this service.",
)
