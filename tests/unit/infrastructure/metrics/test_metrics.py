"""Counting, adding up over processes, and telling."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from infrastructure.metrics import catalogue
from infrastructure.metrics.exposition import OwnFigures, PrometheusMetrics
from infrastructure.metrics.instruments import Counter, Gauge, Histogram
from infrastructure.metrics.reading import Reading, read, together
from infrastructure.metrics.shared_folder import SharedFolder
from tests.support.server import SOURCES

COUNTING = """
import sys
from pathlib import Path
from infrastructure.metrics.catalogue import SIGN_INS
from infrastructure.metrics.shared_folder import SharedFolder
SIGN_INS.add("succeeded", by=int(sys.argv[2]))
SharedFolder(Path(sys.argv[1])).write()
print("written", flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nothing_counted_yet() -> Iterator[None]:
    kept = {each: dict(each.values) for each in catalogue.INSTRUMENTS if not isinstance(each, Gauge)}
    for each in kept:
        each.values.clear()
    yield
    for each, values in kept.items():
        each.values.clear()
        each.values.update(values)  # type: ignore[arg-type]  # each its own


def test_names_and_labels_are_prometheus_own() -> None:
    names = [each.description.name for each in catalogue.INSTRUMENTS]
    assert len(set(names)) == len(names)
    assert not [name for name in names if name.endswith("_total")], "the library adds that"
    declared = [each for each in vars(catalogue).values() if isinstance(each, Counter | Gauge | Histogram)]
    assert set(declared) == set(catalogue.INSTRUMENTS), "one that is declared and not listed is never told"


def test_what_is_counted_is_told() -> None:
    catalogue.SIGN_INS.add("succeeded")
    catalogue.SIGN_INS.add("succeeded")
    catalogue.HTTP_DURATION.observe(0.003, "GET", "/v1/users/me")
    catalogue.HTTP_DURATION.observe(99, "GET", "/v1/users/me")
    with catalogue.HASHES.read_by(lambda: 7, "waiting"), catalogue.HASHES.read_by(lambda: 1, "waiting"):
        told = samples_of(PrometheusMetrics(OwnFigures()))

    assert told["crm_auth_sign_ins_total", ("succeeded",)] == 2
    assert told["crm_auth_password_hashes", ("waiting",)] == 8
    request = ("GET", "/v1/users/me")
    buckets = {bound: told["crm_auth_http_request_duration_seconds_bucket", (bound, *request)] for bound in BOUNDS}
    assert [buckets[bound] for bound in ("0.0025", "0.005", "5.0", "+Inf")] == [0, 1, 1, 2]
    assert told["crm_auth_http_request_duration_seconds_count", request] == 2
    assert told["crm_auth_http_request_duration_seconds_sum", request] == pytest.approx(99.003)


def test_openmetrics_for_who_asks_for_it() -> None:
    body, media_type = PrometheusMetrics(OwnFigures()).text("application/openmetrics-text; version=1.0.0")
    assert media_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


def test_processes_are_summed_and_what_all_know_is_not() -> None:
    one = Reading({"sign_ins": {("succeeded",): [2.0]}}, {"outbox_oldest_seconds": {(): [5.0]}})
    other = Reading({"sign_ins": {("succeeded",): [3.0]}}, {"outbox_oldest_seconds": {(): [4.0]}})

    both = together([one, other], catalogue.INSTRUMENTS)

    assert both.counted["sign_ins"] == {("succeeded",): [5.0]}
    assert both.gauged["outbox_oldest_seconds"] == {(): [5.0]}


def test_any_process_answers_for_all_and_counts_outlive_theirs(tmp_path: Path) -> None:
    folder = SharedFolder(tmp_path)
    catalogue.SIGN_INS.add("succeeded")
    with counting(tmp_path, 10) as first:
        assert sign_ins(folder) == 11
        first.kill()
        first.wait()
    assert sign_ins(folder) == 11
    with counting(tmp_path, 100) as second:
        assert sign_ins(folder) == 111
        second.kill()
        second.wait()
    assert [sign_ins(folder) for _ in range(3)] == [111] * 3
    assert sorted(path.suffix for path in tmp_path.iterdir()) == ["", "", ".process"]


def test_a_process_that_hangs_with_the_folder_locked_holds_up_no_other(tmp_path: Path) -> None:
    folder = SharedFolder(tmp_path)
    catalogue.SIGN_INS.add("succeeded")
    with counting(tmp_path, 10) as process:
        with ThreadPoolExecutor(1) as thread, (tmp_path / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            assert thread.submit(sign_ins, folder).result(60) == 11
        process.kill()


def test_the_gauges_of_a_process_that_hangs_are_not_told(tmp_path: Path) -> None:
    folder = SharedFolder(tmp_path)
    with counting(tmp_path, 1) as process, catalogue.HASHES.read_by(lambda: 3, "waiting"):
        theirs = tmp_path / f"{process.pid}.process"
        own = tmp_path / f"{os.getpid()}.process"
        folder.write()
        theirs.write_bytes(own.read_bytes())
        assert folder.read().gauged["password_hashes"] == {("waiting",): [6.0]}
        os.utime(theirs, (0, 0))
        assert folder.read().gauged["password_hashes"] == {("waiting",): [3.0]}


def test_without_the_folder_each_process_tells_its_own(tmp_path: Path) -> None:
    catalogue.SIGN_INS.add("succeeded")
    assert SharedFolder(tmp_path / "gone").read() == read(catalogue.INSTRUMENTS)


BOUNDS = (*map(str, catalogue.HTTP_DURATION.bounds), "+Inf")


def samples_of(metrics: PrometheusMetrics) -> dict[tuple[str, tuple[str, ...]], float]:
    body, _ = metrics.text("")
    families = text_string_to_metric_families(body.decode())
    return {
        (sample.name, tuple(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def sign_ins(folder: SharedFolder) -> float:
    return samples_of(PrometheusMetrics(folder))["crm_auth_sign_ins_total", ("succeeded",)]


def counting(folder: Path, number: int) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", COUNTING, str(folder), str(number)],
        env=os.environ | {"PYTHONPATH": str(SOURCES)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    return process
