"""`cartlift export`."""

from pathlib import Path

import click
from rich.console import Console

from recommender.errors import ConfigError
from recommender.ranking.build import Mode
from recommender.snapshot.directory import load_snapshot

from ..export import ListName, check_writable, list_frame, write_table


@click.command()
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--list",
    "name",
    required=True,
    type=click.Choice(["recommended", "similar", "bought-together", "best-sellers"]),
    help="Which lists.",
)
@click.option(
    "--mode",
    type=click.Choice(["mixed", "repeat", "discover"]),
    help="Of recommended lists: everything (the default), only items bought before, or only new ones.",
)
@click.option("-n", type=click.IntRange(1, 1000), default=10, show_default=True, help="Places of every list.")
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="A .parquet, .csv or .ndjson file."
)
def export(snapshot: Path, name: ListName, mode: Mode | None, n: int, to: Path) -> None:
    """Write lists of a snapshot to a file.

    Columns: customer_id, anchor_id or category, then rank, item_id, score and source.

    \b
      cartlift export snapshots/1 --list recommended --mode discover -n 10 --to lists.parquet
      cartlift export snapshots/1 --list bought-together --to together.csv

    Exit codes: 0 written, 2 the file cannot be written, 4 the snapshot cannot be read.
    """
    check_writable(to)
    if mode and name != "recommended":
        raise ConfigError(f"--mode is of recommended lists: {name} lists know no customer, leave it out")
    frame = list_frame(load_snapshot(snapshot), name, mode=mode or "mixed", n=n)
    write_table(frame, to)
    Console(stderr=True).print(
        f"[green]✓[/] {frame.height:,} places of {frame[:, 0].n_unique():,} lists written to {to}",
        highlight=False,
    )
