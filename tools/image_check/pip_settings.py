"""Hands this machine's pip settings to a build without leaving them in the image.

The settings are read from pip itself, whatever file or variable they came from, and travel as build secrets.
"""

import ast
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from image_check.processes import run

HANDED_OVER = frozenset({"no-index", "trusted-host", "proxy", "timeout", "retries"})
"""Beside what names places."""
CA_BUNDLE_IN_BUILD = "/run/secrets/ca_bundle"


def build_options(folder: Path) -> list[str]:
    """`buildah bud` options for the secrets of the Dockerfile; the settings are written to a file in `folder`."""
    pip = [sys.executable, "-m", "pip"] if find_spec("pip") else ["pip"]
    in_force = settings_in_force(run(*pip, "config", "list"))
    handed = {
        name: reachable(name, value) for name, value in in_force.items() if names_places(name) or name in HANDED_OVER
    }
    options = []
    if ca_bundle := in_force.get("cert") or os.environ.get("SSL_CERT_FILE"):
        handed["cert"] = CA_BUNDLE_IN_BUILD
        options += ["--secret", f"id=ca_bundle,src={ca_bundle}"]
    written = folder / "pip.conf"
    written.write_text("".join(["[global]\n", *(f"{name} = {value}\n" for name, value in handed.items() if value)]))
    written.chmod(0o600)
    return [*options, "--secret", f"id=pip_conf,src={written}"]


def settings_in_force(listing: str) -> dict[str, str]:
    """Names and values of `pip config list`; those of `install` go over the global ones, variables over both."""
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listing.splitlines():
        section, _, setting = line.partition(".")
        name, _, value = setting.partition("=")
        if section in found:
            found[section][name] = " ".join(str(ast.literal_eval(value)).split())
    return found["global"] | found["install"] | found[":env:"]


def names_places(name: str) -> bool:
    """Whether the setting says where packages come from."""
    return name.endswith("-url") or name == "find-links"


def reachable(name: str, value: str) -> str:
    """The setting without folders of this machine: they do not exist inside a build."""
    if not names_places(name):
        return value
    return " ".join(place for place in value.split() if urlsplit(place).scheme not in {"", "file"})
