"""A base image made of this distribution's own packages, for machines that reach no image registry."""

import shutil
from pathlib import Path

from image_check.buildah import Buildah
from image_check.processes import CheckFailed, run

BASE_IMAGE = "localhost/crm-auth-base"
PACKAGES = ("python3", "python3-venv", "ca-certificates")


def base_image(buildah: Buildah, cache: Path, folder: Path) -> bool:
    """Puts the base into the storage; True when it had to be made first. `folder` is scratch space.

    Raises CheckFailed when apt knows no mirror or a package cannot be had.
    """
    archive = cache / "base.tar"
    must_be_made = not archive.exists()
    if must_be_made:
        make_archive(archive, folder / "base")
    container = buildah("from", "scratch")
    with buildah.root_of(container) as root:
        run("tar", "--extract", f"--file={archive}", f"--directory={root}")
    buildah("config", "--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", container)
    buildah("commit", "--quiet", "--rm", container, BASE_IMAGE)
    return must_be_made


def make_archive(archive: Path, root: Path) -> None:
    """The distribution's smallest system with Python, as one file; all of it or none."""
    release, mirror = debian_mirror()
    options = ["--variant=minbase", f"--include={','.join(PACKAGES)}"]
    # debootstrap mounts /proc in its new root; in a namespace of its own that mount ends with it, however it ends.
    run("unshare", "--mount", "debootstrap", *options, release, str(root), mirror, env=apt_proxy())
    for part in ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale"):
        shutil.rmtree(root / part, ignore_errors=True)
    unfinished = archive.with_suffix(".part")
    run("tar", "--create", f"--file={unfinished}", f"--directory={root}", ".")
    unfinished.replace(archive)
    shutil.rmtree(root)


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
