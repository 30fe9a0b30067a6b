"""Results beside the machine and the versions that made them."""

import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

FOLDER = Path(__file__).parent / "results"

_LIBRARIES = (
    "cartlift",
    "numpy",
    "scipy",
    "implicit",
    "irspack",
    "rusket",
    "sparse_dot_topn",
    "lightgbm",
    "polars",
)


def write_between_marks(page: Path, name: str, text: str) -> None:
    """Replace what stands on a page between `<!-- NAME -->` and `<!-- end of NAME -->`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n{text}{end}{after}")


def keep(name: str, figures: object) -> Path:
    """Write figures to `benchmarks/results/<name>.json`."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
    return path


def machine() -> dict[str, object]:
    """What the figures were made on."""
    return {
        "cores": os.cpu_count(),
        "processor": platform.machine(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _LIBRARIES},
    }
