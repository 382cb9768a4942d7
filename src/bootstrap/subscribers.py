"""Who is told what happens: the one place where a new service is declared.

A subscriber says its name and what it wants to be told of on its class, so that events can be addressed to it before
it is made. The container makes it (``bootstrap.container.Background``).
"""

from collections.abc import Collection

from application.notices.send_security_notice import KINDS, SendSecurityNotice
from application.outbox.ports import Subscriber, Subscriptions, subscriptions_of
from application.recovery.email_change_notice import EmailChangeNotice
from application.recovery.email_verification_mail import EmailVerificationMail
from application.recovery.new_email_mail import NewEmailMail
from application.recovery.password_reset_mail import PasswordResetMail
from application.sign_ups.sign_up_mail import SignUpMail
from application.stuffing.tell_operator import TellOperator
from domain.mail.kinds import MailKind

SUBSCRIBERS: tuple[type[Subscriber], ...] = (
    PasswordResetMail,
    EmailVerificationMail,
    SignUpMail,
    SendSecurityNotice,
    NewEmailMail,
    EmailChangeNotice,
    TellOperator,
)


def subscriptions_for(notices: Collection[MailKind]) -> Subscriptions:
    """Who is told what; a notice that is switched off costs the request that would cause it nothing."""
    off = {topic for topic, kind in KINDS.items() if kind not in notices}
    return {
        topic: [name for name in names if name != SendSecurityNotice.name or topic not in off]
        for topic, names in subscriptions_of(SUBSCRIBERS).items()
    }
