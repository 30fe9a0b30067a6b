"""`cartlift publish`, `cartlift snapshots` and `cartlift rollback`."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from recommender.command_options import redis_options
from recommender.snapshot.directory import Snapshot, load_snapshot
from recommender.snapshot.embedded_redis import choose_redis
from recommender.snapshot.publication import Publication
from recommender.snapshot.redis_store import RedisStore, connect
from recommender.snapshot.store import StoredSnapshot

from ..progress import Progress, Shown, Silent
from ..publish import PublicationPlan, PublishReport, readable
from ..publish import publish as publish_snapshot

_STATES = {"active": "[bold green]active[/]", "previous": "previous", "complete": "[dim]complete[/]"}


@click.command(
    epilog="""\b
Examples:
  cartlift publish snapshots/1
  cartlift publish snapshots/1 --redis redis://127.0.0.1:6379/0 --shop garden
"""
)
@click.argument("snapshot", metavar="DIR", type=click.Path(path_type=Path))
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def publish(snapshot: Path, redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """Put a snapshot into Redis and make it live in one step.

    It is written beside the live one, read back, and only then switched to: storefronts see the old lists
    or the new ones, never a mixture. The live one stays as `previous`, for `cartlift rollback`. Interrupted,
    it goes on where it stopped when called again.
    """
    console = Console(quiet=as_json)
    source = Publication(load_snapshot(snapshot))
    with _opened_store(redis_url, shop, state, console) as store:
        report = publish_snapshot(
            source, store, progress=_progress(console), announce=lambda plan: _announce(console, plan)
        )
        if as_json:
            click.echo(json.dumps(asdict(report)))
        else:
            _print_report(console, report)


@click.command(epilog="Example: cartlift snapshots --shop garden")
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def snapshots(redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """List the snapshots in Redis: which is live, and which one a rollback returns to."""
    console = Console(quiet=as_json)
    with _opened_store(redis_url, shop, state, console) as store:
        stored = store.snapshots()
    if as_json:
        click.echo(json.dumps({"snapshots": [asdict(s) for s in stored]}))
    elif stored:
        console.print(_table(stored))
    else:
        console.print("Nothing has been published yet: run [bold]cartlift publish DIR[/].", highlight=False)


@click.command(epilog="Example: cartlift rollback --redis redis://127.0.0.1:6379/0")
@redis_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object, and nothing else.")
def rollback(redis_url: str | None, shop: str, state: Path, as_json: bool) -> None:
    """Make the previous snapshot live again, in one step.

    The one that was live becomes `previous`: a second rollback undoes the first.
    """
    console = Console(quiet=as_json)
    with _opened_store(redis_url, shop, state, console) as store:
        live = store.roll_back()
        previous = next((s.snapshot for s in store.snapshots() if s.state == "previous"), None)
    if as_json:
        click.echo(json.dumps({"snapshot": live, "previous": previous}))
    else:
        console.print(f"live: [bold]{live}[/], previous: {previous}", highlight=False, soft_wrap=True)


def publish_to_redis(
    snapshot: Snapshot, state: Path, shop: str, redis_url: str | None = None
) -> PublishReport:
    """Publish a snapshot from memory, without a word on the terminal.

    Args:
        snapshot: what to publish.
        state: folder of our own Redis.
        shop: prefix of the keys.
        redis_url: a running Redis to use instead.
    """
    with _opened_store(redis_url, shop, state, Console(quiet=True)) as store:
        return publish_snapshot(Publication(snapshot), store)


@contextmanager
def _opened_store(redis_url: str | None, shop: str, state: Path, console: Console) -> Iterator[RedisStore]:
    with choose_redis(redis_url, state, os.environ.get("PATH", os.defpath)) as choice:
        console.print(
            f"Using {choice.description}", style="dim", highlight=False, markup=False, soft_wrap=True
        )
        with connect(choice.url) as client:
            yield RedisStore(client, shop)


def _progress(console: Console) -> Progress:
    return Silent() if console.quiet else Shown(console)


def _announce(console: Console, plan: PublicationPlan) -> None:
    free = plan.capacity.free
    room = "no limit is set" if free is None else f"{readable(free)} are left"
    console.print(
        f"Publishing {plan.snapshot}: {plan.size.entries:,} entries, {readable(plan.size.size)}, about "
        f"{readable(plan.capacity.needed)} of memory in Redis ({room})",
        highlight=False,
        soft_wrap=True,
    )


def _print_report(console: Console, report: PublishReport) -> None:
    previous = f"previous: {report.previous}" if report.previous else "no previous one"
    what = f"{report.entries:,} entries, {readable(report.size)}"
    if report.already_active:
        done = "was live already, nothing done"
    else:
        done = f"took {report.seconds:.1f} s" + (f", dropped {len(report.dropped)}" if report.dropped else "")
    hint = "; roll back with `cartlift rollback`" if report.previous else ""
    console.print(
        f"live: [bold]{report.snapshot}[/], {previous}, {what}; {done}{hint}", highlight=False, soft_wrap=True
    )


def _table(stored: list[StoredSnapshot]) -> Table:
    table = Table()
    table.add_column("snapshot")
    table.add_column("state")
    table.add_column("entries", justify="right")
    table.add_column("size", justify="right")
    for s in stored:
        state = _STATES.get(s.state, f"[yellow]{s.state}[/]")
        table.add_row(s.snapshot, state, f"{s.entries:,}", readable(s.size))
    return table
