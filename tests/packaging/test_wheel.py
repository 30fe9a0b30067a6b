"""The wheel, built and used outside the checkout."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.wheel, pytest.mark.slow]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    # By way of a source archive, so that nothing left over in the checkout can slip in.
    build = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
    subprocess.run(build, check=True, capture_output=True, timeout=300)
    (built,) = folder.glob("*.whl")
    return built


def test_it_has_one_root_and_everything_in_it(wheel):
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {"recommender"}
    for folder, inside in (("recommender", ""), ("training", "training/"), ("serving", "serving/")):
        for file in (ROOT / folder).rglob("*"):
            if file.is_file() and "__pycache__" not in file.parts:
                assert f"recommender/{inside}{file.relative_to(ROOT / folder).as_posix()}" in names


def test_it_works_where_there_is_no_checkout(wheel, tmp_path):
    """Its dependencies come from the environment of the tests; cartlift itself from the wheel alone."""
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--disable-pip-version-check", wheel]
    subprocess.run(install, check=True, timeout=300)
    site_packages = next(Path(p) for p in sys.path if p.endswith("site-packages"))
    own = next((tmp_path / "venv" / "lib").glob("python*/site-packages"))
    for entry in site_packages.iterdir():
        if "cartlift" not in entry.name and not (own / entry.name).exists():
            (own / entry.name).symlink_to(entry)
    work = tmp_path / "work"
    work.mkdir()
    (work / "orders.csv").write_text(
        "order_id,customer_id,item_id,quantity,unit_price,ordered_at\n"
        + "".join(f"{n},c{n % 5},i{n % 3},1,2.50,2026-01-{1 + n % 28:02}\n" for n in range(60))
    )
    cartlift = tmp_path / "venv" / "bin" / "cartlift"

    def run(*words: str) -> str:
        done = subprocess.run(
            [cartlift, *words], cwd=work, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run("train", "orders.csv", "--snapshot", "one")
    assert json.loads(run("inspect", "one", "--json"))["counts"]["customers"] == 5
    assert json.loads(run("publish", "one", "--json"))["entries"] > 5
    where = "import recommender, recommender.training, recommender.serving.app; print(recommender.__file__)"
    found = subprocess.run(
        [python, "-c", where], cwd=work, capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.startswith(str(tmp_path))
