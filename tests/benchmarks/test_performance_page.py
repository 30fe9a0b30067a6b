"""docs/performance.md shows the figures that were kept."""

import json
from pathlib import Path

from benchmarks.results import FOLDER

PAGE = (Path(__file__).parents[2] / "docs" / "performance.md").read_text()


def kept(name):
    return json.loads((FOLDER / f"{name}.json").read_text())["figures"]


def test_every_shop_stands_there_with_its_ratio():
    for shop, row in kept("top_n").items():
        sizes = " | ".join(f"{row[size]:,}" for size in ("customers", "items", "purchases"))
        assert f"| {shop} | {sizes} | {row['ratio']:.1f} |" in PAGE


def test_so_does_the_ratio_of_the_trees():
    trees = kept("trees")
    assert trees["equal"] and f"{trees['ratio']:.1f} times as fast" in PAGE
