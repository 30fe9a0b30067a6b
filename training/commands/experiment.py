"""`cartlift experiment`."""

import time
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console

from recommender.command_options import shop_option, state_option
from recommender.errors import ConfigError
from recommender.events.journal import journal_path
from recommender.experiments.comparison import PLANNED, Certainty

from ..experiment_data import DAY, chosen_experiment, experiment_data
from ..experiment_report import as_json, experiment_report, html_report, print_report
from ..settings import Settings
from ..sources import read_orders


@click.group()
def experiment() -> None:
    """What customers bought who were shown different answers (docs/experiments.md).

    \b
      cartlift experiment report
      cartlift experiment report home-diverse --html report.html
    """


@experiment.command()
@click.argument("name", required=False)
@click.option(
    "--window",
    type=click.FloatRange(0, 365, min_open=True),
    default=7.0,
    show_default=True,
    metavar="DAYS",
    help="Purchases within so many days of the first exposure count.",
)
@click.option(
    "--planned",
    type=click.IntRange(1),
    default=PLANNED,
    show_default=True,
    metavar="CUSTOMERS",
    help="Customers of two variants at which intervals are narrowest. Decide before you look, and keep it.",
)
@click.option(
    "--confidence",
    type=click.FloatRange(0.5, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Probability that no interval of one metric is ever wrong.",
)
@click.option(
    "--orders",
    multiple=True,
    metavar="FILE",
    help="Orders to take earlier purchases from, as `cartlift train` reads them; else the events.",
)
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d"]),
    help="Say what was known then (UTC without a zone).  [default: now]",
)
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write a page with plots, too.")
@click.option("--json", "wants_json", is_flag=True, help="Print JSON instead of tables.")
@shop_option
@state_option
def report(
    name: str | None,
    window: float,
    planned: int,
    confidence: float,
    orders: tuple[str, ...],
    until: datetime | None,
    html: Path | None,
    wants_json: bool,
    shop: str,
    state: Path,
) -> None:
    """Say what an experiment has shown so far: NAME may be left out where there is only one.

    Conversion and revenue of the customers that were shown each variant, with differences to the control
    whose intervals hold however often they are looked at.

    \b
      cartlift experiment report home-diverse --json
      cartlift experiment report --window 14 --orders orders.parquet --html report.html
    """
    if html is not None and not html.parent.is_dir():
        raise ConfigError(f"cannot write {html}: the folder {html.parent} does not exist")
    journal = journal_path(state, shop)
    chosen = chosen_experiment(journal, name)
    history = read_orders(orders, Settings()).orders if orders else None
    moment = time.time() if until is None else _utc(until).timestamp()
    data = experiment_data(journal, chosen, until=moment, window=window * DAY, history=history)
    certainty = Certainty(round(1 - confidence, 12), planned)
    found = experiment_report(data, until=moment, window=window * DAY, certainty=certainty)
    if html is not None:
        html.write_text(html_report(found), encoding="utf-8")
    if wants_json:
        click.echo(msgspec.json.format(msgspec.json.encode(as_json(found)), indent=2))
        return
    print_report(Console(), found)
    if html is not None:
        Console(stderr=True).print(f"[green]✓[/] page written to {html}", highlight=False)


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
