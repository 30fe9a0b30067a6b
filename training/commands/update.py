"""`cartlift update`."""

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import click
import msgspec
from rich.console import Console

from recommender.command_options import redis_options
from recommender.errors import ConfigError, DataError
from recommender.events.private_customers import Standings, read_standings
from recommender.snapshot.directory import Snapshot, check_free, write_snapshot

from ..gate import Gate, SnapshotRefused
from ..memory_limit import bytes_of
from ..order_store import Added, OrderStore
from ..pipeline import timed, train
from ..plan import check_memory, plan_of
from ..progress import Progress, Shown
from ..publish import PublishReport
from ..report import figures_table, print_lists_health, print_manifest
from ..settings import Settings
from ..shop_facts import facts_of_orders
from ..sources import ReadOrders, read_orders
from ..sources.canonical import open_orders
from ..sources.tables import Table
from ..update import GoesOn, StartsAnew, start_of
from ..update import update as carry_over
from ..update_report import added_in_words, update_in_words
from .findings_report import print_findings, report
from .publish import REFUSED, keep_option, print_refusal, publish_with_words, refusal
from .source_options import SourceArguments, memory_option, source_options


@dataclass(frozen=True, slots=True)
class _Made:
    """What an update came to.

    Attributes:
        added: to the order store; None where no orders were named.
        full: why everything was made anew; None where lists were carried over.
        snapshot: as it was written.
        seconds: how long it took to read, learn and make lists.
    """

    added: Added | None
    full: str | None
    snapshot: Snapshot
    seconds: float


@click.command(
    epilog="""\b
Examples:
  cartlift update orders/*.csv --store store --snapshot snapshots/1
  cartlift update orders/today.csv --store store --from snapshots/1 --snapshot snapshots/2
  cartlift update orders/today.csv --store store --from snapshots/2 --snapshot snapshots/3 --publish
"""
)
@source_options
@click.option(
    "--store",
    "folder",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The order store: keeps every order line read so far. Made by the first call.",
)
@click.option(
    "--from",
    "previous",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The snapshot made before, to carry over what has not changed.",
)
@click.option(
    "--snapshot",
    "target",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="New folder for the snapshot; never overwritten.",
)
@click.option("--full", is_flag=True, help="Learn and judge everything anew, whatever could be carried over.")
@click.option("--publish", "goes_live", is_flag=True, help="Publish it at once; the gate is asked first.")
@keep_option
@redis_options
@memory_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def update(
    source: SourceArguments,
    folder: Path,
    previous: Path | None,
    target: Path,
    full: bool,
    goes_live: bool,
    keep: tuple[str, ...],
    redis_url: str | None,
    shop: str,
    state: Path,
    memory: str | None,
    as_json: bool,
) -> None:
    """Add new orders to a shop's order store, and renew only what they change.

    ORDERS are the exports since the last call. They may overlap with earlier ones and bring returns of old
    orders: the store keeps every line as it was read, and what counts is decided on all of them, as if they
    had been read at once. The same export twice changes nothing. Without ORDERS, lists are made of what is
    in the store.

    With --from, the snapshot of before is gone on from: models are learned anew from all orders, ALS from
    its old factors. Lists are made for customers and items whose orders or returns changed, or whose lists
    hold what can no longer be shown; all other lists are carried over, and so are the ranker and the verdict.
    Once a week ([update] full_every_days), and when settings or versions have changed, everything is learned
    and judged anew, as `cartlift train` does it. What was done, and why, is said at the end.

    Killed at any moment, the store is whole and the snapshot of before untouched: call it again.

    Exit codes: 0 done, 1 the gate is against publishing it (it is written all the same), 2 a setting is
    wrong, 3 the orders cannot be used, 4 Redis cannot be used.
    """
    check_free(target)
    limit = None if memory is None else bytes_of(memory)
    settings, store, notes = _settings(source), OrderStore(folder), Console(stderr=True)
    progress = Shown(notes)
    _check(store, settings, previous)
    started = time.perf_counter()
    with progress.step("Open exports"):
        exports = _exports(source, settings)
    private = read_standings(state, shop)
    with store.locked():
        fold = settings.cleaning.fold_customer_case
        if removed := store.erase(private.erased, fold=fold, progress=progress):
            notes.print(f"{removed:,} order lines of erased customers were removed from {folder}.")
        added = _add(store, exports, settings, private.erased, progress) if exports else None
        read = read_orders(
            [folder],
            settings,
            items=source.items,
            quarantine=target.with_name(target.name + ".quarantine.parquet"),
            private=private,
            progress=progress,
        )
    # On other nights, too, for the night of the full run comes, and better it is told before.
    expected = plan_of(facts_of_orders(read.orders, settings), settings)
    check_memory(expected, limit, partial(click.echo, err=True))
    start = StartsAnew("--full asks for it") if full else start_of(previous, read, settings)
    if isinstance(start, StartsAnew):
        notes.print(f"Full run: {start.why}.", highlight=False, markup=False, soft_wrap=True)
    snapshot = _snapshot(read, settings, start, progress)
    seconds = time.perf_counter() - started
    with progress.step("Write the snapshot"):
        snapshot = write_snapshot(timed(snapshot, seconds), target)
    why = start.why if isinstance(start, StartsAnew) else None
    made = _Made(added, why, snapshot, seconds)
    if not as_json:
        _tell(made, read, target, goes_live)
    said = Console(quiet=as_json)
    gate = Gate(settings.gate, datetime.now(UTC))
    published = _publish(made.snapshot, state, shop, redis_url, gate, said, keep) if goes_live else None
    if as_json:
        click.echo(json.dumps(_as_json(made, published)))
    if isinstance(published, SnapshotRefused):
        print_refusal(published)
        sys.exit(REFUSED)
    # Where nothing changed, it was live already, and the gate may be against it all the same.
    if published and published.ruling and published.ruling.reasons:
        sys.exit(REFUSED)


