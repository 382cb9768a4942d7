#!/usr/bin/env python3
"""Builds the container image where no engine runs, checks it, and runs the product's main job inside it.

    sudo python3 tools/container_check.py [--install]

Needs root and the Debian packages buildah, debootstrap and postgresql; `--install` gets them. The base image, Debian's
own Python, is made once and kept in CONTAINER_CHECK_CACHE (/var/tmp/crm-auth-container); everything else goes at the
end. Exit status 0: every check held; 1: one did not; 2: this machine lacks something.
"""

import argparse
import os
import secrets
import shutil
import signal
import sys
import time
from pathlib import Path

from image_check.base_image import BASE_IMAGE, base_image
from image_check.buildah import Buildah
from image_check.contents import configuration_faults, content_faults, disk_bytes
from image_check.journey import main_job
from image_check.pip_settings import build_options
from image_check.postgres import database_url, server_programs
from image_check.processes import CheckFailed, run
from image_check.server import RunningServer
from image_check.trial import BAD_SECRETS, Trial
from image_check.workspace import cache_folder, workspace

PROJECT = Path(__file__).resolve().parent.parent
IMAGE = "localhost/crm-auth-check"


def main() -> int:
    """Exit status, see above."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--install", action="store_true", help="install what is missing with apt-get first")
    parser.add_argument("--context", type=Path, default=PROJECT, help="folder that is built (this project)")
    options = parser.parse_args()
    if options.install and os.geteuid() == 0:
        install()
    if reasons := obstacles():
        print("\n".join(["the container check cannot run here:", *reasons]), file=sys.stderr)
        return 2
    # Ended from outside, the check still unwinds: no container, mount or server may stay behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        check(options.context)
    except CheckFailed as failure:
        print(f"FAILED {failure}", file=sys.stderr)
        return 1
    return 0


def obstacles() -> list[str]:
    """What this machine lacks, in words."""
    reasons = [] if os.geteuid() == 0 else ["root is needed to make a root folder and change into it"]
    missing = [program for program in ("buildah", "debootstrap", "unshare") if shutil.which(program) is None]
    missing += [] if server_programs() else ["postgresql"]
    return [*reasons, *(f"not installed: {program} (--install gets it)" for program in missing)]


def install() -> None:
    """Gets the programs from the distribution's own packages."""
    run("apt-get", "update")
    packages = ("buildah", "debootstrap", "postgresql")
    run("apt-get", "install", "--yes", "--no-install-recommends", *packages, env={"DEBIAN_FRONTEND": "noninteractive"})


def check(context: Path) -> None:
    """All of it; prints a line a figure and raises CheckFailed at the first promise that is not kept."""
    cache = cache_folder()
    with workspace(cache) as folder:
        buildah = Buildah(folder / "storage")
        build(buildah, context, cache, folder)
        with buildah.container(IMAGE) as container, buildah.root_of(container) as root:
            inspect(buildah, root)
            with database_url() as url:
                environment = {"CRM_AUTH_DATABASE_URL": url, "CRM_AUTH_SECRET_KEY": secrets.token_urlsafe(48)}
                use(Trial(buildah, container, buildah.inspect(IMAGE), environment, folder), root)


def build(buildah: Buildah, context: Path, cache: Path, folder: Path) -> None:
    """The image from the project's Dockerfile on the distribution's Python."""
    began = time.monotonic()
    made = base_image(buildah, cache, folder)
    say("base image", f"{time.monotonic() - began:.1f} s ({'made' if made else 'from the cache'})")
    began = time.monotonic()
    buildah.build(context, IMAGE, arguments={"PYTHON_IMAGE": BASE_IMAGE}, options=build_options(folder))
    say("build", f"{time.monotonic() - began:.1f} s")


def inspect(buildah: Buildah, root: Path) -> None:
    """What the image is and holds, before anything runs in it."""
    if faults := [*configuration_faults(buildah.inspect(IMAGE)), *content_faults(root)]:
        raise CheckFailed("\n".join(faults))
    size, base = buildah.size(IMAGE), buildah.size(BASE_IMAGE)
    say("image", f"{size / 1e6:.0f} MB in layers, {base / 1e6:.0f} MB of it the base")
    say("on disk", f"{disk_bytes(root) / 1e6:.0f} MB, {disk_bytes(root / 'opt/venv') / 1e6:.0f} MB of it the service")
    say("contents", "no compiler, pip, git, secret or writable file; configuration as promised")


def use(trial: Trial, root: Path) -> None:
    """The image at work: refusals, schema, main job, health check, signals, read-only root."""
    for secret in BAD_SECRETS:
        trial.refuses("CRM_AUTH_SECRET_KEY", secret)
    trial.refuses("CRM_AUTH_DATABASE_URL", "")
    say("refusals", "no start without a database, without a secret, or with a weak or sample one")
    say("db upgrade", f"{trial.upgrade():.1f} s")
    with trial.serve() as server:
        exercise("serve", server)
        if trial.health_check(server.service):
            raise CheckFailed("the image's health check fails on a healthy server")
        stop("serve", server)
    if not trial.health_check(server.service):
        raise CheckFailed("the image's health check succeeds without a server")
    with trial.serve_read_only(root) as server:
        exercise("serve, read-only root", server)
        stop("serve, read-only root", server)


def exercise(name: str, server: RunningServer) -> None:
    """The main job on a running server."""
    began = time.monotonic()
    main_job(server.service)
    say(f"{name}: first healthy answer", f"{server.seconds_to_healthy:.2f} s after the start")
    say(f"{name}: main job", f"{time.monotonic() - began:.2f} s, then {server.resident_mebibytes():.0f} MiB resident")


def stop(name: str, server: RunningServer) -> None:
    """The end an orchestrator asks for."""
    say(f"{name}: SIGTERM", f"exit status 0 after {server.stop():.2f} s")


def say(name: str, figure: str) -> None:
    """One line of the report."""
    print(f"{name:<44} {figure}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
