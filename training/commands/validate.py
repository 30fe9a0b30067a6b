"""`cartlift validate`."""

import json
from pathlib import Path

import click
from rich.console import Console

from ..progress import Shown
from .findings_report import print_findings, report
from .source_options import SourceArguments, source_options


@click.command()
@source_options
@click.option(
    "--quarantine",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the lines put aside to this file, .parquet or .csv.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def validate(source: SourceArguments, quarantine: Path | None, as_json: bool) -> None:
    """Read a shop's orders and report what is odd about them.

    ORDERS are CSV (plain or .gz) and Parquet files, folders of them, globs, or one database URL. Nothing is
    changed; the lines that `cartlift train` would put aside can be written to a file.

    Exit codes: 0 the orders can be used, 2 a setting is wrong, 3 the orders cannot be used.
    """
    # Progress goes to standard error, so that what is printed can be piped.
    progress = Shown(Console(stderr=True))
    read = source.read(source.settings(), quarantine=quarantine, progress=progress)
    if as_json:
        click.echo(json.dumps(report(read), indent=2, ensure_ascii=False))
        return
    console = Console()
    print_findings(console, read.findings, report(read))
    if quarantine:
        console.print(f"Lines put aside are in {quarantine}.", markup=False, highlight=False, soft_wrap=True)
