"""`cartlift train`."""

from datetime import UTC, date, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import msgspec
from rich.console import Console

from recommender.errors import ConfigError
from recommender.snapshot.directory import Snapshot, check_free, write_snapshot

from ..not_judged import why_not_judged
from ..pipeline import train as learn_and_list
from ..progress import Shown
from ..report import figures_table, print_lists_health, print_manifest
from ..settings import Settings
from ..sources import ReadOrders
from .findings_report import print_findings
from .source_options import SourceArguments, source_options


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
@click.option("--json", "as_json", is_flag=True, help="Print the snapshot's manifest as JSON.")
def train(source: SourceArguments, folder: Path, until: str | None, as_json: bool) -> None:
    """Learn from a shop's orders and write every recommendation list.

    First the lists are judged: what would have been recommended before the last 28 days is held against
    what was then bought, beside best sellers. Then everything is learned from.

    Lines that cannot be used are put aside in DIR.quarantine.parquet, each with its reason.

    \b
      cartlift train orders/*.csv --items items.csv --snapshot snapshots/2011-12-09
      cartlift train 'postgresql://shop@db/shop' --query 'SELECT * FROM order_lines' --snapshot snapshots/1
      cartlift train shopify.csv --preset shopify --snapshot snapshots/1 --until 2011-11-11

    Exit codes: 0 written, 2 a setting is wrong, 3 the orders cannot be used.
    """
    check_free(folder)
    progress = Shown(Console(stderr=True))
    settings = source.settings()
    moment = None if until is None else moment_of(until, settings.source.timezone)
    aside = folder.with_name(folder.name + ".quarantine.parquet")
    read = source.read(settings, quarantine=aside, until=moment, progress=progress)
    trained = learn_and_list(read, settings, now=datetime.now(UTC), progress=progress)
    with progress.step("Write the snapshot"):
        snapshot = write_snapshot(trained, folder)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(snapshot.manifest), indent=2))
    else:
        _tell(read, settings, snapshot, folder)


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


def _tell(read: ReadOrders, settings: Settings, snapshot: Snapshot, folder: Path) -> None:
    console = Console()
    print_findings(console, read)
    console.print()
    print_manifest(console, snapshot.manifest)
    print_lists_health(console, snapshot)
    if snapshot.manifest.figures:
        console.print(figures_table(snapshot.manifest.figures))
    else:
        why = why_not_judged(read.orders, settings.evaluation)
        console.print(f"Not judged: {why}.", markup=False, highlight=False)
    # Not a difference of lengths: new items are in the catalog although nobody has bought them.
    rare = sum(item not in snapshot.catalog.items for item in read.orders.items.ids)
    if rare:
        told = f"{rare:,} items with fewer order lines than min_item_lines are in no list (docs/settings.md)."
        console.print(told, highlight=False)
    console.print(f"\nPublish it: [bold]cartlift publish {folder}[/]", highlight=False, soft_wrap=True)
