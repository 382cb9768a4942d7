"""The container image: built by the project's own check and used for the main job."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[2] / "tools" / "container_check.py"
COLD_SECONDS = 900


def _obstacle() -> str | None:
    if os.geteuid() != 0:
        return "root is needed to build an image without a container engine"
    missing = [program for program in ("buildah", "debootstrap") if shutil.which(program) is None]
    return f"not installed: {', '.join(missing)} (tools/container_check.py --install gets them)" if missing else None


@pytest.mark.container
@pytest.mark.slow
@pytest.mark.skipif(_obstacle() is not None, reason=_obstacle() or "")
def test_c03_k09_image_is_built_as_promised_and_does_the_main_job(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRM_AUTH_")}
    check = subprocess.Popen(
        [sys.executable, str(CHECK)], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        report, _ = check.communicate(timeout=COLD_SECONDS)
    finally:
        # SIGTERM and not SIGKILL: the check then removes its containers, mounts and servers itself.
        check.terminate()
        check.wait()
    with capsys.disabled():
        sys.stdout.write(report)
    assert check.returncode == 0, report
    assert report.count("main job") == 2, report
