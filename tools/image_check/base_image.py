"""A base image made of this distribution's own packages, for machines that reach no image registry."""

import shutil
from pathlib import Path

from image_check.buildah import Buildah
from image_check.processes import CheckFailed, run

BASE_IMAGE = "localhost/crm-auth-base"
PACKAGES = ("python3", "python3-venv", "ca-certificates")


def ensure_base_image(buildah: Buildah, folder: Path) -> bool:
    """Makes the base unless the storage has it; True when it was made. `folder` is scratch space.

    Raises CheckFailed when apt knows no mirror or a package cannot be had.
    """
    if buildah.has_image(BASE_IMAGE):
        return False
    root = folder / "base"
    release, mirror = debian_mirror()
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}"]
    run("debootstrap", *options, release, str(root), mirror, env=apt_proxy())
    for part in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / part, ignore_errors=True)
    container = buildah("from", "scratch")
    try:
        buildah("add", "--quiet", container, str(root), "/")
        buildah("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
        buildah("commit", "--quiet", container, BASE_IMAGE)
    finally:
        buildah("rm", container)
        shutil.rmtree(root)
    return True


def debian_mirror() -> tuple[str, str]:
    """Release name and mirror as this machine's own apt has them."""
    release = run("sh", "-c", ". /etc/os-release && echo $VERSION_CODENAME").strip()
    template = "$(CODENAME) $(COMPONENT) $(REPO_URI)"
    for line in run("apt-get", "indextargets", "--format", template, "Created-By: Packages").splitlines():
        codename, component, mirror = line.split()
        if (codename, component) == (release, "main"):
            return release, mirror
    raise CheckFailed(f"apt knows no mirror of {release}/main: run apt-get update")


def apt_proxy() -> dict[str, str]:
    """The proxy apt is told to use, in the form debootstrap's downloader understands."""
    proxy = run("apt-config", "dump", "--format", "%v", "Acquire::http::Proxy").strip()
    return {"http_proxy": proxy} if proxy else {}
