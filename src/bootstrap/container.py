"""What is made of what, from the outside in: adapters, use cases, the background, and the whole that holds them.

Everything is made without waiting: what has to be opened is opened by the lifespan (:mod:`bootstrap.lifespan`).
"""

import asyncio
import random
from functools import partial

from dependency_injector import containers, providers

from application.accounts.register_user import RegisterUser
from application.mail.send_mail import SendMail
from application.notices.send_security_notice import SendSecurityNotice
from application.outbox.deliver_event import DeliverEvent
from application.recovery.email_change_notice import EmailChangeNotice
from application.recovery.email_verification_mail import EmailVerificationMail
from application.recovery.issue_token import IssueToken
from application.recovery.new_email_mail import NewEmailMail
from application.recovery.password_reset_mail import PasswordResetMail
from application.recovery.unsent_tokens import UnsentTokens
from application.sign_ups.sign_up_mail import SignUpMail
from application.stuffing.tell_operator import TellOperator
from application.stuffing.watch_sign_ins import WatchSignIns
from bootstrap.adapters import Adapters
from bootstrap.settings import Settings
from bootstrap.stuffing import recognition_of
from bootstrap.use_cases import UseCases
from domain.accounts.identifiers import EmailAddress
from domain.accounts.signup_policy import OPEN
from infrastructure.identifiers import parse_email_address
from infrastructure.mail.counting import CountingMailer
from interfaces.worker.audit import AuditWorker
from interfaces.worker.worker import PATIENCE, Worker


def _operator_email(settings: Settings) -> EmailAddress | None:
    return parse_email_address(settings.operator_email) if settings.operator_email else None


class Background(containers.DeclarativeContainer):
    """What happens without anybody asking for it: subscribers, and what tells them."""

    settings = providers.Dependency(instance_of=Settings)
    adapters = providers.DependenciesContainer()
    use_cases = providers.DependenciesContainer()

    send_mail = providers.Singleton(
        SendMail,
        mailer=providers.Singleton(CountingMailer, adapters.mailer),
        writer=adapters.mail_writer,
        allowance=adapters.mail_allowance,
    )
    # Each class of bootstrap.subscribers once, made of what it needs.
    unsent_tokens = providers.Singleton(UnsentTokens)
    issue_token = providers.Singleton(
        IssueToken, codec=adapters.one_time_token_codec, unit_of_work=adapters.unit_of_work, unsent=unsent_tokens
    )
    password_reset_mail = providers.Singleton(
        PasswordResetMail,
        users=adapters.user_directory,
        issue=issue_token,
        send_mail=send_mail,
        public_url=settings.provided.public_url,
    )
    email_verification_mail = providers.Singleton(
        EmailVerificationMail,
        users=adapters.user_directory,
        issue=issue_token,
        send_mail=send_mail,
        public_url=settings.provided.public_url,
    )
    sign_up_mail = providers.Singleton(
        SignUpMail,
        sign_ups=adapters.sign_ups,
        codec=adapters.one_time_token_codec,
        unit_of_work=adapters.unit_of_work,
        unsent=unsent_tokens,
        send_mail=send_mail,
        public_url=settings.provided.public_url,
    )
    security_notice = providers.Singleton(
        SendSecurityNotice,
        users=adapters.user_directory,
        devices=adapters.device_history,
        send_mail=send_mail,
        wanted=settings.provided.notices,
    )
    new_email_mail = providers.Singleton(
        NewEmailMail,
        users=adapters.user_directory,
        changes=adapters.email_changes,
        issue=issue_token,
        send_mail=send_mail,
        public_url=settings.provided.public_url,
    )
    email_change_notice = providers.Singleton(
        EmailChangeNotice,
        users=adapters.user_directory,
        changes=adapters.email_changes,
        issue=issue_token,
        send_mail=send_mail,
        public_url=settings.provided.public_url,
    )
    operator_notice = providers.Singleton(
        TellOperator, to=providers.Callable(_operator_email, settings), send_mail=send_mail
    )
    watch_sign_ins = providers.Singleton(
        WatchSignIns, adapters.stuffing_record, providers.Callable(recognition_of, settings)
    )
    subscribers = providers.List(
        password_reset_mail,
        email_verification_mail,
        sign_up_mail,
        new_email_mail,
        email_change_notice,
        security_notice,
        operator_notice,
    )
    audit_worker = providers.Singleton(
        AuditWorker, use_cases.seal_events, use_cases.publish_heads, use_cases.drop_expired_entries
    )
    worker = providers.Singleton(
        Worker,
        adapters.outbox,
        providers.Singleton(
            DeliverEvent,
            outbox=adapters.outbox,
            subscribers=subscribers,
            clock=adapters.clock,
            patience=providers.Object(partial(asyncio.timeout, PATIENCE.total_seconds())),
            jitter=providers.Object(random.random),
        ),
    )


class Container(containers.DeclarativeContainer):
    """The whole. ``container.use_cases.log_in()`` is a use case that is ready to be called."""

    settings = providers.Dependency(instance_of=Settings)
    server_processes = providers.Dependency(instance_of=int, default=1)
    metrics_folder = providers.Dependency(instance_of=str, default="")
    adapters = providers.Container(
        Adapters, settings=settings, server_processes=server_processes, metrics_folder=metrics_folder
    )
    use_cases = providers.Container(UseCases, settings=settings, adapters=adapters)
    background = providers.Container(Background, settings=settings, adapters=adapters, use_cases=use_cases)


def make_container(settings: Settings, *, server_processes: int = 1, metrics_folder: str = "") -> Container:
    """A container for settings that name a database and a secret key (see :mod:`bootstrap.state`).

    Several processes of one server share the folder, so that any of them can tell the figures of all.
    """
    return Container(settings=settings, server_processes=server_processes, metrics_folder=metrics_folder)


def for_operator(container: Container) -> RegisterUser:
    """Registering as the operator does it: whatever sign-up admits; an origin without an address has no limit."""
    register_user: RegisterUser = container.use_cases.register_user(signup=OPEN)
    return register_user
