"""What the product can do, made of adapters."""

from collections.abc import Mapping

from dependency_injector import containers, providers

from application.accounts.change_profile import ChangeProfile
from application.accounts.delete_own_account import DeleteOwnAccount
from application.accounts.delete_user import DeleteUser
from application.accounts.disable_user import DisableUser
from application.accounts.enable_user import EnableUser
from application.accounts.erase_account import EraseAccount
from application.accounts.export_account import ExportAccount
from application.accounts.find_user import FindUser
from application.accounts.list_users import ListUsers
from application.accounts.register_user import RegisterUser
from application.accounts.view_profile import ViewProfile
from application.audit.drop_expired_entries import DropExpiredEntries
from application.audit.export_audit import ExportAudit
from application.audit.note_reading import NoteReading
from application.audit.publish_heads import PublishHeads
from application.audit.read_chain import ReadChain
from application.audit.replay_erasures import ReplayErasures
from application.audit.rotate_audit_key import RotateAuditKey
from application.audit.seal_events import SealEvents
from application.audit.search_audit import SearchAudit
from application.credentials.change_password import ChangePassword
from application.credentials.confirm_password import ConfirmPassword
from application.credentials.new_password import NewPasswordJudge
from application.outbox.drop_deliveries import DropDeliveries
from application.outbox.list_deliveries import ListDeliveries
from application.outbox.retry_deliveries import RetryDeliveries
from application.photos.discard_photo import DiscardPhoto
from application.photos.remove_photo import RemovePhoto
from application.photos.set_photo import SetPhoto
from application.photos.store_photo import StorePhoto
from application.photos.sweep_photos import SweepPhotos
from application.photos.view_photo import ViewPhoto
from application.recovery.confirm_email_verification import ConfirmEmailVerification
from application.recovery.confirm_password_reset import ConfirmPasswordReset
from application.recovery.freeze_account import FreezeAccount
from application.recovery.reject_email_verification import RejectEmailVerification
from application.recovery.request_email_change import RequestEmailChange
from application.recovery.request_email_verification import RequestEmailVerification
from application.recovery.request_password_reset import RequestPasswordReset
from application.recovery.start_password_reset import StartPasswordReset
from application.sessions.end_all_sessions import EndAllSessions
from application.sessions.end_session import EndSession
from application.sessions.end_sessions_of_user import EndSessionsOfUser
from application.sessions.list_sessions import ListSessions
from application.sessions.list_sessions_of_user import ListSessionsOfUser
from application.sessions.log_in import LogIn, VerifyPassword
from application.sessions.log_out import LogOut
from application.sessions.refresh_session import RefreshSession
from application.sessions.require_verified_email import RequireVerifiedEmail
from application.sessions.start_session import StartSession
from application.sessions.verified_email import VerifiedEmail
from application.sessions.view_session import ViewSession
from application.sign_ups.confirm_sign_up import ConfirmSignUp
from application.sign_ups.reject_sign_up import RejectSignUp
from application.sign_ups.request_sign_up import RequestSignUp
from bootstrap.settings import Settings
from domain.accounts.profile import ProfileRules
from domain.credentials.password import PasswordPolicy
from domain.sessions.session import SessionLifetime


def _lifetimes(settings: Settings) -> Mapping[bool, SessionLifetime]:
    return {
        False: SessionLifetime(idle=settings.session_idle_lifetime, absolute=settings.session_lifetime),
        True: SessionLifetime(
            idle=settings.remembered_session_idle_lifetime, absolute=settings.remembered_session_lifetime
        ),
    }


