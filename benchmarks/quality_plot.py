"""Draws benchmarks/results/quality.json as a picture beside it: `python -m benchmarks.quality_plot`."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.quality import PRODUCT
from benchmarks.results import FOLDER

LEFT_OUT = (", defaults", ", tuned for this shop")
"""Rows of a peer that are in the table only; the picture has each peer once, tuned for both shops."""

OURS, THEIRS, BEST = "#4c78a8", "#9d9d9d", "#d62728"


def draw(shops: Mapping[str, Mapping[str, Sequence[Mapping[str, Any]]]], to: Path) -> None:
    """One panel a shop and task, methods best first, nDCG@10 with 95 % intervals.

    Args:
        shops: the figures of quality.json.
        to: file to write; its ending names the format.
    """
    n_tasks = max(len(rows) for methods in shops.values() for rows in methods.values())
    figure = Figure(figsize=(7 * n_tasks, 5.5 * len(shops)), layout="constrained")
    panels = figure.subplots(len(shops), n_tasks, squeeze=False)
    for (shop, methods), row_of_panels in zip(shops.items(), panels, strict=True):
        for at, axes in enumerate(row_of_panels):
            _panel(axes, shop, {name: rows[at] for name, rows in methods.items()})
    figure.savefig(to, dpi=110, metadata={"Software": None})


def _panel(axes: Axes, shop: str, rows: Mapping[str, Mapping[str, Any]]) -> None:
    shown = {name: row for name, row in rows.items() if not name.endswith(LEFT_OUT)}
    best_first = sorted(shown, key=lambda name: -shown[name]["ndcg"]["mean"])
    for place, name in enumerate(best_first):
        ndcg = shown[name]["ndcg"]
        error = [[ndcg["mean"] - ndcg["low"]], [ndcg["high"] - ndcg["mean"]]]
        colour = BEST if name == PRODUCT else OURS if name.startswith("our ") else THEIRS
        axes.errorbar(ndcg["mean"], place, xerr=error, fmt="o", color=colour, capsize=2)
    axes.axvline(shown[PRODUCT]["ndcg"]["mean"], color=BEST, linewidth=0.6)
    axes.set_yticks(range(len(best_first)), [name.removesuffix(", tuned") for name in best_first])
    axes.invert_yaxis()
    task = {"all": "all purchases", "discover": "first-time purchases"}[shown[PRODUCT]["task"]]
    axes.set_title(f"{shop}, {task}", loc="left")
    axes.set_xlabel("nDCG@10")
    axes.grid(axis="x", linewidth=0.3)


def main() -> None:
    """Draw the figures that were kept last."""
    kept = json.loads((FOLDER / "quality.json").read_text())
    draw(kept["figures"], FOLDER / "quality.png")


if __name__ == "__main__":
    main()
