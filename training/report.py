"""What people read on the terminal: figures, lists, and where the time went."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import UnsetType
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recommender.evaluation.intervals import Interval
from recommender.ranking.lists import ListTable
from recommender.ranking.ranker import FeatureWorth
from recommender.snapshot.directory import Snapshot
from recommender.snapshot.manifest import Manifest, Updated, rfc3339

FEWEST_CUSTOMERS = 10
"""Below this an interval says nothing, however narrow it looks."""

_TASKS = {
    "all": "all purchases",
    "repeat": "repeats",
    "discover": "first times",
    "next_basket": "next order",
    "cold_customers": "newcomers",
    "cold_items": "new items",
    "cross_sell_guest": "a guest's cart",
    "cross_sell_known": "a known cart",
}


def task_label(task: str) -> str:
    """What a task is called on the terminal."""
    return _TASKS.get(task, task.replace("_", " "))


def counted(number: int, units: str) -> str:
    """A number with its unit: 1 order, 2 orders."""
    return f"{number:,} {units.removesuffix('s') if number == 1 else units}"


def customers_label(customers: int) -> str:
    """How many customers were judged, marked where they are too few for an interval."""
    return f"{customers:,} few" if customers < FEWEST_CUSTOMERS else f"{customers:,}"


def figures_table(figures: Mapping[str, Any]) -> Table:
    """The verdict of a manifest, a line a task."""
    k = figures["k"]
    table = Table(
        title=f"Judged on the {judged_days(figures)}: nDCG@{k}",
        title_justify="left",
        box=box.SIMPLE,
        pad_edge=False,
        collapse_padding=True,
    )
    table.add_column("counted", no_wrap=True)
    for heading in ("customers", "ours, 95 % interval", "best sellers", "ratio", f"hit@{k}"):
        table.add_column(heading, justify="right", no_wrap=True)
    for task in figures["tasks"]:
        ndcg, baseline = task["ndcg"], task["baseline_ndcg"]
        sure = task["customers"] >= FEWEST_CUSTOMERS and Interval(**task["gain"]).excludes_zero
        ratio = f"{ndcg['mean'] / baseline['mean']:.1f}×" if baseline["mean"] and sure else "unsure"
        table.add_row(
            task_label(task["task"]),
            customers_label(task["customers"]),
            f"[bold]{ndcg['mean']:.3f}[/] [{ndcg['low']:.3f}, {ndcg['high']:.3f}]",
            f"{baseline['mean']:.3f}",
            ratio,
            f"{task['hit']:.0%}",
        )
    return table


def judged_days(figures: Mapping[str, Any]) -> str:
    """Which days a verdict is of, as the end of a sentence."""
    first = f"{figures['days']:g} days after {rfc3339(int(figures['cut']))[:10]}"
    before = len(figures.get("cuts", ())) - 1
    return first if before < 1 else f"{first} and {before} window{'s' * (before > 1)} before"


def print_manifest(console: Console, manifest: Manifest) -> None:
    """Id, time, data and versions of a snapshot."""
    counts = manifest.counts
    period = f"{manifest.data_from[:10]} to {manifest.data_until[:10]}"
    lines = {
        "snapshot": f"[bold]{manifest.snapshot}[/] (format {manifest.format}, every digest holds)",
        "trained": manifest.generated_at,
        "orders": f"{counts.orders:,} with {counts.lines:,} lines, {period}",
        "customers": f"{counts.customers:,}",
        "items": f"{counts.items:,}",
        **(
            {}
            if isinstance(counts.interest, UnsetType)
            else {"interest": f"{counts.interest:,} views and carts"}
        ),
        "ranked by": escape(manifest.ranked_by),
        **_updated(manifest),
        "data": f"sha256 {manifest.data_fingerprint[:16]}…",
        "versions": ", ".join(f"{name} {version}" for name, version in manifest.versions.items()),
    }
    for name, value in lines.items():
        console.print(f"{name:>10}  {value}", highlight=False)


def _updated(manifest: Manifest) -> dict[str, str]:
    """What an update was made of; nothing to say of a full run."""
    updated = manifest.updated
    if not isinstance(updated, Updated):
        return {}
    made = f"{updated.customers.made:,} of {updated.customers.of:,} customers' lists made"
    return {
        "update of": f"{updated.previous}, {made}; ranker and verdict of the full run {updated.full}, "
        f"trained {updated.full_generated_at}"
    }


def ranker_table(worth: Sequence[FeatureWorth], most: int = 15) -> Table:
    """What the ranker goes by: its strongest features."""
    table = Table(
        title=f"What the ranker goes by: the strongest {min(most, len(worth))} of {len(worth)} features",
        title_justify="left",
        box=box.SIMPLE,
        pad_edge=False,
    )
    table.add_column("feature")
    for heading in ("share of SHAP", "share of gain"):
        table.add_column(heading, justify="right")
    table.add_column("")
    for feature in worth[:most]:
        bar = "█" * round(30 * feature.shap / worth[0].shap if worth[0].shap else 0)
        table.add_row(feature.name, f"{feature.shap:.1%}", f"{feature.gain:.1%}", bar)
    return table


def print_lists_health(console: Console, snapshot: Snapshot) -> None:
    """How long the lists are, and how much of the catalog they reach."""
    lists = snapshot.lists
    table = Table(title="Lists", title_justify="left", box=box.SIMPLE, pad_edge=False)
    table.add_column("list")
    for heading in ("lists", "not empty", "places, mean", "items reached"):
        table.add_column(heading, justify="right")
    for name in ("recommended", "similar", "bought_together", "best_sellers", "local_best_sellers"):
        table.add_row(name.replace("_", " "), *_health(getattr(lists, name), len(snapshot.catalog.items)))
    console.print(table)


def _health(table: ListTable, n_items: int) -> tuple[str, str, str, str]:
    lengths = np.diff(table.starts)
    reached = len(np.unique(table.items)) / n_items if n_items else 0.0
    mean = lengths.mean() if len(lengths) else 0.0
    return f"{len(table):,}", f"{(lengths > 0).sum():,}", f"{mean:.1f}", f"{reached:.1%}"


def time_table(seconds: Mapping[str, float]) -> Table:
    """Where the time went, a line a step, with its share."""
    total = sum(seconds.values())
    table = Table(
        title="Where the time went", title_justify="left", box=box.SIMPLE, pad_edge=False, show_header=False
    )
    table.add_column("step")
    table.add_column("seconds", justify="right")
    table.add_column("")
    for name, took in seconds.items():
        table.add_row(escape(name), f"{took:.1f}", "█" * round(30 * took / total if total else 0))
    table.add_row("[bold]all[/]", f"[bold]{total:.1f}[/]", "")
    return table
