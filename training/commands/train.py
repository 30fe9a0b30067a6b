"""`cartlift train`."""

import time as clock
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console

from recommender.command_options import shop_option, state_option
from recommender.data.findings import Findings
from recommender.errors import ConfigError
from recommender.events.private_customers import read_standings
from recommender.snapshot.directory import Snapshot, check_free, write_snapshot

from ..engines import Asked, EngineName, spark_engine
from ..interest import check_events, with_interest
from ..memory_limit import bytes_of, readable_memory
from ..not_judged import why_not_judged
from ..pipeline import timed
from ..pipeline import train as learn_and_list
from ..plan import Plan, check_memory, plan_of, refuse_too_large
from ..plan_scan import facts_of_tables
from ..progress import Progress, Shown
from ..report import figures_table, print_lists_health, print_manifest
from ..settings import Settings
from ..shop_facts import facts_of_orders
from ..sources import ReadOrders
from ..sources.canonical import open_orders
from ..sources.database import is_database
from ..stage_usage import peak_memory
from .findings_report import print_findings, report
from .source_options import SourceArguments, events_option, memory_option, source_options


@click.command()
@source_options
@click.option(
    "--snapshot",
    "folder",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for the snapshot; never overwritten.",
)
@click.option(
    "--until",
    metavar="TIME",
    help="Learn only from orders until then, a day included, e.g. 2011-11-11 or 2011-11-11T12:50.",
)
@click.option(
    "--engine",
    type=click.Choice(get_args(EngineName)),
    default="local",
    show_default=True,
    help="What does the work: this machine alone, or Apache Spark.",
)
@click.option(
    "--master", metavar="URL", help="Where Spark runs, e.g. local[2]; without it every core of this machine."
)
@memory_option
@events_option
@shop_option
@state_option
@click.option("--json", "as_json", is_flag=True, help="Print the snapshot's manifest as JSON.")
def train(
    source: SourceArguments,
    folder: Path,
    until: str | None,
    engine: EngineName,
    master: str | None,
    memory: str | None,
    events: bool,
    shop: str,
    state: Path,
    as_json: bool,
) -> None:
    """Learn from a shop's orders and write every recommendation list.

    First the lists are judged: what would have been recommended before the last 28 days is held against
    what was then bought, beside best sellers. Then everything is learned from.

    Customers who opted out or were erased at the service with this --state and --shop are left out. With
    --events its views and carts count, too: less than purchases, as [models.als] view and cart say.

    Lines that cannot be used are put aside in DIR.quarantine.parquet, each with its reason.

    \b
      cartlift train orders/*.csv --items items.csv --snapshot snapshots/2011-12-09
      cartlift train 'postgresql://shop@db/shop' --query 'SELECT * FROM order_lines' --snapshot snapshots/1
      cartlift train shopify.csv --preset shopify --snapshot snapshots/1 --until 2011-11-11
      cartlift train 'orders/*.parquet' --snapshot snapshots/1 --engine spark

    Exit codes: 0 written, 2 a setting is wrong, 3 the orders cannot be used.
    """
    check_free(folder)
    if master is not None and engine != "spark":
        raise ConfigError("--master says where Spark runs: it goes with --engine spark")
    private = read_standings(state, shop)
    if engine == "spark":
        _refuse_for_spark(memory, source.query, events=events)
    if events:
        check_events(state, shop)
    started = clock.perf_counter()
    progress = Shown(Console(stderr=True))
    settings = source.settings()
    moment = None if until is None else moment_of(until, settings.source.timezone)
    asked = Asked(source.orders, source.items, moment, folder, datetime.now(UTC), master, private)
    limit = None if memory is None else bytes_of(memory)
    interest = (state, shop) if events else None
    work = _trained_on_spark if engine == "spark" else partial(_trained_here, source, limit, interest)
    with work(asked, settings, progress) as (about, trained):
        trained = timed(trained, clock.perf_counter() - started)
        with progress.step("Write the snapshot"):
            snapshot = write_snapshot(trained, folder)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(snapshot.manifest), indent=2))
        else:
            _tell(about, snapshot, folder)
            if engine == "local":
                _tell_usage(about.expected, clock.perf_counter() - started)


def _refuse_for_spark(memory: str | None, query: str | None, *, events: bool) -> None:
    if events:
        raise ConfigError("--events is for this machine alone: --engine spark learns from orders only")
    if memory is not None:
        raise ConfigError("--memory is of this machine alone: with --engine spark, Spark's settings say it")
    if query is not None:
        raise ConfigError("--query is for a database, and --engine spark reads files: export it first")


