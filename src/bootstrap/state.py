"""What the embedded default keeps for itself, so that it starts without a setting."""

import os
import secrets
from dataclasses import replace
from pathlib import Path

from bootstrap.settings import Settings, SettingsError

_SECRET_KEY = "secret_key"


def with_secret_key(settings: Settings) -> Settings:
    """The settings with a secret key: the one given, else the one in the data folder, made at the first start."""
    if settings.secret_key:
        return settings
    return replace(settings, secret_key=(_kept_secret(settings.data_dir),))


def _kept_secret(data_dir: Path) -> str:
    path = data_dir / _SECRET_KEY
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _write_once(path, secrets.token_urlsafe(48))
    if path.stat().st_mode & 0o077:
        raise SettingsError([f"{path} is readable by others; set its mode to 0600."])
    return path.read_text(encoding="utf-8").strip()


def _write_once(path: Path, text: str) -> None:
    """Of several that start at once one wins, and a crash leaves the whole file or none."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(unfinished)
    except FileExistsError:
        pass
    finally:
        unfinished.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        # Or a power cut could leave a database sealed with a secret that is not there.
        os.fsync(folder)
    finally:
        os.close(folder)
