"""The service starts quickly because it loads nothing of the trainer."""

import subprocess
import sys

import pytest

HEAVY = {"implicit", "lightgbm", "numba", "pandas", "polars", "pyarrow", "scipy", "sqlalchemy"}


@pytest.mark.parametrize("module", ["app", "wsgi", "command"])
def test_the_service_loads_nothing_of_the_trainer(module):
    listing = subprocess.run(
        [sys.executable, "-c", f"import recommender.serving.{module}, sys; print('\\n'.join(sys.modules))"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(listing.stdout.splitlines())
    assert {name.partition(".")[0] for name in loaded} & HEAVY == set()
    assert not any(name.startswith("recommender.training") for name in loaded)