@dataclass(frozen=True, slots=True)
class _About:
    """What is told of the orders when all is done.

    Attributes:
        figures: see `report`.
        findings: what was odd.
        items: ids of those sold.
        not_judged: why nothing was judged, if nothing was.
        expected: what a training on them is expected to take.
    """

    figures: dict[str, Any]
    findings: Findings
    items: Sequence[str]
    not_judged: str
    expected: Plan

    @classmethod
    def of(cls, read: ReadOrders, settings: Settings) -> "_About":
        """What there is to tell of orders that were read."""
        return cls(
            figures=report(read),
            findings=read.findings,
            items=read.orders.items.ids,
            not_judged=why_not_judged(read.orders, settings.evaluation),
            expected=plan_of(facts_of_orders(read.orders, settings), settings),
        )


@contextmanager
def _trained_on_spark(
    asked: Asked, settings: Settings, progress: Progress
) -> Iterator[tuple[_About, Snapshot]]:
    with spark_engine().trained(asked, settings, progress) as (read, snapshot):
        yield _About.of(read, settings), snapshot


@contextmanager
def _trained_here(
    source: SourceArguments,
    limit: int | None,
    interest: tuple[Path, str] | None,
    asked: Asked,
    settings: Settings,
    progress: Progress,
) -> Iterator[tuple[_About, Snapshot]]:
    # With --until a part of what would be counted is passed over, and may fit.
    if limit is not None and asked.until is None:
        _refuse_before_reading(source, limit, settings, progress)
    aside = asked.snapshot.with_name(asked.snapshot.name + ".quarantine.parquet")
    read = source.read(
        settings, quarantine=aside, until=asked.until, private=asked.private, progress=progress
    )
    if interest is not None:
        read = with_interest(read, *interest, asked.private, progress)
    about = _About.of(read, settings)
    check_memory(about.expected, limit, partial(click.echo, err=True))
    # Handed over: who makes the lists needs the room of the orders.
    handed_over = [read]
    del read
    yield about, learn_and_list(handed_over.pop(), settings, now=asked.now, progress=progress)


def _refuse_before_reading(
    source: SourceArguments, limit: int, settings: Settings, progress: Progress
) -> None:
    orders = source.orders or settings.source.orders
    if any(map(is_database, orders)):
        # Counting the rows of a query takes asking for all of them.
        return
    with progress.step("Count orders"):
        tables = open_orders(orders, settings.source, source.query)
        refuse_too_large(plan_of(facts_of_tables(tables, settings), settings), limit)


def moment_of(text: str, zone: str) -> int:
    """A date (its last second) or a time as seconds since 1970 UTC.

    Args:
        text: ISO 8601.
        zone: IANA zone that holds where the text names none.

    Raises:
        ConfigError: it is no time.
    """
    try:
        moment = datetime.combine(date.fromisoformat(text), time.max)
    except ValueError:
        moment = _time_of(text)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(zone))
    return int(moment.timestamp())


def _time_of(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"--until {text!r} is no time: write e.g. 2011-11-11 or 2011-11-11T12:50"
        ) from error


def _tell(about: _About, snapshot: Snapshot, folder: Path) -> None:
    console = Console()
    print_findings(console, about.findings, about.figures)
    console.print()
    print_manifest(console, snapshot.manifest)
    print_lists_health(console, snapshot)
    if snapshot.manifest.figures:
        console.print(figures_table(snapshot.manifest.figures))
    else:
        console.print(f"Not judged: {about.not_judged}.", markup=False, highlight=False)
    # Not a difference of lengths: new items are in the catalog although nobody has bought them.
    rare = sum(item not in snapshot.catalog.items for item in about.items)
    if rare:
        told = f"{rare:,} items with fewer order lines than min_item_lines are in no list (docs/settings.md)."
        console.print(told, highlight=False)
    console.print(f"\nPublish it: [bold]cartlift publish {folder}[/]", highlight=False, soft_wrap=True)


def _tell_usage(expected: Plan, seconds: float) -> None:
    """What the run took, beside what `cartlift plan` expects for such orders."""
    told = (
        f"It took {readable_memory(peak_memory())} of memory at most "
        f"({readable_memory(expected.training_peak)} expected) "
        f"and {seconds / 60:.1f} minutes ({expected.minutes:.1f} expected)."
    )
    Console().print(told, highlight=False, soft_wrap=True)