class UseCases(containers.DeclarativeContainer):
    """What the product can do. None holds state: whatever a call needs to remember is in its unit of work."""

    settings = providers.Dependency(instance_of=Settings)
    adapters = providers.DependenciesContainer()

    profile_rules = providers.Singleton(
        ProfileRules,
        parse_phone_number=adapters.parse_phone_number,
        parse_locale=adapters.parse_locale,
        time_zones=adapters.time_zones,
    )
    password_policy = providers.Singleton(PasswordPolicy, settings.provided.password_min_length)

    store_photo = providers.Factory(
        StorePhoto,
        renderer=adapters.photo_renderer,
        ledger=adapters.photo_ledger,
        store=adapters.photo_store,
        new_photo_id=adapters.new_photo_id,
    )
    new_password_judge = providers.Singleton(
        NewPasswordJudge, estimator=adapters.estimator, breached=adapters.breached_passwords
    )
    register_user = providers.Factory(
        RegisterUser,
        registrations=adapters.registrations,
        turns=adapters.signup_turns,
        unit_of_work=adapters.unit_of_work,
        hasher=adapters.hasher,
        judge=new_password_judge,
        parse_email=adapters.parse_email,
        new_id=adapters.new_id,
        policy=password_policy,
        signup=settings.provided.signup,
        profile_rules=profile_rules,
        store_photo=store_photo,
    )
    list_deliveries = providers.Factory(ListDeliveries, adapters.outbox_desk)
    retry_deliveries = providers.Factory(RetryDeliveries, adapters.outbox_desk, list_deliveries)
    drop_deliveries = providers.Factory(DropDeliveries, adapters.outbox_desk, list_deliveries)
    request_sign_up = providers.Factory(
        RequestSignUp,
        register_user=register_user,
        is_on=providers.Callable(lambda settings: settings.signup_answer == "neutral", settings),
    )
    seal_events = providers.Factory(SealEvents, adapters.audit_ledger, adapters.personal_cipher)
    publish_heads = providers.Factory(PublishHeads, adapters.audit_ledger, adapters.head_publishers)
    drop_expired_entries = providers.Factory(
        DropExpiredEntries, adapters.audit_ledger, adapters.clock, settings.provided.audit_kept
    )
    rotate_audit_key = providers.Factory(RotateAuditKey, adapters.audit_ledger)
    search_audit = providers.Factory(SearchAudit, trail=adapters.audit_trail, cipher=adapters.personal_cipher)
    read_chain = providers.Factory(ReadChain, adapters.audit_trail)
    export_audit = providers.Factory(ExportAudit, read_chain, adapters.personal_cipher)
    note_reading = providers.Factory(NoteReading, adapters.unit_of_work)
    find_user = providers.Factory(FindUser, adapters.user_directory, adapters.parse_email)
    list_users = providers.Factory(ListUsers, adapters.user_directory)
    disable_user = providers.Factory(DisableUser, find_user, adapters.unit_of_work)
    enable_user = providers.Factory(EnableUser, find_user, adapters.unit_of_work)
    list_sessions_of_user = providers.Factory(ListSessionsOfUser, find_user, adapters.sessions)
    end_sessions_of_user = providers.Factory(EndSessionsOfUser, find_user, adapters.unit_of_work)
    view_profile = providers.Factory(ViewProfile, adapters.sessions)
    change_profile = providers.Factory(
        ChangeProfile,
        sessions=adapters.sessions,
        usernames=adapters.usernames,
        unit_of_work=adapters.unit_of_work,
        rules=profile_rules,
    )
    require_verified_email = providers.Singleton(
        RequireVerifiedEmail,
        unit_of_work=adapters.unit_of_work,
        is_on=settings.provided.require_verified_email,
    )
    log_in = providers.Factory(
        LogIn,
        attempts=adapters.attempts,
        hasher=adapters.hasher,
        parse_email=adapters.parse_email,
        steps=providers.List(
            providers.Singleton(VerifyPassword, hasher=adapters.hasher, unit_of_work=adapters.unit_of_work),
            providers.Singleton(VerifiedEmail, require_verified_email),
        ),
        start_session=providers.Singleton(
            StartSession,
            unit_of_work=adapters.unit_of_work,
            refresh_tokens=adapters.refresh_tokens,
            issuer=adapters.issuer,
            hasher=adapters.hasher,
            new_id=adapters.new_id,
            lifetimes=providers.Singleton(_lifetimes, settings),
            client_id=settings.provided.client_id,
            devices=adapters.devices,
            device_tokens=adapters.device_tokens,
            sessions_per_user=settings.provided.sessions_per_user,
        ),
    )
    view_session = providers.Factory(ViewSession, adapters.sessions)
    refresh_session = providers.Factory(
        RefreshSession,
        refresh_tokens=adapters.refresh_tokens,
        sessions=adapters.sessions,
        issuer=adapters.issuer,
    )
    log_out = providers.Factory(LogOut, adapters.unit_of_work)
    list_sessions = providers.Factory(ListSessions, adapters.sessions)
    end_session = providers.Factory(EndSession, adapters.unit_of_work)
    end_all_sessions = providers.Factory(EndAllSessions, adapters.unit_of_work)
    confirm_password = providers.Singleton(ConfirmPassword, hasher=adapters.hasher, unit_of_work=adapters.unit_of_work)
    change_password = providers.Factory(
        ChangePassword,
        reauthentications=adapters.reauthentications,
        confirm_password=confirm_password,
        require_verified_email=require_verified_email,
        unit_of_work=adapters.unit_of_work,
        hasher=adapters.hasher,
        judge=new_password_judge,
        policy=password_policy,
        refresh_tokens=adapters.refresh_tokens,
        issuer=adapters.issuer,
        new_id=adapters.new_id,
        devices=adapters.devices,
        device_tokens=adapters.device_tokens,
    )
    export_account = providers.Factory(ExportAccount, adapters.archive, adapters.unit_of_work)
    request_password_reset = providers.Factory(
        RequestPasswordReset,
        requests=adapters.recovery_requests,
        unit_of_work=adapters.unit_of_work,
        parse_email=adapters.parse_email,
    )
    request_email_verification = providers.Factory(
        RequestEmailVerification,
        requests=adapters.recovery_requests,
        unit_of_work=adapters.unit_of_work,
        parse_email=adapters.parse_email,
    )
    confirm_email_verification = providers.Factory(
        ConfirmEmailVerification,
        codec=adapters.one_time_token_codec,
        tokens=adapters.one_time_tokens,
        attempts=adapters.attempts,
        hasher=adapters.hasher,
        unit_of_work=adapters.unit_of_work,
        confirm_sign_up=providers.Singleton(
            ConfirmSignUp,
            sign_ups=adapters.sign_ups,
            confirmations=adapters.sign_up_confirmations,
            hasher=adapters.hasher,
            unit_of_work=adapters.unit_of_work,
            new_id=adapters.new_id,
        ),
    )
    request_email_change = providers.Factory(
        RequestEmailChange,
        reauthentications=adapters.reauthentications,
        confirm_password=confirm_password,
        requests=adapters.recovery_requests,
        unit_of_work=adapters.unit_of_work,
        parse_email=adapters.parse_email,
        new_id=adapters.new_id,
    )
    start_password_reset = providers.Factory(
        StartPasswordReset,
        codec=adapters.one_time_token_codec,
        unit_of_work=adapters.unit_of_work,
        public_url=settings.provided.public_url,
    )
    confirm_password_reset = providers.Factory(
        ConfirmPasswordReset,
        codec=adapters.one_time_token_codec,
        tokens=adapters.one_time_tokens,
        unit_of_work=adapters.unit_of_work,
        hasher=adapters.hasher,
        judge=new_password_judge,
        policy=password_policy,
    )

    discard_photo = providers.Factory(DiscardPhoto, adapters.photo_ledger, adapters.photo_store)
    set_photo = providers.Factory(
        SetPhoto,
        sessions=adapters.sessions,
        store_photo=store_photo,
        unit_of_work=adapters.unit_of_work,
        discard_photo=discard_photo,
    )
    remove_photo = providers.Factory(
        RemovePhoto, sessions=adapters.sessions, unit_of_work=adapters.unit_of_work, discard_photo=discard_photo
    )
    view_photo = providers.Factory(ViewPhoto, ledger=adapters.photo_ledger, store=adapters.photo_store)
    sweep_photos = providers.Factory(SweepPhotos, ledger=adapters.photo_ledger, discard_photo=discard_photo)
    erase_account = providers.Factory(EraseAccount, discard_photo)
    replay_erasures = providers.Factory(
        ReplayErasures,
        users=adapters.registrations,
        erasures=adapters.audit_erasures,
        erase_account=erase_account,
        unit_of_work=adapters.unit_of_work,
    )
    delete_user = providers.Factory(DeleteUser, find_user, adapters.unit_of_work, erase_account)
    delete_own_account = providers.Factory(
        DeleteOwnAccount,
        sessions=adapters.sessions,
        reauthentications=adapters.reauthentications,
        confirm_password=confirm_password,
        unit_of_work=adapters.unit_of_work,
        erase_account=erase_account,
        is_offered=settings.provided.self_deletion,
    )
    reject_email_verification = providers.Factory(
        RejectEmailVerification,
        codec=adapters.one_time_token_codec,
        tokens=adapters.one_time_tokens,
        unit_of_work=adapters.unit_of_work,
        erase_account=erase_account,
        reject_sign_up=providers.Singleton(
            RejectSignUp, sign_ups=adapters.sign_ups, unit_of_work=adapters.unit_of_work
        ),
    )
    freeze_account = providers.Factory(
        FreezeAccount,
        codec=adapters.one_time_token_codec,
        tokens=adapters.one_time_tokens,
        users=adapters.user_directory,
        hasher=adapters.hasher,
        unit_of_work=adapters.unit_of_work,
        erase_account=erase_account,
    )