def _settings(source: SourceArguments) -> Settings:
    """The settings, with the orders of the command line: the store does not know which database is theirs."""
    settings = source.settings()
    if not source.orders:
        return settings
    return replace(settings, source=replace(settings.source, orders=source.orders))


def _check(store: OrderStore, settings: Settings, previous: Path | None) -> None:
    """Refuse, before anything is read or made, what would end in hours of the wrong work, or in nothing."""
    if not store.manifest.parts:
        if not settings.source.orders:
            raise ConfigError(f"order store {store.folder} is empty: name the orders to begin with")
    # On the first night there is nothing to go on from yet; later on it is a slip.
    elif previous is not None and not previous.exists():
        raise ConfigError(f"--from {previous}: no such folder; without --from everything is made anew")


def _exports(source: SourceArguments, settings: Settings) -> list[Table]:
    orders = settings.source.orders
    return open_orders(orders, settings.source, source.query) if orders else []


def _add(
    store: OrderStore, exports: Sequence[Table], settings: Settings, erased: Standings, progress: Progress
) -> Added:
    fold = settings.cleaning.fold_customer_case
    added = store.add(exports, settings.source, private=erased, fold=fold, progress=progress)
    if not added.whole:
        raise DataError(f"{', '.join(added.empty)}: no order lines there, and none in {store.folder} yet")
    return added


def _snapshot(
    read: ReadOrders, settings: Settings, start: GoesOn | StartsAnew, progress: Progress
) -> Snapshot:
    now = datetime.now(UTC)
    if isinstance(start, StartsAnew):
        return train(read, settings, now=now, progress=progress)
    return carry_over(read, settings, start, now=now, progress=progress)


def _publish(
    snapshot: Snapshot,
    state: Path,
    shop: str,
    redis_url: str | None,
    gate: Gate,
    console: Console,
    keep: tuple[str, ...],
) -> PublishReport | SnapshotRefused:
    try:
        return publish_with_words(snapshot, state, shop, redis_url, gate=gate, console=console, keep=keep)
    except SnapshotRefused as refused:
        return refused


def _as_json(made: _Made, published: PublishReport | SnapshotRefused | None) -> dict[str, object]:
    return {
        "added": made.added and asdict(made.added),
        "full": made.full,
        "seconds": round(made.seconds, 1),
        "snapshot": msgspec.to_builtins(made.snapshot.manifest),
        "published": asdict(published) if isinstance(published, PublishReport) else None,
        "refused": refusal(published) if isinstance(published, SnapshotRefused) else None,
    }


def _tell(made: _Made, read: ReadOrders, target: Path, goes_live: bool) -> None:
    console, manifest = Console(), made.snapshot.manifest
    print_findings(console, read.findings, report(read))
    console.print()
    print_manifest(console, manifest)
    print_lists_health(console, made.snapshot)
    if manifest.figures:
        console.print(figures_table(manifest.figures))
    for line in (*added_in_words(made.added), *update_in_words(manifest, made.full, made.seconds)):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    if not goes_live:
        console.print(f"\nPublish it: [bold]cartlift publish {target}[/]", highlight=False, soft_wrap=True)
