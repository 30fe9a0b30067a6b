"""`cartlift events`."""

import json
from pathlib import Path
from typing import get_args

import click
import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from recommender.command_options import shop_option, state_option
from recommender.events.journal import EventType, journal_path, read_events

from ..attribution import DIMENSIONS, Dimension, attribution_frame
from ..event_tables import event_frame, order_frame
from ..export import check_writable, write_table


@click.group()
def events() -> None:
    """What customers did, as `POST /v1/events` kept it.

    \b
      cartlift events export --to events.parquet
      cartlift events export --type view --type click --to looked-at.csv
      cartlift events orders --to bought.csv        then: cartlift update bought.csv --store store …
      cartlift events attribution --by placement    which answers were clicked, and what was bought then
    """


@events.command()
@click.option(
    "--type", "types", type=click.Choice(get_args(EventType)), multiple=True, help="Only these; else all."
)
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="A .parquet, .csv or .ndjson file."
)
@shop_option
@state_option
def export(types: tuple[EventType, ...], to: Path, shop: str, state: Path) -> None:
    """Write events to a file, in the order in which they happened.

    Each stands there once, however often it was sent. `at` and `received_at` are UTC.
    """
    check_writable(to)
    frame = event_frame(
        event for event in read_events(journal_path(state, shop)) if not types or event.type in types
    )
    write_table(frame, to)
    _say(f"{frame.height:,} events written to {to}")


@events.command()
@click.option(
    "--to", required=True, type=click.Path(path_type=Path), help="A .parquet, .csv or .ndjson file."
)
@shop_option
@state_option
def orders(to: Path, shop: str, state: Path) -> None:
    """Write purchases as order lines, in our own columns, for `cartlift train` and `update`.

    What one customer, or one session, bought at one moment is one order. Do not add them to a store that gets
    the same orders from the shop's export: both would count.
    """
    check_writable(to)
    frame = order_frame(read_events(journal_path(state, shop)))
    write_table(frame, to)
    _say(f"{frame.height:,} lines of {frame['order_id'].n_unique():,} orders written to {to}")


@events.command()
@click.option(
    "--by",
    type=click.Choice(DIMENSIONS),
    multiple=True,
    help="What tells answers apart.  [default: all but call]",
)
@click.option(
    "--window",
    type=click.FloatRange(0),
    default=7.0,
    show_default=True,
    metavar="DAYS",
    help="A purchase that names no answer is laid at that of the last click on the item within so many days.",
)
@click.option("--to", type=click.Path(path_type=Path), help="Write a .parquet, .csv or .ndjson file instead.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
@shop_option
@state_option
def attribution(
    by: tuple[Dimension, ...], window: float, to: Path | None, as_json: bool, shop: str, state: Path
) -> None:
    """Say which answers led to clicks and purchases, by what their recommendation ids say.

    A purchase is laid at the answer that it names, else at that of the last click on the item, by the same
    customer or in the same session. What names no answer that can be read is told as not attributed.
    """
    if to is not None:
        check_writable(to)
    kept = read_events(journal_path(state, shop))
    frame = attribution_frame(kept, window=window * 24 * 3600, by=by or DIMENSIONS[:-1])
    if to is not None:
        write_table(frame, to)
        _say(f"{frame.height:,} rows written to {to}")
    elif as_json:
        click.echo(json.dumps(frame.to_dicts(), indent=2, ensure_ascii=False))
    else:
        _print(frame)


def _print(frame: pl.DataFrame) -> None:
    """A table of the terminal; a cell without a value is a dash."""
    table = Table(*(name for name in frame.columns if name != "attributed"), box=None)
    for row in frame.iter_rows(named=True):
        attributed = row.pop("attributed")
        cells = [_cell(value) for value in row.values()]
        table.add_row(*cells, style=None if attributed else "dim")
    Console().print(table)
    if not frame["attributed"].all():
        _note("the last row, dim, holds what can be laid at no answer")


def _cell(value: str | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, str):
        return escape(value)
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"


def _note(what: str) -> None:
    Console(stderr=True).print(what, highlight=False, soft_wrap=True)


def _say(what: str) -> None:
    Console(stderr=True).print(f"[green]✓[/] {what}", highlight=False)
