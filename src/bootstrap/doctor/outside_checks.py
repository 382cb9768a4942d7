"""What the service needs of the world: mail and a place for photos."""

import os
from pathlib import Path

import aiosmtplib

from bootstrap.doctor.check import Patient, failed, ok, warning
from bootstrap.mail import mailer_of
from domain.errors import ServiceUnavailable
from domain.photos.photo import PhotoSize
from infrastructure.clock import DatabaseClock
from infrastructure.ids import new_photo_id
from infrastructure.mail.smtp import SmtpMailer
from infrastructure.photos.store_url import photo_store
from interfaces.cli.operations import Finding


async def mail(patient: Patient) -> Finding:
    """Whether the mail server takes us; no mail is sent."""
    mailer = mailer_of(patient.settings, DatabaseClock())
    if not isinstance(mailer, SmtpMailer):
        folder = "the folder mail of the data folder" if patient.settings.mail_url is None else "a folder"
        return warning("mail", f"it is written to {folder} and sent nowhere", "set CRM_AUTH_MAIL_URL to a mail server")
    try:
        await mailer.greet()
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as failure:
        said = f"the server does not take us ({type(failure).__name__})"
        return failed("mail", said, "check host, port, user and password in CRM_AUTH_MAIL_URL, and TLS (smtps://)")
    return ok("mail", "the server takes us")


async def photos(patient: Patient) -> Finding:
    """Whether a photo can be written and deleted."""
    store, photo_id = photo_store(patient.settings.photo_store_url), new_photo_id()
    folder = patient.settings.data_dir.absolute()
    if patient.settings.photo_url is None and not folder.exists():
        return ok("photos", "the data folder is not there yet, and made when it is needed")
    if patient.settings.photo_url is None and not os.access(_nearest(folder / "photos"), os.W_OK):
        return failed("photos", f"{folder / 'photos'} cannot be written", "give it to the account of the service")
    try:
        await store.put(photo_id, dict.fromkeys(PhotoSize, b"a check"))
        await store.delete(photo_id)
    except (ServiceUnavailable, OSError) as failure:
        said = f"the store cannot be written ({type(failure).__name__})"
        return failed("photos", said, "check CRM_AUTH_PHOTO_URL, and the rights on that folder or bucket")
    return ok("photos", "the store can be written")


def _nearest(path: Path) -> Path:
    return next(each for each in (path, *path.parents) if each.exists())
