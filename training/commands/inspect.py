"""`cartlift inspect`."""

from pathlib import Path

import click
import msgspec
from rich.console import Console

from recommender.snapshot.directory import load_snapshot

from ..report import figures_table, print_lists_health, print_manifest, ranker_table


@click.command()
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the manifest as JSON.")
def inspect(snapshot: Path, as_json: bool) -> None:
    """Show what a snapshot was learned from, how good it is, what is in it and what its ranker goes by.

    Every file is checked against its digest first.

    \b
      cartlift inspect snapshots/1

    Exit codes: 0 every digest holds, 4 the snapshot cannot be read.
    """
    loaded = load_snapshot(snapshot)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(loaded.manifest), indent=2))
        return
    console = Console()
    print_manifest(console, loaded.manifest)
    if loaded.manifest.figures:
        console.print(figures_table(loaded.manifest.figures))
    print_lists_health(console, loaded)
    if loaded.ranker:
        console.print(ranker_table(loaded.ranker.worth))
