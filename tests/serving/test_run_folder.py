"""The folder of a run goes with it, and what killed runs left goes with the next one."""

import os
import subprocess
import sys

import pytest

from recommender.serving.run_folder import run_folder

OLD = 1_000_000_000


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def killed_run(folder) -> None:
    """A run that nothing could clean up after."""
    run = "import os\nfrom recommender.serving.run_folder import run_folder\nwith run_folder(): os._exit(9)"
    subprocess.run([sys.executable, "-c", run], env={**os.environ, "TMPDIR": str(folder)}, check=False)


def test_a_run_takes_its_folder_along(temporary):
    with run_folder() as folder:
        (folder / "factors-monday.npy").write_bytes(b"many")
    assert list(temporary.iterdir()) == []


def test_what_a_killed_run_left_is_removed(temporary):
    killed_run(temporary)
    (left,) = temporary.iterdir()
    with run_folder():
        assert left.exists()  # it might have begun this very moment
    os.utime(left, (OLD, OLD))
    with run_folder() as own:
        assert list(temporary.iterdir()) == [own]


def test_what_is_in_use_or_somebody_elses_stays(temporary):
    other = temporary / "cartlift-notes"
    other.mkdir()
    os.utime(other, (OLD, OLD))
    with run_folder() as first:
        os.utime(first, (OLD, OLD))
        with run_folder():
            assert first.exists()
    assert other.exists()
