"""`cartlift events`."""

from pathlib import Path
from typing import get_args

import click
from rich.console import Console

from recommender.command_options import shop_option, state_option
from recommender.events.journal import EventType, journal_path, read_events

from ..event_tables import event_frame, order_frame
from ..export import check_writable, write_table


@click.group()
def events() -> None:
    """What customers did, as `POST /v1/events` kept it.

    \b
      cartlift events export --to events.parquet
      cartlift events export --type view --type click --to looked-at.csv
      cartlift events orders --to bought.csv        then: cartlift update bought.csv --store store …
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


def _say(what: str) -> None:
    Console(stderr=True).print(f"[green]✓[/] {what}", highlight=False)
