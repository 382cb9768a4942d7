"""What can be said of the settings and of this machine alone."""

import asyncio
import os
from pathlib import Path
from urllib.parse import urlsplit

from bootstrap.breached_passwords import filter_in_force
from bootstrap.doctor.check import Patient, failed, ok, warning
from infrastructure.passwords.breached.filter_format import FilterRefused
from interfaces.cli.operations import Finding

_HERE = frozenset({"127.0.0.1", "::1", "localhost"})
_OTHERS = 0o077
_OLD_DAYS = 730
"""Of a filter: breaches of two years are missing in it."""


async def public_url(patient: Patient) -> Finding:
    """Whether people's browsers speak TLS to it."""
    url = patient.settings.public_url
    parts = urlsplit(url)
    if parts.scheme == "https":
        return ok("public_url", f"{url} is https")
    if parts.hostname in _HERE:
        return warning(
            "public_url",
            f"{url} is of this machine: links in mails and the issuer of tokens lead nobody here from elsewhere",
            "set CRM_AUTH_PUBLIC_URL to where clients reach the service, unless you only try it out",
        )
    return failed("public_url", f"{url} is not https: passwords go in the clear", "put a proxy with TLS in front")


async def secret_files(patient: Patient) -> Finding:
    """Whether secrets that are kept in files are kept from others."""
    files = {
        name: Path(path)
        for name, path in patient.environment.items()
        if name.startswith("CRM_AUTH_") and name.endswith("_FILE")
    }
    own = patient.settings.data_dir / "secret_key"
    if patient.settings.is_embedded and own.exists():
        files["the secret key"] = own
    loose = [f"{name} ({path})" for name, path in files.items() if path.stat().st_mode & 0o007]
    if loose:
        return failed("secret_files", f"others on this machine read {', '.join(loose)}", "set their mode to 0600")
    if not files and not patient.settings.is_embedded:
        return ok("secret_files", "no secret is kept in a file")
    return ok("secret_files", f"{len(files)} kept from others")


async def data_folder(patient: Patient) -> Finding:
    """Whether the data folder can be written, and by nobody else."""
    folder = patient.settings.data_dir.absolute()
    if not folder.exists():
        return ok("data_folder", f"{folder} is not there yet, and made when it is needed")
    if not os.access(folder, os.W_OK | os.X_OK):
        return failed("data_folder", f"{folder} cannot be written", "give it to the account that the service runs as")
    if patient.settings.is_embedded and folder.stat().st_mode & _OTHERS & 0o022:
        return failed("data_folder", f"others may write into {folder}", "set its mode to 0700")
    return ok("data_folder", f"{folder} can be written")


async def breached_passwords(patient: Patient) -> Finding:
    """Which filter of breached passwords is in force, that it is sound, and of what age."""
    choice = patient.settings.breached_passwords
    try:
        in_force = await asyncio.to_thread(filter_in_force, choice)
    except FilterRefused as refusal:
        return failed("breached_passwords", f"{refusal}", "give CRM_AUTH_BREACHED_PASSWORDS a filter that can be read")
    build = "build one of the newest list with `crm-auth passwords build-filter`"
    if in_force is None:
        return warning("breached_passwords", "off: passwords that every attacker knows are taken", build)
    said = f"{in_force}, {in_force.size / 1_000_000:,.1f} MB, {in_force.age_in_days} days old"
    if in_force.age_in_days > _OLD_DAYS:
        return warning("breached_passwords", said, build)
    return ok("breached_passwords", said)
