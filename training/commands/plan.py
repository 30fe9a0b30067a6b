"""`cartlift plan`."""

import json
import sys

import click
from rich.console import Console
from rich.table import Table

from ..memory_limit import allowed_memory, readable_memory
from ..plan import Plan, basis, over_the_limit, plan_of
from ..plan_scan import facts_of_tables
from ..progress import Shown
from ..sources.canonical import open_orders
from ..stage_usage import STAGES
from .source_options import SourceArguments, memory_option, source_options

_TOO_LARGE = 2
"""Exit code where the training would need more than the limit."""


@click.command()
@source_options
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def plan(source: SourceArguments, memory: str | None, as_json: bool) -> None:
    """Say what `cartlift train` would take for these orders: memory, minutes, disk and Redis.

    Only the ids are looked at, and nothing is learned. Expectations come from rates for about the default
    settings, fitted on made-up shops of up to 3.75 million order lines; beyond, they are an extrapolation.
    Memory and Redis are meant to be right within 30 %, minutes on a machine like the one measured on.

    \b
      cartlift plan orders/*.parquet --memory 8GB

    Exit codes: 0 the training fits, 2 it needs more memory than the limit or a setting is wrong, 3 the
    orders cannot be used.
    """
    limit = allowed_memory(memory)
    settings, progress = source.settings(), Shown(Console(stderr=True))
    sources = source.orders or settings.source.orders
    with progress.step("Open orders"):
        tables = open_orders(sources, settings.source, source.query)
    with progress.step("Count orders"):
        expected = plan_of(facts_of_tables(tables, settings), settings)
    if as_json:
        click.echo(json.dumps(_plain(expected, limit), indent=2))
    else:
        _print(expected, limit)
    if expected.training_peak > limit:
        sys.exit(_TOO_LARGE)


def _plain(expected: Plan, limit: int) -> dict[str, object]:
    facts = expected.facts
    return {
        "lines": facts.lines,
        "orders": facts.orders,
        "customers": facts.customers,
        "items": facts.items,
        "peak_bytes": round(expected.peak),
        "training_peak_bytes": round(expected.training_peak),
        "limit_bytes": limit,
        "fits": expected.training_peak <= limit,
        "minutes": round(expected.minutes, 1),
        "snapshot_bytes": round(expected.snapshot_bytes),
        "redis_bytes": round(expected.redis_bytes),
        "stages": {
            stage: {"peak_bytes": round(expected.peaks[stage]), "seconds": round(expected.seconds[stage], 1)}
            for stage in STAGES
        },
    }


def _print(expected: Plan, limit: int) -> None:
    console, facts = Console(), expected.facts
    console.print(
        f"{facts.lines:,} order lines, about {facts.orders:,} orders of {facts.customers:,} customers, "
        f"{facts.items:,} items sold often enough to be recommended.\n",
        highlight=False,
    )
    table = Table("stage", "memory", "minutes")
    for stage in STAGES:
        table.add_row(stage, readable_memory(expected.peaks[stage]), f"{expected.seconds[stage] / 60:.1f}")
    table.add_row("all", readable_memory(expected.peak), f"{expected.minutes:.1f}", style="bold")
    console.print(table)
    console.print(
        f"The snapshot takes about {readable_memory(expected.snapshot_bytes)} on disk and "
        f"{readable_memory(expected.redis_bytes)} in Redis, beside the one before it.",
        highlight=False,
    )
    fits = expected.training_peak <= limit
    told = f"The training fits: the limit is {readable_memory(limit)}. {basis(expected)}"
    verdict = told if fits else over_the_limit(expected, limit)
    console.print(verdict[0].upper() + verdict[1:], markup=False, highlight=False)
